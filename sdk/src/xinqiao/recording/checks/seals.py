"""The seals of messages: how they are made, and with the subject's public keys whether they are right."""

from collections.abc import Iterable

from xinqiao.errors import SealInvalid, SealMissing
from xinqiao.finding import Text
from xinqiao.recording.checking import Broken, Context, Looks, check, sent
from xinqiao.recording.model import Recorded
from xinqiao.seal import Sealed, kid_of, open_stored

__all__: list[str] = []

_SEAL = Text(
    "对确切字节的分离式 JWS，保护头成员不多不少", "a detached JWS over the exact bytes, with just the header members"
)


@check("seals", "SEC-002", "sender", "file-partner", zh="签名不合标准", en="a seal is not as it must be", veiled=True)
def look_at_seals(recorded: Iterable[Recorded], context: Context) -> Looks:
    """The protected header always; the signature where bytes and keys are known."""
    looked = 0
    for each in sent(recorded):
        if each.sealed is None or each.transport == "h5":
            continue
        looked += 1
        try:
            _require(each.sealed, context)
        except (SealInvalid, SealMissing) as error:
            yield Broken(each.number, "sealed.signature", _SEAL, error.detail)
    return looked


def _require(sealed: Sealed, context: Context) -> None:
    if context.keys is not None and not context.masked:
        open_stored(sealed, context.keys)
    else:
        kid_of(sealed)
