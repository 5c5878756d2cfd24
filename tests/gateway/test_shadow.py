"""The shadow run finds every difference from an older system, explained or not, and says nothing personal."""

import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.adapters.conftest import DOCUMENT, HEAD, NAV
from tests.gateway.shadowing import OldSystem, as_line, record, rows, run, sample, write_case
from xinqiao.adapter import Decoded
from xinqiao.errors import ProfileInvalid
from xinqiao.message import Json, write_json
from xinqiao.seal import new_key, seal, write_key
from xinqiao.standard import field_at
from xinqiao.testing import generated
from xinqiao.testing.observed import leaves
from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.cli.shadow import shadow
from xinqiao_gateway.installation import add_channel
from xinqiao_gateway.shadow import Broken, Case, Recording, read_explanations
from xinqiao_gateway.shadow.comparison import compare_messages

KYC = sample("kyc_apply")
Change = Callable[[Json], object]


def case(folder: Path, change: Change, *, raw: bytes = KYC, accepted: bool = True) -> Path:
    """Record one case in which the older system's message was changed."""
    system = OldSystem()
    messages = system.forwarded(raw) if accepted else []
    for each in messages:
        change(each)
    write_case(folder / "001", raw, system.answer(raw, accepted=accepted), map(write_json, messages))
    return folder


def explained(folder: Path, *lines: str) -> Path:
    path = folder / "explained.yaml"
    path.write_text("explained:\n" + "".join(f"  - {{{each}}}\n" for each in lines), encoding="utf-8")
    return path


def channel(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "channel.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_recording_of_what_the_profile_does_as_well_passes(tmp_path: Path) -> None:
    report = run(record(tmp_path / "recording"))
    assert (report.passed, report.cases, report.alike, report.rows) == (True, 6, 6, [])


def test_an_empty_recording_proves_nothing(tmp_path: Path) -> None:
    assert run(tmp_path).passed is False


def test_a_wrong_mapping_is_found(tmp_path: Path) -> None:
    wrong = "interfaces: {kyc_apply: {map: {sourceOfFunds: {from: Body/Purpose}, purpose: {from: Body/FundSrc}}}}\n"
    channels = channel(tmp_path / "channels", "demo-bank", f"channel: demo-bank\nextends: demo-bank\n{wrong}")
    report = run(record(tmp_path / "recording"), channels=channels)
    assert rows(report) == {
        ("kycApplication.purpose", "different"): (1, 0),
        ("kycApplication.sourceOfFunds", "different"): (1, 0),
        ("kycApplication.purpose", "missing_there"): (1, 0),  # of the institution, which says one of the two only
        ("kycApplication.sourceOfFunds", "missing_here"): (1, 0),
    }
    assert (report.passed, report.alike, report.unexplained) == (False, 4, 4)


def test_what_only_one_side_hands_on_is_missing_on_the_other(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        del message["kycApplication"]["purpose"]
        message["kycApplication"]["applicant"]["remark"] = "手工补录"

    report = run(case(tmp_path / "recording", change))
    assert rows(report) == {
        ("kycApplication.purpose", "missing_there"): (1, 0),
        ("kycApplication.applicant.remark", "missing_here"): (1, 0),
    }


def test_a_whole_message_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    one, two = (OldSystem().forwarded(sample(name))[0] for name in ("kyc_apply", "account_entry"))
    answer = OldSystem().answer(KYC)
    write_case(tmp_path / "more" / "1", KYC, answer, [write_json(one), write_json(two)])
    write_case(tmp_path / "more" / "2", KYC, answer, [])
    assert rows(run(tmp_path / "more")) == {
        ("accountEntry", "missing_here"): (1, 0),
        ("kycApplication", "missing_there"): (1, 0),
    }
    assert run(tmp_path / "more", answers=True).passed is True


def test_another_spelling_of_a_number_is_no_difference(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        message["kycApplication"]["annualIncome"]["value"] += "00"

    assert run(case(tmp_path, change)).passed is True


def test_an_explained_difference_passes_and_is_counted(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        message["kycApplication"]["purpose"] = "其他"
        message["kycApplication"]["applicant"]["documents"][0]["number"] = "11010119800101011X"

    by = "by: 王工, until: 2026-12-31"
    path = explained(
        tmp_path,
        f"where: kycApplication.purpose, class: different, theirs: 其*, why: 旧系统只有大类, {by}",
        f"where: 'kycApplication.applicant.documents[].*', why: 旧系统的测试证件, {by}",
    )
    report = run(case(tmp_path / "recording", change), explained=path)
    assert (report.passed, report.differences, report.unexplained, report.alike) == (True, 2, 0, 0)
    assert [(each.count, each.state) for each in report.explanations] == [(1, "used"), (1, "used")]
    assert rows(report) == {
        ("kycApplication.purpose", "different"): (1, 1),
        ("kycApplication.applicant.documents[].number", "different"): (1, 1),
    }


@pytest.mark.parametrize(
    "line",
    [
        "where: kycApplication.sourceOfFunds",
        "where: kycApplication.purpose, theirs: 其",
        'where: kycApplication.purpose, ours: ""',
        "where: kycApplication.purpose, class: missing_here",
        "where: kycApplication",
    ],
)
def test_an_explanation_of_something_else_explains_nothing_and_is_reported(tmp_path: Path, line: str) -> None:
    def change(message: Json) -> None:
        message["kycApplication"]["purpose"] = "其他"

    path = explained(tmp_path, f"{line}, why: x, by: 王工, until: 2026-12-31")
    report = run(case(tmp_path / "recording", change), explained=path)
    assert (report.passed, report.unexplained) == (False, 1)
    assert [(each.at, each.count, each.state) for each in report.explanations] == [(f"{path}:2", 0, "stale")]


def test_an_explanation_counts_until_its_last_day(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        message["kycApplication"]["purpose"] = "其他"

    recording = case(tmp_path / "recording", change)
    said = "where: kycApplication.purpose, why: x, by: 王工, until: 2026-06-"
    assert run(recording, explained=explained(tmp_path, f"{said}30")).passed is True
    report = run(recording, explained=explained(tmp_path, f"{said}29"))
    assert (report.passed, [each.state for each in report.explanations]) == (False, ["expired"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("where: x, why: y, by: z", "until: this key is missing"),
        ("where: x, why: y, by: z, until: soon", "a day is written 2026-12-31"),
        ("where: x, why: y, by: '', until: 2026-12-31", "at least 1 character"),
        ("where: x, why: y, by: z, until: 2026-12-31, class: other", "Input should be 'missing_here'"),
        ("where: x, why: y, by: z, until: 2026-12-31, ower: a", "no such key here"),
    ],
)
def test_an_explanation_that_says_too_little_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=rf"explained.yaml:2: .*{said}"):
        run(tmp_path, explained=explained(tmp_path, line))


def test_what_only_the_older_system_takes_is_told_by_its_findings(tmp_path: Path) -> None:
    raw = KYC.replace(b"11010119800101007X", b"110101198001010070")
    report = run(case(tmp_path, lambda message: None, raw=raw))
    (row,) = report.rows
    assert (row.path, row.kind, row.count) == ("kycApplication.applicant.documents[].number", "refused_here", 1)
    assert [(each.ours, each.theirs) for each in row.examples] == [("XQ-R-010", "accepted")]


def test_what_cannot_be_read_here_is_told_by_its_reason(tmp_path: Path) -> None:
    write_case(tmp_path / "001", b"<KycReq>", OldSystem().answer(KYC), [write_json(OldSystem().forwarded(KYC)[0])])
    (row,) = run(tmp_path).rows
    assert (row.path, row.kind, row.examples[0].ours) == ("answer", "refused_here", "malformed_xml")


def test_what_only_the_older_system_refuses_is_told_with_its_code(tmp_path: Path) -> None:
    report = run(case(tmp_path, lambda message: None, accepted=False))
    (row,) = report.rows
    assert (row.path, row.kind, row.count) == ("answer", "accepted_here", 1)
    assert [(each.ours, each.theirs) for each in row.examples] == [("accepted", "refused 2002")]


def test_two_refusals_for_other_reasons_differ_in_their_answers(tmp_path: Path) -> None:
    raw = KYC.replace(b"11010119800101007X", b"110101198001010070")
    answer = OldSystem().answer(raw, accepted=False).replace(b"2002", b"9999")
    write_case(tmp_path / "001", raw, answer, [])
    found = {row.path: (row.kind, row.examples[0].ours, row.examples[0].theirs) for row in run(tmp_path).rows}
    assert found["answer.Head/RetCode"] == ("different", "2002", "9999")
    assert found["answer.Body/Err/Code"][0] == "missing_there"
    assert set(found) > {"answer.Body/Err/Path", "answer.Body/Err/Value"}


def test_without_an_answer_what_was_handed_on_is_compared(tmp_path: Path) -> None:
    write_case(tmp_path / "1", KYC, None, [write_json(OldSystem().forwarded(KYC)[0])])
    assert run(tmp_path).passed is True
    write_case(tmp_path / "2", KYC.replace(b"11010119800101007X", b"1"), None, [])
    assert run(tmp_path).passed is True  # both hand on nothing


BROKEN = {
    "two-answers": "1 requests and 2 answers; a case has one request",
    "no-request": "0 requests and 1 answers; a case has one request",
    "stray": "notes.txt is no request, answer, forwarded or about.yaml",
    "misspelt": "about.yaml:1: anwserStatus: no such key here; write answerStatus",
    "garbled-answer": "the answer says neither yes nor no in the channel's own terms",
    "garbled-forward": "forwarded 1 is not in the core's format: malformed_json",
    "a b": "the name of a case has up to 64 letters, digits, dots, dashes and underscores",
}


def damage(folder: Path, answer: bytes) -> None:
    """Break a case in the way that its name says."""
    if folder.name == "two-answers":
        (folder / "answer.txt").write_bytes(answer)
    elif folder.name == "no-request":
        (folder / "request.xml").unlink()
    elif folder.name == "stray":
        (folder / "notes.txt").touch()
    elif folder.name == "misspelt":
        (folder / "about.yaml").write_text("anwserStatus: 200\n")
    elif folder.name == "garbled-answer":
        (folder / "answer.xml").write_bytes(b"<html>Bad gateway</html>")
    elif folder.name == "garbled-forward":
        (folder / "forwarded-1.json").write_bytes(b"{")


def test_a_broken_case_is_named_and_does_not_stop_the_others(tmp_path: Path) -> None:
    answer, forwarded = OldSystem().answer(KYC), [write_json(OldSystem().forwarded(KYC)[0])]
    for name in BROKEN:
        damage(write_case(tmp_path / name, KYC, answer, forwarded), answer)
    write_case(tmp_path / "good", KYC, answer, forwarded)
    report = run(tmp_path)
    assert {each.name: each.problem for each in report.broken} == {
        name.replace(" ", "?"): problem for name, problem in BROKEN.items()
    }
    assert (report.passed, report.cases, report.alike, report.broken_count) == (False, 8, 1, 7)


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ("{", "line 1", "no JSON"),
        ('{"case": "K1", "request": {"base64": "陆"}}', "K1", "its base64 is none"),
        ("[]", "line 1", "Input should be a valid dictionary"),
        ('{"case": "7"}', "7", "request: Field required"),
        ('{"case": "7", "request": {}}', "7", "request: Value error, give text or base64"),
        ('{"case": "7", "request": {"base64": "%"}}', "7", "its base64 is none"),
        ('{"case": "王小明", "request": {"text": ""}, "note": "王小明"}', "line 1", "note: Extra inputs"),
        ('{"case": "7", "case": "8"}', "line 1", "no JSON"),
    ],
)
def test_a_broken_line_is_named_without_its_values(tmp_path: Path, line: str, name: str, said: str) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_text(f"{line}\n", encoding="utf-8")
    (broken,) = Recording(path).cases()
    assert isinstance(broken, Broken)
    assert broken.name == name
    assert said in broken.problem
    assert "王小明" not in broken.problem


def test_lines_say_what_folders_say(tmp_path: Path) -> None:
    system, path = OldSystem(), tmp_path / "recording.jsonl"
    names = ("kyc_apply", "account_entry")
    lines = [
        as_line(f"{number:03}", sample(name), system.answer(sample(name)), system.forwarded(sample(name)))
        for number, name in enumerate(names, 1)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert run(path).as_json() == run(record(tmp_path / "folder", names)).as_json()


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    raw, path = sample("account_entry"), tmp_path / "recording.jsonl"
    message = OldSystem().forwarded(raw)[0]
    message["accountEntry"]["remark"] = "另一备注"
    line = as_line("1", raw, OldSystem().answer(raw), [message])

    def most(cases: int) -> int:
        path.write_text(line * cases, encoding="utf-8")
        tracemalloc.start()
        try:
            report = run(path)
            assert (report.cases, report.differences) == (cases, cases)
            assert [len(row.examples) for row in report.rows] == [5]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(10)
    small, large = most(40), most(240)
    assert large - small < 200 * len(line) // 2


def test_what_nobody_explained_is_shown_before_what_somebody_did(tmp_path: Path) -> None:
    raw, path = sample("account_entry"), tmp_path / "recording.jsonl"
    lines = []
    for number in range(8):
        message = OldSystem().forwarded(raw)[0]
        message["accountEntry"]["valueDate"] = "2026-01-02" if number < 6 else "2026-01-03"
        lines.append(as_line(str(number), raw, OldSystem().answer(raw), [message]))
    path.write_text("".join(lines), encoding="utf-8")
    known = explained(tmp_path, "where: '*', theirs: 2026-01-02, why: x, by: y, until: 2026-12-31")
    (row,) = run(path, explained=known).rows
    assert (row.count, row.explained, [each.case for each in row.examples]) == (8, 6, ["6", "7"])


def test_nothing_personal_is_in_a_report(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        message["kycApplication"] = {"applicationNo": "K-1"}

    report = run(case(tmp_path, change))
    texts = (json.dumps(report.as_json(), ensure_ascii=False), report.as_html(), report.as_markdown())
    (message,) = OldSystem().forwarded(KYC)
    personal = [
        value
        for path, value in leaves(message).items()
        if isinstance(value, str) and len(value) > 4 and (found := field_at("kycApplication", path))
        and found.sensitivity != "C1" and not found.schema.get("enum")
    ]  # fmt: skip
    assert len(personal) > 20
    assert report.differences > 60
    assert [value for value in personal if any(value in text for text in texts)] == []


def test_answers_are_masked_but_for_their_codes(tmp_path: Path) -> None:
    answer = OldSystem().answer(KYC).replace("受理成功".encode("gb18030"), "王小明已经受理成功".encode("gb18030"))
    write_case(tmp_path / "001", KYC, answer, [write_json(OldSystem().forwarded(KYC)[0])])
    (row,) = run(tmp_path).rows
    assert (row.path, row.kind) == ("answer.Head/RetMsg", "different")
    assert "王小明" not in f"{row.examples}"


def test_a_core_with_a_format_of_its_own_is_read_through_its_profile(tmp_path: Path) -> None:
    channels = channel(tmp_path / "channels", "small-bank", HEAD + NAV.replace("direction: both", "direction: in"))
    core = HEAD.replace("small-bank", "old-core") + NAV.replace("direction: both", "direction: out").replace(
        "{kind: xml, root: Nav}", "{kind: json}"
    ).replace("    key: [Head/Seq]\n", "")
    channel(tmp_path / "channels", "old-core", core)
    body = {"Prod": "P1", "Day": "20260131", "Nav": "1.0023", "Net": "1051", "State": "2"}
    forwarded = json.dumps({"Head": {"Code": "NAV1", "Seq": "S-1"}, "Body": body}).encode()
    write_case(tmp_path / "recording" / "001", DOCUMENT.encode(), None, [forwarded])
    report = run(tmp_path / "recording", channels=channels, partner="small-bank", core="old-core")
    assert rows(report) == {("navReport.netAssets.value", "different"): (1, 0)}
    forwarded = forwarded.replace(b"1051", b"10.51")
    write_case(tmp_path / "recording" / "002", DOCUMENT.encode(), None, [forwarded])
    (broken,) = run(tmp_path / "recording", channels=channels, partner="small-bank", core="old-core").broken
    assert broken.name == "002"
    assert broken.problem.startswith("forwarded 1 is not in the core's format: content_refused (")


def test_sealed_requests_of_any_age_are_opened_and_a_broken_seal_is_a_refusal(tmp_path: Path) -> None:
    key, data = new_key("bank"), tmp_path / "data"
    write_key(key.public(), tmp_path / "bank.pub.jwk")
    add_channel(data, "demo-bank", extends="demo-bank", keys=[tmp_path / "bank.pub.jwk"])
    signature = seal(KYC, "application/xml", key, at=datetime(2020, 1, 1, tzinfo=UTC)).signature
    forwarded = [write_json(OldSystem().forwarded(KYC)[0])]
    for name, raw in (("001", KYC), ("002", KYC.replace(b"WANG", b"WONG"))):
        about = f"requestType: application/xml\nsignature: {signature}\n"
        write_case(tmp_path / "recording" / name, raw, OldSystem().answer(KYC), forwarded, about)
    status, output = command(tmp_path / "recording", "--data", str(data), "--json", unsealed=False)
    report = json.loads(output)
    assert (status, report["alike"]) == (1, 1)
    assert [(row["path"], row["class"], row["examples"]) for row in report["rows"]] == [
        (
            "answer",
            "refused_here",
            [{"case": "002", "path": "answer", "ours": "signature_invalid", "theirs": "accepted"}],
        )
    ]


@pytest.mark.parametrize("body", ["kycApplication", "navReport", "subscriptionOrder"])
@settings(max_examples=15, deadline=None)
@given(seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=3, unique=True), data=st.data())
def test_the_same_messages_in_any_order_are_alike_and_one_changed_value_is_one_difference(
    body: str, seeds: list[int], data: st.DataObject
) -> None:
    messages = [generated(body, seed) for seed in seeds]
    assert list(compare_messages(messages, data.draw(st.permutations(messages)))) == []
    values = [path for path, value in leaves(messages[0]).items() if path.startswith(body) and isinstance(value, str)]
    path = data.draw(st.sampled_from(sorted(values)))
    changed = [json.loads(write_json(messages[0])), *messages[1:]]
    put(changed[0], path, "~")
    (found,) = compare_messages(messages, changed)
    assert (found.path, found.kind, found.theirs) == (path, "different", "~")


def put(message: Json, path: str, value: str) -> None:
    """Set a value by its canonical path."""
    node: object = message
    steps = path.replace("[", ".[").split(".")
    for step in steps[:-1]:
        node = node[int(step[1:-1])] if isinstance(node, list) else node[step]  # type: ignore[index]
    node[int(steps[-1][1:-1]) if isinstance(node, list) else steps[-1]] = value  # type: ignore[index]


# --- the page -----------------------------------------------------------------------------------------------------

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("shadow-run.md", "shadow-run.zh-CN.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_script_of_the_page_makes_a_recording_of_a_proxys_log(page: Path, tmp_path: Path) -> None:
    channels = channel(tmp_path / "channels", "small-bank", HEAD + NAV)
    bank = load_channel("small-bank", [channels])
    (decoded,) = bank.adapter.decode(DOCUMENT.encode(), "")
    assert isinstance(decoded, Decoded)
    forwarded = write_json(bank.completed(decoded.message)).decode()
    entries = [
        entry("https://gateway/bank/nav", DOCUMENT, {"text": '{"receipt": {}}'}),
        entry("https://gateway/core/messages", forwarded, {"text": ""}),
    ]
    (tmp_path / "proxy.har").write_text(json.dumps({"log": {"entries": entries}}), encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    made = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "proxy.har")], capture_output=True, check=True, timeout=60
    )
    (tmp_path / "recording.jsonl").write_bytes(made.stdout)
    (found,) = Recording(tmp_path / "recording.jsonl").cases()
    assert isinstance(found, Case)
    assert (found.name, found.request.content) == ("000001", DOCUMENT.encode())
    (tmp_path / "recording.jsonl").write_bytes(made.stdout.replace(b'"answer"', b'"answer_"').replace(
        b'"answer_": {"text": "{\\"receipt\\": {}}", "status": 200}', b'"answer": null'))  # fmt: skip
    assert run(tmp_path / "recording.jsonl", channels=channels, partner="small-bank").passed is True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_explanations_of_the_page_are_read(page: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "explained.yaml").write_text(text, encoding="utf-8")
    assert [each.explanation.kind for each in read_explanations(tmp_path / "explained.yaml")] == [
        "different",
        "missing_there",
        None,
    ]


def entry(url: str, body: str, content: Json) -> Json:
    """Return a call as a proxy logs it in HAR."""
    headers = [{"name": "X-Request-Id", "value": "r-1"}]
    request = {"url": url, "headers": headers, "postData": {"text": body, "mimeType": ""}}
    return {"request": request, "response": {"status": 200, "content": content}}


# --- the command --------------------------------------------------------------------------------------------------


def command(recording: Path, *arguments: str, unsealed: bool = True) -> tuple[int, str]:
    app = typer.Typer()
    app.command("shadow")(shadow)
    line = ["demo-bank", str(recording), "--core", "demo-core", *arguments, *(["--unsealed"] * unsealed)]
    result = CliRunner().invoke(app, line, catch_exceptions=False)
    return result.exit_code, result.output


def test_the_command_ends_with_zero_where_nothing_is_unexplained(tmp_path: Path) -> None:
    status, output = command(record(tmp_path / "recording"))
    assert (status, output) == (0, "6 cases, 6 alike, 0 broken, 0 differences, 0 unexplained\n")


def test_the_command_shows_differences_and_what_became_of_explanations(tmp_path: Path) -> None:
    def change(message: Json) -> None:
        message["kycApplication"]["purpose"] = "其他"

    recording = case(tmp_path / "recording", change)
    (recording / "002").mkdir()
    path = explained(
        tmp_path,
        "where: kycApplication.sourceOfFunds, why: x, by: 王工, until: 2999-12-31",
        "where: kycApplication.purpose, why: x, by: 王工, until: 2020-12-31",
    )
    status, output = command(recording, "--explained", str(path), "--out", str(tmp_path / "report.md"))
    assert status == 1
    assert "kycApplication.purpose" in output
    for said in (
        f"{path}:2: kycApplication.sourceOfFunds: 已无对应差异 explains nothing any more",
        f"{path}:3: kycApplication.purpose: 已过期 expired",
        "✗ 录制有误 broken  002: 0 requests and 0 answers; a case has one request",
        "2 cases, 0 alike, 1 broken, 1 differences, 1 unexplained",
    ):
        assert said in output
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## kycApplication.purpose：不一致 different\n\n1 处 differences，0 处已解释 explained" in page
    assert "| kycApplication.sourceOfFunds |  | x | 王工 | 2999-12-31 | 0 | 已无对应差异 stale |" in page


def test_a_page_is_written_whole_and_escapes_what_is_not_ours(tmp_path: Path) -> None:
    answer = OldSystem().answer(KYC).replace(b"0000</RetCode>", b"0000</RetCode><B>&lt;i&gt;|</B>")
    write_case(tmp_path / "recording" / "001", KYC, answer, [write_json(OldSystem().forwarded(KYC)[0])])
    for name in ("report.html", "report.md"):
        assert command(tmp_path / "recording", "--out", str(tmp_path / name))[0] == 1
    assert "<i>" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["recording", "report.html", "report.md"]
    (row,) = (line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| 001"))
    assert row.replace("\\|", "").count("|") == 5


def test_the_report_for_machines_holds_the_counts(tmp_path: Path) -> None:
    status, output = command(case(tmp_path / "recording", lambda message: None, accepted=False), "--json")
    assert (status, json.loads(output)) == (
        1,
        {
            "channel": "demo-bank",
            "core": "demo-core",
            "passed": False,
            "cases": 1,
            "alike": 0,
            "broken": {"count": 0, "cases": []},
            "differences": {"count": 1, "unexplained": 1, "unlisted": 0},
            "classes": {"accepted_here": {"count": 1, "explained": 0}},
            "rows": [
                {
                    "path": "answer",
                    "class": "accepted_here",
                    "count": 1,
                    "explained": 0,
                    "unexplained": 1,
                    "examples": [{"case": "001", "path": "answer", "ours": "accepted", "theirs": "refused 2002"}],
                }
            ],
            "explanations": [],
        },
    )
