"""The partner that docks in every way: what it was given by the trust company, and what it has."""

from dataclasses import dataclass
from pathlib import Path

from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.seal import SigningKey
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.demo.business import Recorded

__all__ = ["Partner"]


@dataclass(frozen=True, slots=True)
class Partner:
    """Its channel, the codes of both sides, addresses and keys. ``secrets`` is the folder with its file ``ssh-key``."""

    channel: str
    sender: str
    receiver: str
    key: SigningKey
    url: str
    grpc: str
    sftp_port: int
    host_key: str
    secrets: Path

    def message(self, recorded: Recorded, case_id: str) -> Json:
        """Return a recorded message with a header of its own."""
        header = {
            "messageId": new_message_id(),
            "standardVersion": STANDARD_VERSION,
            "sender": self.sender,
            "receiver": self.receiver,
            "caseId": case_id,
            "createdAt": timestamp(),
        }
        return {"header": header, recorded.kind: recorded.body}
