"""The seals of one channel whose partner has a scheme of its own, for each use that the profile names."""

from dataclasses import dataclass

from xinqiao_adapters.security.keys import Keys
from xinqiao_adapters.security.opener import Opener
from xinqiao_adapters.security.sealer import Sealer
from xinqiao_adapters.security.spec import PartnerSecurity

__all__ = ["PartnerSeals", "bind"]


@dataclass(frozen=True, slots=True)
class PartnerSeals:
    """What opens and seals messages, and answers to them; None where answers are not sealed."""

    opener: Opener
    sealer: Sealer
    answer: Sealer | None
    reply: Opener | None


def bind(security: PartnerSecurity, keys: Keys) -> PartnerSeals:
    """Give a profile's security its keys. Raises ``KeyUnusable`` naming the file that is missing or wrong."""
    sealings, user = security.sealings, security.user_id
    return PartnerSeals(
        opener=Opener(sealings[security.incoming], user, keys),
        sealer=Sealer(sealings[security.outgoing], user, keys),
        answer=Sealer(sealings[security.answer], user, keys) if security.answer else None,
        reply=Opener(sealings[security.reply], user, keys) if security.reply else None,
    )
