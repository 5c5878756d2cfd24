"""Whether what came in goes out as it was: attributes that were lost or changed on the way through a gateway."""

from collections.abc import Iterable, Iterator
from itertools import islice

from xinqiao.finding import Text
from xinqiao.message import ROUTING, Json
from xinqiao.recording.checking import Broken, Context, Looks, check, shown
from xinqiao.recording.index import Index
from xinqiao.recording.masks import differing
from xinqiao.recording.model import Recorded, body_of, header_of
from xinqiao.recording.quoting import leaves
from xinqiao.standard import field_at

__all__: list[str] = []

_KEPT = Text("与收到时相同的值", "the value that came in")
_UNKNOWN_KEPT = Text("未知字段原样保留", "the unknown field as it came in")
# The first few places say what is wrong with a message.
_MOST = 5


@check("lost_attributes", "MSG-013", "gateway", zh="转交时字段丢失或改变", en="a field is lost or changed on the way")
def look_at_attributes(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Fields of the standard, in the message that came in and the one that went out."""
    return (yield from _carried(recorded, _KEPT, known=True))


@check("unknown_kept", "ENV-020", "gateway", zh="转交时未知字段丢失", en="an unknown field is lost on the way")
def look_at_unknown(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Fields of a later version."""
    return (yield from _carried(recorded, _UNKNOWN_KEPT, known=False))


def _carried(recorded: Iterable[Recorded], expected: Text, *, known: bool) -> Looks:
    """Compare what was delivered with what came in under the same id and type."""
    looked = 0
    with Index() as came:
        for each in recorded:
            if each.by == "peer" and each.message is not None and body_of(each.message):
                came.put(each.message_id, value=each.message)
            for message in _gone_out(each):
                before = came.get(header_of(message).get("messageId"))
                if before is None or body_of(before) != body_of(message):
                    continue
                looked += known or _has_unknown(before)
                for path, value, after in islice(_differences(before, message, known=known), _MOST):
                    seen = "nothing" if after is None else shown(message, path, after)
                    yield Broken(each.number, path, expected, f"{seen} (in: {shown(before, path, value)})")
    return looked


def _has_unknown(message: Json) -> bool:
    return any(field_at(body_of(message) or "ping", path) is None for path, _ in leaves(message))


def _gone_out(each: Recorded) -> Iterator[Json]:
    yield from each.delivered
    if each.by == "subject" and each.message is not None:
        yield each.message


def _differences(before: Json, after: Json, *, known: bool) -> Iterator[tuple[str, object, object]]:
    """Yield what was lost or changed; what is new, and the fields that carry a message, are the gateway's."""
    body = body_of(before) or "ping"
    for path, value, now in differing(before, after):
        routing = path.removeprefix("header.") in ROUTING
        if value is not None and not routing and (field_at(body, path) is not None) is known:
            yield path, value, now
