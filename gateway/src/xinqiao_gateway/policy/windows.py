"""Conditions on the past: totals, counts and likenesses within a sliding window."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from xinqiao.message import Json
from xinqiao_gateway.policy.comparison import comparable
from xinqiao_gateway.policy.conditions import NUMBERS, Doubt, found_place, number_at
from xinqiao_gateway.policy.judgement import Mark, Past, Window
from xinqiao_gateway.policy.rule import Condition, seconds
from xinqiao_gateway.policy.watch_list import Digest

__all__ = ["Windowed", "key_of", "windowed"]

_Key = Callable[[Json], str | None]


@dataclass(frozen=True, slots=True)
class Windowed:
    """A condition on the past in use. ``name`` tells its marks from those of the rule's other conditions."""

    name: str
    says: str
    within: int
    key: _Key
    amount: Callable[[Json], Decimal | None] | None
    exceeds: Callable[[Window, Decimal], bool]

    def mark_of(self, message: Json) -> Mark | None:
        """Return what is to be remembered of a message; None where a value that it is about is not there."""
        key = self.key(message)
        if key is None:
            return None
        amount = self.amount(message) if self.amount else None
        return None if self.amount and amount is None else Mark(self.name, key, amount=amount)

    def holds(self, mark: Mark, at: float, past: Past) -> bool:
        """Say whether the past and this message together exceed what the condition allows."""
        return self.exceeds(past.window(self.name, mark.key, at - self.within), mark.amount or Decimal(0))


def windowed(condition: Condition, body: str, name: str, digest: Digest) -> Windowed:
    """Compile a total, count or similar for a message type. Raises ``Doubt``."""
    if condition.total:
        return _total(condition, body, name, digest)
    spec = condition.count or condition.similar
    assert spec is not None  # noqa: S101 -- the caller saw to it
    key = key_of(body, spec.by, digest, name, condition.test, "by")
    alike = f"alike in {', '.join(spec.by)} within {spec.within}"
    if condition.count:
        above = condition.count.above
        says, exceeds = f"more than {above} {alike}", lambda past, _: past.count + 1 > above
    else:
        says, exceeds = f"one before {alike}", lambda past, _: past.count > 0
    return Windowed(name, says, seconds(spec.within), key, None, exceeds)


def _total(condition: Condition, body: str, name: str, digest: Digest) -> Windowed:
    total = condition.total
    assert total is not None  # noqa: S101 -- the caller saw to it
    found = found_place(body, total.of, None, "total", "of")
    number, get, limit = number_at(found, total.currency, "total", "currency"), found.get, total.limit

    def amount(message: Json) -> Decimal | None:
        known = [each for each in map(number, get(message)) if each is not None]
        return sum(known, Decimal(0)) if known else None

    says = f"total of {total.of} above {limit} {total.currency or ''}".rstrip()
    return Windowed(
        name=name,
        says=f"{says} by {', '.join(total.by)} within {total.within}",
        within=seconds(total.within),
        key=key_of(body, total.by, digest, name, "total", "by"),
        amount=amount,
        exceeds=lambda past, own: past.total + own > limit,
    )


def key_of(body: str, by: tuple[str, ...], digest: Digest, purpose: str, *where: str | int) -> _Key:
    """Return what makes the keyed digest of a message's values at ``by``, None where one of them is not there.

    Test traffic has keys of its own. Raises ``Doubt``.
    """
    values = tuple(_values_of(body, path, *where, number) for number, path in enumerate(by))

    def key(message: Json) -> str | None:
        parts = [each(message) for each in values]
        if not all(parts):
            return None
        about = "\x1e".join("\x1f".join(sorted(each)) for each in parts)
        return digest(f"policy\0{purpose}\0{message['header'].get('test', False)}\0{about}")

    return key


def _values_of(body: str, path: str, *where: str | int) -> Callable[[Json], list[str]]:
    found = found_place(body, path, None, *where)
    if path.endswith("[]") and "$ref" in found.field.schema.get("items", {}):
        raise Doubt(f"{path} are elements with fields of their own: name one of them", *where)
    get, is_number = found.get, found.field.kind in NUMBERS

    def values(message: Json) -> list[str]:
        return [comparable(value, is_number=is_number) for value in get(message)]

    return values
