"""The command: what it prints, and its exit codes."""

import io
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sdk.server import Answer, serving
from xinqiao.cli import main
from xinqiao.errors import NoRoute, NotValid
from xinqiao.finding import Finding, Text
from xinqiao.message import write_json
from xinqiao.outcome import rejection
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, open_seal, read_verifying_key
from xinqiao.standard import message_types
from xinqiao.testing import BANK, CASE_ID, TRUST_COMPANY, example, patched, vector
from xinqiao.typed import from_canonical
from xinqiao.validation import check

Capture = pytest.CaptureFixture[str]
KYC, NAV = (" / ".join(message_types()[body].title) for body in ("kycApplication", "navReport"))
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
    assert capsys.readouterr().out == f"kycApplication  {KYC}: 有效 valid\n"


def test_an_invalid_message_exits_1_with_findings_that_people_can_read(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", written(tmp_path, BROKEN)]) == 1
    assert capsys.readouterr().out == (
        f"kycApplication  {KYC}: 无效 not valid\n"
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
    assert "never overwritten; name another with --out" in printed.err
    assert "permissions" not in printed.err


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
        "    流水库位置 position: 1\n"
    )


def test_a_gateway_that_is_down_was_not_sent_anything(tmp_path: Path, capsys: Capture, key: str) -> None:
    file = written(tmp_path, vector("navReport"))
    with serving(lambda _: Answer(202)) as served:
        url = served.url
    send = ["send", file, "--url", url, "--channel", "demo-bank", "--key", key]

    assert [main(send), main([*send, "--json"])] == [2, 2]
    printed = capsys.readouterr()
    assert printed.err.startswith(
        "destination_down  对方暂不可达 / the destination cannot be reached: no answer after 5"
    )
    assert printed.err.endswith(
        "    修正 fix: 未发送；请启动网关或检查 --url，然后再次执行同一命令 / "
        "not sent; start the gateway or check --url, then run the same command again\n"
    )
    assert json.loads(printed.out)["error"]["fix"]["en"].startswith("not sent; start the gateway")


@contextmanager
def greeting(line: bytes) -> Iterator[int]:
    """Listen on a port whose server speaks first, and neither HTTP nor TLS, as that of gRPC; yield it."""

    class Greeting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(line)
            while self.request.recv(65_536):
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("scheme", "advice"),
    [
        ("http", "that port does not answer as --url says; check port and scheme"),
        ("https", "not sent; that port speaks no TLS: check the port"),
    ],
)
def test_a_port_of_another_kind_is_told_with_what_to_check(
    tmp_path: Path, capsys: Capture, key: str, scheme: str, advice: str
) -> None:
    file = written(tmp_path, vector("navReport"))
    with greeting(b"\0\0\x12\x04\0\0\0\0\0\r\n\r\n") as port:
        url = f"{scheme}://127.0.0.1:{port}"
        assert main(["send", file, "--url", url, "--channel", "demo-bank", "--key", key, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"]["en"].startswith(advice)


def test_a_gateway_that_does_not_answer_may_have_the_message(tmp_path: Path, capsys: Capture, key: str) -> None:
    file = written(tmp_path, vector("navReport"))

    with serving(lambda _: Answer(0)) as served:
        assert main(["send", file, "--url", served.url, "--channel", "demo-bank", "--key", key]) == 2

    assert "no answer came; run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["localhost:8700", "127.0.0.1:8700", "ftp://a", "http://", "http://a:x", "http://a:99999"]
)
def test_an_address_that_is_none_is_refused_at_once(tmp_path: Path, capsys: Capture, key: str, url: str) -> None:
    file = written(tmp_path, vector("navReport"))

    assert main(["send", file, "--url", url, "--channel", "demo-bank", "--key", key]) == 2
    assert capsys.readouterr().err.startswith(f"settings_invalid  系统设置无效 / a setting is not valid: --url {url}")


def test_a_refused_file_exits_1_and_says_why(tmp_path: Path, capsys: Capture, key: str) -> None:
    text = Text("日期yyyy-MM-dd不存在", "no such day")
    own = Finding("XQ-R-001", "navReport.navDate", text, partner_path="Body/Dt", fix=Text("更正", "mend it"))
    same = Finding("XQ-R-001", "navReport.navDate", text, partner_path="navReport.navDate")
    refused = rejection(TRUST_COMPANY, BANK, NotValid("2 findings", findings=[own, same]))
    send = ["send", written(tmp_path, vector("navReport")), "--channel", "demo-bank", "--key", key]

    with serving(lambda _: Answer(422, write_json(refused))) as served:
        assert [main([*send, "--url", served.url]), main([*send, "--url", served.url, "--json"])] == [1, 1]

    readable, _, answer = capsys.readouterr().out.partition("{")
    assert readable == (
        "not_valid  校验未通过 / the message is not valid: 2 findings\n"
        "错误 ERROR  XQ-R-001  Body/Dt (navReport.navDate)\n"
        "    日期 yyyy-MM-dd 不存在 / no such day\n"
        "    修正 fix: 更正 / mend it\n"
        "错误 ERROR  XQ-R-001  navReport.navDate\n"
        "    日期 yyyy-MM-dd 不存在 / no such day\n"
    )
    assert json.loads("{" + answer) == refused


def test_a_refusal_without_findings_says_how_to_mend_it(tmp_path: Path, capsys: Capture, key: str) -> None:
    refused = rejection(TRUST_COMPANY, BANK, NoRoute("no channel"))
    file = written(tmp_path, vector("navReport"))

    with serving(lambda _: Answer(422, write_json(refused))) as served:
        assert main(["send", file, "--url", served.url, "--channel", "demo-bank", "--key", key]) == 1

    assert capsys.readouterr().out == (
        "no_route  没有通往接收机构的渠道 / no channel leads to the receiver: no channel\n"
        "    修正 fix: 检查接收机构代码，或请对方开通该消息 / "
        "check the receiver's code, or ask for the message to be opened\n"
    )


def test_an_array_is_refused_where_one_of_its_messages_is(tmp_path: Path, capsys: Capture, key: str) -> None:
    answers = [vector("receipt"), rejection(TRUST_COMPANY, BANK, NoRoute())]
    file = written(tmp_path, [vector("navReport")] * 2)

    with serving(lambda _: Answer(207, json.dumps(answers).encode())) as served:
        assert main(["send", file, "--url", served.url, "--channel", "demo-bank", "--key", key]) == 1

    printed = capsys.readouterr().out
    assert ("已受理 accepted: " in printed, "no_route  " in printed) == (True, True)


RSP = '<?xml version="1.0" encoding="GB18030"?>\n<Rsp><RetMsg>受理成功</RetMsg></Rsp>'


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        (RSP.encode("gb18030"), "application/xml", RSP),
        (RSP.encode("gb18030"), "application/xml; charset=GB18030", RSP),
        ("<Rsp>受理</Rsp>".encode("gbk"), 'text/xml; charset="gbk"', "<Rsp>受理</Rsp>"),
        ("<Rsp>受理</Rsp>\n".encode(), "application/xml; charset=none-such", "<Rsp>受理</Rsp>\n"),
    ],
)
def test_a_partners_own_answer_is_printed_in_its_character_set(
    tmp_path: Path, capsys: Capture, key: str, content: bytes, content_type: str, text: str
) -> None:
    command = ["send", written(tmp_path, b"<Root/>"), "--channel", "demo-bank", "--key", key]
    command += ["--content-type", "application/xml"]

    with serving(lambda _: Answer(200, content, {"Content-Type": content_type})) as served:
        assert [main([*command, "--url", served.url]), main([*command, "--url", served.url, "--json"])] == [0, 0]

    shown = f"HTTP 200  {content_type}\n{text.rstrip()}\n"
    printed = capsys.readouterr().out
    assert printed.startswith(shown)
    assert json.loads(printed.removeprefix(shown)) == {"status": 200, "contentType": content_type, "text": text}
    assert served.requests[0].headers["Content-Type"] == "application/xml"


def test_a_partners_own_refusal_exits_1(tmp_path: Path, key: str) -> None:
    command = ["send", written(tmp_path, b"<Root/>"), "--channel", "demo-bank", "--key", key]

    with serving(lambda _: Answer(422, RSP.encode("gb18030"), {"Content-Type": "application/xml"})) as served:
        assert main([*command, "--url", served.url, "--content-type", "application/xml"]) == 1


@pytest.mark.parametrize("said", [{"rejection": {}}, {"header": {}, "receipt": {}}, {"ok": True}, [], ["a"], 1])
def test_json_that_is_no_answer_of_the_standard_is_shown(
    tmp_path: Path, capsys: Capture, key: str, said: object
) -> None:
    command = ["send", written(tmp_path, vector("navReport")), "--channel", "demo-bank", "--key", key]
    body = json.dumps(said)

    with serving(lambda _: Answer(200, body.encode(), {"Content-Type": "application/json"})) as served:
        assert main([*command, "--url", served.url]) == 2

    assert capsys.readouterr().out == f"HTTP 200  application/json\n{body}\n"


def test_what_another_server_says_is_shown_and_is_no_verdict(tmp_path: Path, capsys: Capture, key: str) -> None:
    command = ["send", written(tmp_path, vector("navReport")), "--channel", "demo-bank", "--key", key]
    page = Answer(404, b"<h1>nginx\x1b[31m</h1>\r\n", {"Content-Type": "text/html"})

    with serving(lambda _: page) as served:
        assert main([*command, "--url", served.url]) == 2

    printed = capsys.readouterr()
    assert printed.out == "HTTP 404  text/html\n<h1>nginx\ufffd[31m</h1>\n"
    assert printed.err == "答复不是标准的消息；请检查 --url / the answer is no message of the standard; check --url\n"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_public_key_does_not_sign_whoever_may_read_it(tmp_path: Path, capsys: Capture, key: str, mode: int) -> None:
    public = Path(key.replace(".jwk", ".pub.jwk"))
    public.chmod(mode)

    assert main(["seal", written(tmp_path, vector("navReport")), "--key", str(public)]) == 2
    assert f"{public}: this is a public key; the private one is {key}\n" in capsys.readouterr().err


@pytest.mark.parametrize("content", [vector("navReport"), ["a"], b"-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_key_does_not_sign(tmp_path: Path, capsys: Capture, content: object) -> None:
    file = written(tmp_path, content)

    assert main(["seal", file, "--key", file]) == 2
    assert f"{file} is no key: a JWK (a JSON object" in capsys.readouterr().err


def test_a_private_key_that_others_may_read_does_not_sign(tmp_path: Path, capsys: Capture, key: str) -> None:
    Path(key).chmod(0o644)

    assert main(["seal", written(tmp_path, vector("navReport")), "--key", key]) == 2
    assert "may be read by others" in capsys.readouterr().err


def test_a_message_may_come_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(write_json(vector("navReport")))))

    assert main(["validate", "-"]) == 0
    assert capsys.readouterr().out == f"navReport  {NAV}: 有效 valid\n"


def test_without_a_command_the_help_is_printed(capsys: Capture) -> None:
    assert main([]) == 2
    assert "示例 examples:\n  xinqiao new-key" in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution_and_of_the_standard(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"xinqiao {version('xinqiao')} (标准 standard 1.0)\n"


@pytest.mark.parametrize("command", [["validate"], ["example", "coffeeOrder"], ["polish", "x"]])
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
    explained = re.split(r"^示例 examples:", capsys.readouterr().out, flags=re.MULTILINE)[0]
    usage, *sections = explained.split("\n\n")
    assert usage.startswith("usage: xinqiao")
    said = [line for section in sections for line in re.split(r"\n  (?=[-\w])", section) if line.strip()]
    assert [line for line in said if not re.search(r"[\u4e00-\u9fff][^/]*( /)? [a-z]", line, re.DOTALL)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/kycApplication/riskAssessment/score", 2**31),
        ("/kycApplication/riskAssessment/score", "85"),
        ("/kycApplication/purpose", None),
        ("/kycApplication/relatedParties", []),
        ("/kycApplication/applicant/gender", 1),
        ("/kycApplication/colour", "red"),
    ],
)
def test_a_message_that_protobuf_would_mend_has_no_binary_form(tmp_path: Path, path: str, value: object) -> None:
    file = tmp_path / "kyc.json"
    file.write_bytes(write_json(patched(vector("kycApplication"), [{"op": "add", "path": path, "value": value}])))

    assert main(["convert", str(file), "--to", "binary"]) == 2


def test_a_message_is_the_same_in_its_three_forms(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    written = {"json": write_json(vector("navReport"))}
    for source, target in (("json", "xml"), ("xml", "binary"), ("binary", "json")):
        file = tmp_path / f"nav.{source}"
        file.write_bytes(written[source])
        assert main(["convert", str(file), "--to", target]) == 0
        written[target] = capfdbinary.readouterr().out

    assert orjson.loads(written["json"]) == vector("navReport")


def test_what_no_message_is_in_binary_and_what_a_later_version_adds_is_refused(tmp_path: Path) -> None:
    later = from_canonical(vector("navReport")).to_binary() + bytes([0xFA, 0x7F, 0x02]) + b"hi"
    for name, content in (("nonsense", b"nonsense"), ("later", later)):
        (tmp_path / name).write_bytes(content)
        assert main(["convert", str(tmp_path / name), "--from", "binary", "--to", "json"]) == 2
