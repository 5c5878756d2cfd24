"""The command: what it prints, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.server import Answer, serving
from xinqiao.cli import main
from xinqiao.errors import NotValid
from xinqiao.finding import Finding, Text
from xinqiao.message import write_json
from xinqiao.outcome import rejection
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, open_seal, read_verifying_key
from xinqiao.standard import message_types
from xinqiao.testing import BANK, CASE_ID, TRUST_COMPANY, example, patched, vector
from xinqiao.validation import check

Capture = pytest.CaptureFixture[str]
BROKEN = patched(
    vector("kycApplication"),
    [{"op": "replace", "path": "/kycApplication/applicant/documents/0/number", "value": "110101198001010071"}],
)


def written(folder: Path, content: object) -> str:
    path = folder / "message.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


@pytest.fixture
def key(tmp_path: Path, capsys: Capture) -> str:
    assert main(["new-key", "bank-1", "--out", str(tmp_path / "bank.jwk")]) == 0
    capsys.readouterr()
    return str(tmp_path / "bank.jwk")


def test_a_valid_message_exits_0(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", written(tmp_path, vector("kycApplication"))]) == 0
    assert capsys.readouterr().out == "kycApplication  开户尽调申请 / KYC application: 有效 valid\n"


def test_an_invalid_message_exits_1_with_findings_that_people_can_read(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", written(tmp_path, BROKEN)]) == 1
    assert capsys.readouterr().out == (
        "kycApplication  开户尽调申请 / KYC application: 无效 not valid\n"
        "错误 ERROR  XQ-R-010  kycApplication.applicant.documents[0].number\n"
        "    居民身份证号码不正确 / the number of the resident identity card is wrong\n"
        "    当前值 value: 110************071\n"
        "    期望 expected: check digit X\n"
        "    修正 fix: 核对证件号码，末位 X 用大写 / check the number; a final X is a capital\n"
    )


@pytest.mark.parametrize("message", [vector("kycApplication"), BROKEN])
def test_findings_are_printed_for_machines(tmp_path: Path, capsys: Capture, message: dict[str, Any]) -> None:
    code = main(["validate", written(tmp_path, message), "--json"])

    findings = [finding.as_json() for finding in check(message)]
    assert json.loads(capsys.readouterr().out) == {
        "valid": not findings,
        "type": "kycApplication",
        "findings": findings,
    }
    assert code == (1 if findings else 0)


def test_an_unknown_field_is_an_error_in_strict_mode_only(tmp_path: Path, capsys: Capture) -> None:
    file = written(tmp_path, patched(vector("navReport"), [{"op": "add", "path": "/navReport/later", "value": 1}]))

    assert [main(["validate", file]), main(["validate", file, "--strict"])] == [0, 1]
    assert "提示 INFORMATION  schema.unknown_field  navReport.later" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "malformed_json"),
        (b"[]", "malformed_json"),
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"a":"\xc4\xe3"}', "wrong_encoding"),
        ({"header": {}}, "unknown_message_type"),
        (example("navReport", standard_version="2.0"), "unsupported_version"),
    ],
)
def test_what_is_no_message_exits_2_with_its_reason(
    tmp_path: Path, capsys: Capture, content: object, reason: str
) -> None:
    file = written(tmp_path, content)

    assert [main(["validate", file]), main(["validate", file, "--json"])] == [2, 2]
    printed = capsys.readouterr()
    assert printed.err.startswith(f"{reason}  ")
    assert json.loads(printed.out)["error"]["reason"] == reason


def test_a_file_that_is_not_there_exits_2(tmp_path: Path, capsys: Capture) -> None:
    file = str(tmp_path / "none.json")

    assert [main(["validate", file]), main(["validate", file, "--json"])] == [2, 2]
    printed = capsys.readouterr()
    assert printed.err == f"读写失败 / cannot read or write: {file}: No such file or directory\n"
    assert json.loads(printed.out)["error"]["reason"] == "unreadable"


def test_a_printed_signature_is_verified(tmp_path: Path, capsys: Capture, key: str) -> None:
    file, public = written(tmp_path, vector("navReport")), key.replace(".jwk", ".pub.jwk")
    assert main(["seal", file, "--key", key]) == 0
    signature = capsys.readouterr().out.strip()

    assert main(["verify", file, "--signature", signature, "--key", public]) == 0
    assert capsys.readouterr().out == "签名有效 the signature is valid: bank-1\n"

    written(tmp_path, vector("kycDecision"))
    assert main(["verify", file, "--signature", signature, "--key", public]) == 1
    assert capsys.readouterr().out.startswith("signature_invalid  签名无效 / the signature is not valid: ")


def test_a_key_pair_is_written_once(tmp_path: Path, capsys: Capture) -> None:
    out = str(tmp_path / "bank.jwk")

    assert [main(["new-key", "bank-1", "--out", out]), main(["new-key", "bank-1", "--out", out])] == [0, 2]
    printed = capsys.readouterr()
    assert printed.out == (
        f"私钥，勿外传 private, keep it: {out}\n公钥，交给对方 public, give it away: {tmp_path}/bank.pub.jwk\n"
    )
    assert "never overwritten" in printed.err


def test_a_name_that_is_no_key_id_makes_no_key(tmp_path: Path, capsys: Capture) -> None:
    assert main(["new-key", "bank 1", "--out", str(tmp_path / "bank.jwk")]) == 2
    assert "no usable kid" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", message_types())
def test_a_printed_example_is_valid(capsys: Capture, body: str) -> None:
    assert main(["example", body, "--sender", BANK, "--receiver", TRUST_COMPANY, "--case", "CASE-2"]) == 0

    message = json.loads(capsys.readouterr().out)
    header = message["header"]
    assert (header["sender"], header["receiver"], header["caseId"]) == (BANK, TRUST_COMPANY, "CASE-2")
    assert check(message, strict=True) == []


def test_an_example_keeps_its_own_parties_and_case_unless_told(capsys: Capture) -> None:
    assert main(["example", "navReport"]) == 0

    header = json.loads(capsys.readouterr().out)["header"]
    assert (header["sender"], header["receiver"], header["caseId"]) == (TRUST_COMPANY, BANK, CASE_ID)


def test_a_sent_file_travels_as_it_is_and_its_receipt_is_printed(tmp_path: Path, capsys: Capture, key: str) -> None:
    content = json.dumps(vector("navReport"), indent=4, ensure_ascii=False).encode()
    file = written(tmp_path, content)

    with serving(lambda _: Answer(202, write_json(vector("receipt")))) as served:
        assert main(["send", file, "--url", served.url, "--channel", "demo-bank", "--key", key]) == 0

    [request] = served.requests
    assert (request.path, request.body) == ("/v1/channels/demo-bank/messages", content)
    public = read_verifying_key(key.replace(".jwk", ".pub.jwk"))
    sealed = Sealed(content, CONTENT_TYPE_JSON, request.headers[SIGNATURE_HEADER])
    assert open_seal(sealed, KeyRing([public])) == "bank-1"
    receipt = vector("receipt")["receipt"]
    assert capsys.readouterr().out == (
        f"已受理 accepted: {receipt['acceptedMessageId']}\n"
        f"    时间 at: {receipt['acceptedAt']}\n"
        "    日志位置 position: 1\n"
    )


def test_a_refused_file_exits_1_and_says_why(tmp_path: Path, capsys: Capture, key: str) -> None:
    finding = Finding("XQ-R-001", "navReport.navDate", Text("日期不存在", "no such day"), partner_path="Body/Dt")
    refused = rejection(TRUST_COMPANY, BANK, NotValid("1 violation", findings=[finding]))
    send = ["send", written(tmp_path, vector("navReport")), "--channel", "demo-bank", "--key", key]

    with serving(lambda _: Answer(422, write_json(refused))) as served:
        assert [main([*send, "--url", served.url]), main([*send, "--url", served.url, "--json"])] == [1, 1]

    readable, _, answer = capsys.readouterr().out.partition("{")
    assert readable == (
        "not_valid  校验未通过 / the message is not valid: 1 violation\n"
        "错误 ERROR  XQ-R-001  Body/Dt (navReport.navDate)\n"
        "    日期不存在 / no such day\n"
        "    修正 fix: 按所列发现逐项修正 / correct each finding listed\n"
    )
    assert json.loads("{" + answer) == refused


def test_a_partners_own_answer_is_printed_as_it_came(tmp_path: Path, capsys: Capture, key: str) -> None:
    command = ["send", written(tmp_path, b"<Root/>"), "--channel", "demo-bank", "--key", key]

    with serving(lambda _: Answer(200, b"<Rsp>0000</Rsp>")) as served:
        assert main([*command, "--url", served.url, "--content-type", "application/xml"]) == 0

    assert capsys.readouterr().out == "<Rsp>0000</Rsp>"
    assert served.requests[0].headers["Content-Type"] == "application/xml"


@pytest.mark.parametrize("command", [[], ["validate"], ["example", "coffeeOrder"], ["polish", "x"]])
def test_a_wrong_command_exits_2_with_its_usage(capsys: Capture, command: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command)

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: xinqiao")


@pytest.mark.parametrize("command", ["validate", "seal", "verify", "send", "new-key", "example"])
def test_every_command_explains_itself_in_both_languages(capsys: Capture, command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])

    assert caught.value.code == 0
    assert " / " in capsys.readouterr().out
