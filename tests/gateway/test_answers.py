"""The answers of the rest front stay bounded, and say what they leave out."""

import orjson

from tests.gateway.conftest import Site, message
from xinqiao.message import Json
from xinqiao.validation import check


def with_unknown_fields(number: int, *, valid: bool = True) -> Json:
    """Return a message that has as many fields that the standard does not know."""
    sent = message("subscriptionOrder", None)
    body = sent["subscriptionOrder"] | {f"field{each}": "1" for each in range(number)}
    if not valid:
        body |= {"instrument": {**body["instrument"], "isin": "LU0208853275"}}
    return {**sent, "subscriptionOrder": body}


def test_findings_are_bounded_over_all_messages_and_each_keeps_its_first(site: Site) -> None:
    sent = [with_unknown_fields(80, valid=False) for _ in range(20)]
    answers = orjson.loads(site.post("partner", orjson.dumps(sent)).content)
    assert [check(answer) for answer in answers] == [[]] * 20
    rejections = [answer["rejection"] for answer in answers]
    assert [len(each["findings"]) for each in rejections] == [81] * 12 + [21] + [1] * 7
    said = [each["text"]["en"].partition("; ")[2] for each in rejections]
    left_out = [f"{number} further findings are left out here" for number in (60, *(80,) * 7)]
    assert said == [""] * 12 + left_out


def test_notes_are_as_many_as_the_standard_lets_a_receipt_hold(site: Site) -> None:
    answer = orjson.loads(site.send("partner", with_unknown_fields(150)).content)
    assert check(answer) == []
    assert len(answer["receipt"]["notes"]) == 100
