"""Messages that wait for a partner which fetches them, as it gets them, by whatever front."""

import structlog

from xinqiao.errors import InternalError, Rejected
from xinqiao.seal import Sealed, seal
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal import Settlement, Waiting, refused

__all__ = ["sealed_for"]

_log = structlog.get_logger("fronts")


async def sealed_for(gateway: Gateway, channel: ServedChannel, waiting: Waiting) -> Sealed | None:
    """Return a message as the partner gets it; one that cannot be made so becomes a dead letter, and stops none."""
    try:
        encoded = channel.encode(waiting.message, waiting.original)
    except Rejected as error:
        await gateway.journal.settle(refused(waiting.delivery_id, error))
        return None
    except Exception as error:  # noqa: BLE001 -- an adapter's fault is one message's own, not that of all after it
        _log.exception("encoding failed", channel=channel.channel_id, delivery=waiting.delivery_id)
        reason, detail = InternalError.reason, type(error).__name__
        await gateway.journal.settle(Settlement(waiting.delivery_id, "dead", "refused", reason, detail))
        return None
    return seal(encoded.content, encoded.content_type, gateway.installation.key)
