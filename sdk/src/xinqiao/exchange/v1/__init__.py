"""The service ``xinqiao.exchange.v1.Exchange``: ``exchange_pb`` holds its messages, ``exchange_pb_grpc`` its stubs."""
