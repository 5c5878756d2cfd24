"""The gRPC front: sealed messages in and out over the service ``xinqiao.exchange.v1.Exchange``."""
