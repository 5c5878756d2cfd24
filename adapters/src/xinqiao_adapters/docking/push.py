"""``push``: where messages for a channel go. Without it the partner pulls."""

from pydantic import BaseModel

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Push"]


class Push(BaseModel):
    """Where messages go, by one line: the scheme of ``url`` says how. ``timeout`` of one push, in seconds.

    ``https://…`` posts each; ``tcp://host:port`` and ``tls://host:port`` send each in the frame that ``tcp`` describes;
    ``sftp://user@host/folder`` writes files into the partner's server, ``folder:out`` into the channel's own folder.
    """

    model_config = STRICT

    url: str
    timeout: float | int | None = None
