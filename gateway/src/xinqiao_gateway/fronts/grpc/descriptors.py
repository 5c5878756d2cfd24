"""The descriptors that reflection shows: the service, its messages, and the standard's messages with their rules."""

from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from protobuf import DescFile

from xinqiao.exchange.v1 import exchange_pb
from xinqiao.v1 import message_pb

__all__ = ["SERVICE", "descriptors"]

SERVICE = "xinqiao.exchange.v1.Exchange"


def descriptors() -> DescriptorPool:
    """Return a pool of what the proto files say; grpcio's reflection reads Google's descriptors alone."""
    pool = DescriptorPool()
    known: set[str] = set()

    def add(file: DescFile) -> None:
        if file.name in known:
            return
        known.add(file.name)
        for each in file.dependencies:
            add(each)
        pool.AddSerializedFile(file.proto.to_binary())

    for each in (exchange_pb.desc(), message_pb.desc()):
        add(each)
    for beside in (health_pb2, reflection_pb2):
        pool.AddSerializedFile(beside.DESCRIPTOR.serialized_pb)
    return pool
