"""Which channel may read which document. Who may not learns nothing: not even whether there is one."""

from collections.abc import Callable

from xinqiao.errors import ContentGone, NotFound
from xinqiao.message import Json
from xinqiao_gateway.documents.digests import DocumentDigest
from xinqiao_gateway.documents.documents import Documents
from xinqiao_gateway.documents.references import mentioned

__all__ = ["Access"]

# What reached the channel or is on its way there; not what waits for a person, was passed over or given up.
_ON_ITS_WAY = frozenset({"pending", "leased", "waiting", "held", "delivered"})


class Access:
    """Decides by what is held, and by the journal: ``message_of`` is ``Reading.message``."""

    def __init__(self, documents: Documents, message_of: Callable[[str], Json]) -> None:
        self._documents = documents
        self._message_of = message_of

    def check(self, channel_id: str, digest: DocumentDigest, message_id: str | None) -> None:
        """Let a channel read a document that it sent, or to which a message for it refers.

        The message counts where it came from a channel that has the document itself; otherwise anybody who knows a
        digest could have the document by writing about it. Whoever is let in has it from then on. Raises ``NotFound``.
        """
        if self._documents.holds(digest, channel_id):
            return
        if message_id is None or not self._refers(channel_id, digest, message_id):
            raise NotFound("no such document for this channel")
        self._documents.hold(digest, channel_id)

    def _refers(self, channel_id: str, digest: DocumentDigest, message_id: str) -> bool:
        try:
            found = self._message_of(message_id)
        except (NotFound, ContentGone):
            return False
        reaches = any(each["channel"] == channel_id and each["state"] in _ON_ITS_WAY for each in found["deliveries"])
        if not reaches or not self._documents.holds(digest, found["channel"]):
            return False
        return any(self._documents.same(each, digest) for each in mentioned(found["message"]))
