"""Masked recordings: nothing of a C2 value is left, what was equal stays equal, and what says it is masked must be."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sdk.recording.stage import GOOD, Stage, good_gateway, good_sender, message, written
from xinqiao.errors import ContentRefused, MalformedJson
from xinqiao.message import Json
from xinqiao.recording import Answer, Head, Masker, Recorded, Recording, is_token, masked
from xinqiao.recording.masks import require_masked
from xinqiao.recording.quoting import Quotable, leaves
from xinqiao.seal import Sealed
from xinqiao.standard import field_at, message_types
from xinqiao.testing import BANK, vectors


def personal(said: Json) -> set[str]:
    """Return the C2 values of a message that can be told from other text, and are in no C1 value of it."""
    body = next(name for name in said if name != "header")
    fields = [(field_at(body, path), value) for path, value in leaves(said)]
    open_to_all = " ".join(str(value) for field, value in fields if field and field.sensitivity == "C1")
    return {value for value in Quotable([said]).values if value not in open_to_all}


@pytest.mark.parametrize("role", GOOD)
def test_no_personal_value_is_left_anywhere_in_the_file(role: str, tmp_path: Path) -> None:
    recording = written(GOOD[role](), tmp_path / "run.jsonl")
    raw = masked(recording, tmp_path / "masked.jsonl").path.read_text(encoding="utf-8")
    told = {value for each in recording if each.message for value in personal(each.message)}
    assert len(told) > 15
    assert {value for value in told if value in raw} == set()


@pytest.mark.parametrize("body", sorted(message_types()))
def test_of_every_message_each_hidden_value_becomes_a_token_and_each_open_one_stays(body: str) -> None:
    for each in vectors(body):
        said = each["message"]
        after = Masker().mask(Recorded("subject", "rest", said)).message
        assert after is not None
        before = dict(leaves(said))
        for path, value in leaves(after):
            field = field_at(body, path)
            hidden = (
                field is None or field.sensitivity != "C1" or path.startswith(("receipt.digest.v", "receipt.proof"))
            )
            assert is_token(value) if hidden else value == before[path] or "masked:" in str(value)


def test_equal_values_give_equal_tokens_in_one_recording_and_others_in_the_next(tmp_path: Path) -> None:
    stage = good_sender()
    recording = written([stage[0], stage[0]], tmp_path / "run.jsonl")
    first, again = masked(recording, tmp_path / "1.jsonl"), masked(recording, tmp_path / "2.jsonl")
    [one, two] = first
    assert one.message == two.message
    assert one.message is not None
    applicant = one.message["kycApplication"]["applicant"]
    assert applicant["name"] == applicant["bankAccounts"][0]["name"]
    assert applicant["name"] != next(iter(again)).message["kycApplication"]["applicant"]["name"]  # type: ignore[index]
    assert len({first.root, again.root, recording.root}) == 3


def test_bytes_signatures_digests_and_headers_that_could_tell_are_left_out(tmp_path: Path) -> None:
    stage = good_gateway()
    answer = stage[0].answer
    assert answer is not None
    assert answer.message is not None
    answer.message["receipt"]["proof"] = {"salt": "5a" * 16, "leafIndex": 0}
    headers = {"Retry-After": "1", "Set-Cookie": "a=b", "X-Note": "%E7%8E%8B%E5%B0%8F%E6%98%8E"}
    stage[0] = replace(stage[0], answer=replace(answer, headers=headers))
    one = next(iter(masked(written(stage, tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")))
    assert one.sealed is not None
    assert one.sealed.content == b""
    assert one.sealed.signature.endswith("..")
    assert one.answer is not None
    assert one.answer.message is not None
    receipt = one.answer.message["receipt"]
    assert all(map(is_token, (receipt["digest"]["value"], receipt["proof"]["salt"], receipt["proof"]["leafIndex"])))
    assert one.answer.headers.keys() == {"Retry-After", "X-Note"}
    assert is_token(one.answer.headers["X-Note"])


def test_names_of_fields_that_could_hold_a_value_are_hidden_and_words_are_not(tmp_path: Path) -> None:
    said = message("kycApplication")
    said["kycApplication"] |= {"11010119800101007X": 1, "王小明": 2, "loyaltyTier2": 3}
    stage = Stage()
    stage.add("subject", said)
    one = next(iter(masked(written(stage, tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")))
    assert one.message is not None
    names = one.message["kycApplication"].keys() - vectors("kycApplication")[0]["message"]["kycApplication"].keys()
    assert "loyaltyTier2" in names
    assert len([name for name in names if is_token(name)]) == 2


def test_the_ends_that_a_finding_shows_of_a_value_are_hidden_too(tmp_path: Path) -> None:
    [refused] = [
        each for each in good_gateway() if each.answer and each.answer.status == 422 and each.body == "kycApplication"
    ]
    assert refused.answer is not None
    assert "110***" in orjson.dumps(refused.answer.message).decode()
    one = next(iter(masked(written([refused], tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")))
    assert one.answer is not None
    assert "110***" not in orjson.dumps(one.answer.message).decode()


def test_of_a_message_that_could_not_be_read_nothing_is_quoted(tmp_path: Path) -> None:
    refusal = {"header": {}, "rejection": {"reason": "malformed_json", "text": {"zh": "王小明", "en": "near 王小明"}}}
    recorded = Recorded("subject", "rest", None, unreadable="malformed_json", answer=Answer(400, refusal))
    copy = masked(written([recorded], tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")
    assert "王小明" not in copy.path.read_text(encoding="utf-8")
    assert next(iter(copy)).unreadable == "malformed_json"


def test_masking_twice_changes_nothing(tmp_path: Path) -> None:
    once = masked(written(good_gateway(), tmp_path / "run.jsonl"), tmp_path / "1.jsonl")
    twice = masked(once, tmp_path / "2.jsonl")
    assert twice.path.read_bytes() == once.path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda line: line["message"]["kycApplication"]["applicant"].update(name="王小明"), "applicant.name"),
        (lambda line: line["sealed"].update(content="e30="), "sealed.content"),
        (lambda line: line["sealed"].update(signature="a..b"), "sealed.signature"),
        (lambda line: line["answer"]["headers"].update({"X-A": "b"}), "answer.headers.X-A"),
        (lambda line: line["answer"]["message"]["receipt"]["digest"].update(value="0" * 64), "receipt.digest.value"),
        (lambda line: line.update(delivered=[{"navReport": {"memo": "王小明"}}]), "delivered"),
    ],
)
def test_what_says_it_is_masked_and_is_not_is_refused_with_its_place(tmp_path: Path, spoil: Any, where: str) -> None:
    path = masked(written(good_sender(), tmp_path / "run.jsonl"), tmp_path / "masked.jsonl").path
    head, first, *rest = path.read_bytes().splitlines()
    line = orjson.loads(first)
    spoil(line)
    path.write_bytes(b"\n".join([head, orjson.dumps(line), *rest, b""]))
    with pytest.raises(ContentRefused, match=f"line 2: .*{where}.* is not masked"):
        list(Recording.open(path))


def test_a_raw_exchange_is_not_taken_by_a_masked_recording(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "masked.jsonl", Head(BANK, test=True, masked=True)) as recording:
        with pytest.raises(ContentRefused, match="is not masked in a recording that says it is"):
            recording.append(good_sender()[0])
        assert list(recording) == []


def test_a_recording_that_cannot_be_read_leaves_no_masked_file_behind(tmp_path: Path) -> None:
    path = written(good_sender(), tmp_path / "run.jsonl").path
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(MalformedJson):
        masked(Recording.open(path), tmp_path / "masked.jsonl")
    assert not (tmp_path / "masked.jsonl").exists()


def test_a_value_that_stands_in_a_text_for_people_is_a_token_there(tmp_path: Path) -> None:
    said = message("kycApplication", operator="柜员代王小明填写", branch="王小明王小明")
    [one] = masked(written([Recorded("subject", "rest", said)], tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")
    assert one.message is not None
    name = one.message["kycApplication"]["applicant"]["name"]
    assert (one.header["operator"], one.header["branch"]) == (f"柜员代{name}填写", name * 2)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("KYC-11010519491231002X", "KYC-"),
        ("KYC-440524188001010014-1", "KYC-440524188001010014-1"),  # nobody is born in 1880
        ("110105194912310021", "110105194912310021"),  # its check digit is another
        ("13812345678 6222021234567890128", " "),
        ("6222021234567890127", "6222021234567890127"),
        ("RO20260202001", "RO20260202001"),
        ("019bf0a0-7c00-7000-8000-000000000001", "019bf0a0-7c00-7000-8000-000000000001"),
    ],
)
def test_the_numbers_of_a_person_are_hidden_in_numbers_of_business_too(text: str, left: str) -> None:
    masker = Masker()
    said = message("navReport", caseId=text, operator=text)
    first, again = (masker.mask(Recorded("subject", "rest", said)) for _ in range(2))
    assert first.message == again.message, "what is sent again is masked as before"
    for name in ("caseId", "operator"):
        assert re.sub("masked:[0-9a-f]{20}", "", first.header[name]) == left
    require_masked(first)


def test_what_a_receipt_notes_of_a_value_is_hidden(tmp_path: Path) -> None:
    stage = good_gateway()
    answer = stage[0].answer
    assert answer is not None
    assert answer.message is not None
    path = "kycApplication.applicant.documents[0].number"
    notes = [
        {"rule": "XQ-R-010", "path": path, "value": "110***07X"},
        {"rule": "XQ-R-010", "path": "header.caseId", "value": "CASE"},
    ]
    answer.message["receipt"]["notes"] = notes
    pulled = Recorded("peer", "rest", answer.message)
    for each in masked(written([stage[0], pulled], tmp_path / "run.jsonl"), tmp_path / "masked.jsonl"):
        said = each.answer.message if each.answer else each.message
        assert said is not None
        shown = [note["value"] for note in said["receipt"]["notes"]]
        assert is_token(shown[0])
        assert shown[1] == "CASE" or each.answer is None


def test_headers_and_seals_are_kept_in_their_own_form_alone(tmp_path: Path) -> None:
    stage = good_sender()
    first, answer = stage[0], stage[0].answer
    assert first.sealed is not None
    assert answer is not None
    headers = {"Content-Type": "application/json; name=x", "Retry-After": "soon, x", "X-王小明": "x"}
    header = base64.urlsafe_b64encode('{"alg":"Ed25519","kid":"王小明"}'.encode()).rstrip(b"=").decode()
    sealed = Sealed(first.sealed.content, "text/王小明", f"{header}..x")
    stage[0] = replace(first, sealed=sealed, answer=replace(answer, headers=headers))
    copy = masked(written(stage, tmp_path / "run.jsonl"), tmp_path / "masked.jsonl")
    one = next(iter(copy))
    assert (one.sealed, one.answer and one.answer.headers) == (Sealed(b"", "", ""), {})


def test_what_stands_in_a_field_that_cannot_hold_it_is_hidden_and_what_can_stays() -> None:
    said = message("kycApplication", channelId="王小明", businessDate="13812345678", test="王小明")
    said["kycApplication"]["applicant"]["documents"][0] |= {"issuingCountry": "11010519491231002X", "longTerm": False}
    masked_message = Masker().mask(Recorded("subject", "rest", said)).message
    assert masked_message is not None
    header, applicant = masked_message["header"], masked_message["kycApplication"]["applicant"]
    assert header["channelId"] == header["test"] == applicant["name"]
    assert is_token(header["businessDate"])
    assert is_token(applicant["documents"][0]["issuingCountry"])
    assert (header["sender"], applicant["documents"][0]["longTerm"]) == (BANK, False)
