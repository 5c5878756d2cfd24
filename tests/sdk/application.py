"""The message that the published receipt is for."""

from xinqiao.message import Json
from xinqiao.testing import example, vector

__all__ = ["application"]


def application() -> Json:
    """Return an application with the id that the published receipt accepts."""
    accepted = vector("receipt")["receipt"]["acceptedMessageId"]
    message = example("kycApplication")
    return {**message, "header": {**message["header"], "messageId": accepted}}
