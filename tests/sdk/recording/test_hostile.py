"""What a recording holds is written by others: no check stumbles over it, whatever stands where."""

import copy
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.sdk.recording.stage import GOOD, KEY, PATIENCE
from xinqiao.recording import Answer, Context, Head, Masker, Recorded
from xinqiao.recording.checking import judged
from xinqiao.recording.checks import checks
from xinqiao.recording.masks import require_masked
from xinqiao.recording.quoting import Quotable
from xinqiao.seal import KeyRing, Sealed
from xinqiao.testing import BANK

GARBAGE: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1.5, "", "x", "9" * 40, "-1", "1e5", "²", "2026-02-30", "2026-01-01T00:00:00", "\u202e",
    "masked:" + "0" * 20, [], [[]], [None], [{}], ["x"], {}, {"": {}}, {"value": "x"}, {"kind": []}, {"mediaType": 1},
)  # fmt: skip


def places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container and key in a message."""
    for key, each in list(part.items()) if isinstance(part, dict) else list(enumerate(part)):
        yield part, key
        if isinstance(each, dict | list):
            yield from places(each)


def spoilt(stage: list[Recorded], chance: random.Random) -> Iterator[Recorded]:
    """Yield exchanges with garbage at some places, in answers too."""
    for each in stage:
        message, answer = copy.deepcopy(each.message), each.answer
        said = copy.deepcopy(answer.message) if answer else None
        for spoiled in (message, said):
            for container, key in chance.sample(list(places(spoiled)), 4) if spoiled else ():
                container[key] = chance.choice(GARBAGE)
        status = chance.choice([None, 0, 200, 202, 409, 503])
        headers = {"Retry-After": chance.choice(["", "-1", "soon", "9" * 30, "²", "1.5"])}
        sealed = chance.choice([None, Sealed(b"", "", ""), Sealed(b"\xff", "x", "a..b"), each.sealed])
        delivered = (message,) if message and chance.random() < 0.5 else ()
        yield replace(each, message=message, sealed=sealed, answer=Answer(status, said, headers), delivered=delivered)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("role", GOOD)
def test_no_check_stumbles_over_garbage_masked_or_not(role: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- garbage that comes again
    exchanges = list(spoilt(GOOD[role](), chance))
    masker = Masker()
    hidden = [masker.mask(each) for each in exchanges]
    for each in hidden:
        require_masked(each)
        assert Recorded.from_json(each.as_json()) == each
    for recorded, masked in ((exchanges, False), (hidden, True)):
        context = Context(Head(BANK, test=True, masked=masked), role, KeyRing([KEY.public()]), PATIENCE)
        states = {judged(check, recorded, context).state for check in checks().values() if role in check.roles}
        assert states <= {"passed", "failed", "not_seen", "not_observable"}


def test_of_an_answer_without_end_the_beginning_is_read() -> None:
    said = {"header": {}, "kycApplication": {"applicant": {"name": "王小明"}}}
    told = Quotable([said])
    assert list(told.quoted("x" * 99_000 + "王小明")) == [(99_000, "王小明")]
    assert list(told.quoted("x" * 1_000_000 + "王小明")) == []
