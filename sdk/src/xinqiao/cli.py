"""The command ``xinqiao``: what a partner's engineer needs before writing code.

Exit codes: 0 done, 1 the message is not valid, refused or not what was signed, or a name is not in the standard,
2 nothing could be judged or done.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from xinqiao.advice import unanswered
from xinqiao.client import Answer, Client, Tls
from xinqiao.errors import (
    DestinationDown,
    DestinationRefused,
    KeyUnusable,
    SealInvalid,
    SettingsInvalid,
    UnknownMessageType,
    UnsupportedVersion,
    XinqiaoError,
)
from xinqiao.explanation import explain
from xinqiao.finding import Text, errors_in
from xinqiao.forms import form_of, read_form, write_form
from xinqiao.launch_cli import describe_launch, run_launch
from xinqiao.manifest_cli import describe_manifest, run_manifest
from xinqiao.message import Json, message_type
from xinqiao.outcome import error_of
from xinqiao.recording_cli import describe_recording, run_recording
from xinqiao.report import answer_lines, bilingual, error_lines, finding_lines, foreign_lines, plain_text, receipt_lines
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    KeyRing,
    Sealed,
    SigningKey,
    new_key,
    open_seal,
    read_signing_key,
    read_verifying_key,
    seal,
    write_key,
)
from xinqiao.standard import STANDARD_VERSION, message_types
from xinqiao.testing import example
from xinqiao.transport.address import check_address
from xinqiao.validation import check

__all__ = ["main"]

DONE, REFUSED, IMPOSSIBLE = 0, 1, 2

_FORMS = ("json", "xml", "binary")

_ALREADY_THERE = "文件已存在，不覆盖；请换一个名称 / is there already, never overwritten; name another with --out: {}"
_FOREIGN = Text("答复不是标准的消息；请检查 --url", "the answer is no message of the standard; check --url")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] | None = options.run
    if run is None:
        parser.print_help()
        return IMPOSSIBLE
    try:
        return run(options)
    except XinqiaoError as error:
        fix = unanswered(error) if isinstance(error, DestinationDown) else error.fix
        said = {"reason": error.reason, "detail": error.detail, "text": error.text.as_json(), "fix": fix.as_json()}
        return _fail(said, error_lines(error, fix), as_json=getattr(options, "json", False))
    except OSError as error:
        detail = f"{error.filename}: {error.strerror}"
        said = {"reason": "unreadable", "detail": detail}
        return _fail(said, [f"读写失败 / cannot read or write: {detail}"], as_json=getattr(options, "json", False))


def _fail(said: Json, lines: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        _write_json({"error": said})
    else:
        print("\n".join(lines), file=sys.stderr)
    return IMPOSSIBLE


def _write_json(value: object) -> None:
    """Write JSON as UTF-8, whatever the encoding of the console."""
    sys.stdout.flush()
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _content(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def _private_key(path: Path) -> SigningKey:
    """Read a private key; what the file holds is judged before who may read it.

    Raises ``KeyUnusable``.
    """
    try:
        jwk = json.loads(path.read_bytes())
    except ValueError as error:
        raise KeyUnusable(f"{path} is no key: a JWK (a JSON object) is expected") from error
    if not isinstance(jwk, dict) or "kty" not in jwk:
        raise KeyUnusable(f"{path} is no key: a JWK (a JSON object with kty) is expected")
    if "d" not in jwk:
        private = path.with_name(path.name.replace(".pub.jwk", ".jwk"))
        where = f"the private one is {private}" if private != path and private.exists() else "the private one is needed"
        raise KeyUnusable(f"{path}: this is a public key; {where}")
    return read_signing_key(path)


def _message(options: argparse.Namespace) -> Json:
    content = _content(options.file)
    return read_form(content, options.form or form_of(content))


def _convert(options: argparse.Namespace) -> int:
    written = write_form(_message(options), options.to)
    sys.stdout.flush()
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
    return DONE


def _validate(options: argparse.Namespace) -> int:
    message = _message(options)
    kind = message_type(message)
    findings = check(message, strict=options.strict)
    valid = not errors_in(findings)
    if options.json:
        listed = [finding.as_json() for finding in findings]
        _write_json({"valid": valid, "type": kind.body, "findings": listed})
        return DONE if valid else REFUSED
    verdict = "有效 valid" if valid else "无效 not valid"
    print(f"{kind.body}  {bilingual(kind.title)}: {verdict}")
    for finding in findings:
        print("\n".join(finding_lines(finding)))
    return DONE if valid else REFUSED


def _seal(options: argparse.Namespace) -> int:
    key = _private_key(options.key)
    print(seal(_content(options.file), options.content_type, key).signature)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    key = read_verifying_key(options.key)
    sealed = Sealed(_content(options.file), options.content_type, options.signature)
    try:
        kid = open_seal(sealed, KeyRing([key]), max_age=None)
    except SealInvalid as error:
        print("\n".join(error_lines(error)))
        return REFUSED
    print(f"签名有效 the signature is valid: {kid}")
    return DONE


def _send(options: argparse.Namespace) -> int:
    _require_address(options.url)
    key = _private_key(options.key)
    content = _content(options.file)
    given = (options.ca, options.cert, options.cert_key)
    tls = Tls(*given) if any(given) else None
    with Client(options.url, options.channel, key, tls=tls) as client:
        answer = client.submit_raw(content, options.content_type)
    said = _json_of(answer)
    messages: list[Any] = said if isinstance(said, list) else [said]
    lines = [_answer_lines(each) for each in messages]
    if not lines or None in lines:
        return _show_foreign(answer, options)
    if options.json:
        _write_json(said)
    else:
        print("\n".join(line for each in lines if each for line in each))
    return DONE if all("receipt" in each for each in messages) else REFUSED


def _require_address(url: str) -> None:
    """Raise ``SettingsInvalid`` where a URL can be none of a gateway: no retry would help."""
    try:
        check_address(url)
    except SettingsInvalid as error:
        raise SettingsInvalid(f"--url {error.detail}") from error


def _json_of(answer: Answer) -> object:
    try:
        return orjson.loads(answer.content)
    except ValueError:
        return None


def _answer_lines(said: object) -> list[str] | None:
    """Return a receipt or a rejection for people; None where it is no answer of the standard."""
    if not isinstance(said, dict):
        return None
    try:
        if message_type(said).body != "receipt":
            return error_lines(error_of(said))
        wrong = [each for each in errors_in(check(said)) if each.path.startswith("receipt")]
    except (UnknownMessageType, UnsupportedVersion, DestinationRefused):
        return None
    return None if wrong else receipt_lines(said["receipt"])


def _show_foreign(answer: Answer, options: argparse.Namespace) -> int:
    """Show a partner's own reply, or what some other server said; the latter is no verdict."""
    content_type = answer.content_type
    text = plain_text(answer.content, content_type)
    if options.json:
        _write_json({"status": answer.status_code, "contentType": content_type, "text": text})
    else:
        print("\n".join(foreign_lines(answer.status_code, content_type, text)))
    if options.content_type != CONTENT_TYPE_JSON and "html" not in content_type:
        return DONE if answer.is_success else REFUSED
    if not options.json:
        print(bilingual(_FOREIGN), file=sys.stderr)
    return IMPOSSIBLE


def _new_key(options: argparse.Namespace) -> int:
    private: Path = options.out
    public = private.with_name(private.name.removesuffix(".jwk") + ".pub.jwk")
    for path in (private, public):
        if path.exists():
            return _fail({}, [_ALREADY_THERE.format(path)], as_json=False)
    key = new_key(options.kid)
    write_key(key, private)
    write_key(key.public(), public)
    print(f"私钥，勿外传 private, keep it: {private}")
    print(f"公钥，交给对方 public, give it away: {public}")
    return DONE


def _example(options: argparse.Namespace) -> int:
    chosen = {"sender": options.sender, "receiver": options.receiver, "case_id": options.case}
    _write_json(example(options.body, **{name: value for name, value in chosen.items() if value}))
    return DONE


def _explain(options: argparse.Namespace) -> int:
    answers = [explain(what) for what in options.what]
    if options.json:
        _write_json([answer.as_json() for answer in answers])
    else:
        print("\n\n".join("\n".join(answer_lines(answer)) for answer in answers))
    return DONE if all(answer.entries for answer in answers) else REFUSED


class _Parser(argparse.ArgumentParser):
    """A parser whose headings are in both languages; argparse offers no other way to name them."""

    def __init__(self, prog: str, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            add_help=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._positionals.title = "参数 arguments"
        self._optionals.title = "选项 options"
        self.add_argument("-h", "--help", action="help", help="显示帮助 / show this help")


_EXAMPLES = """\
示例 examples:
  xinqiao new-key my-bank-1 --out my-bank.jwk
  xinqiao example kycApplication --case CASE-1 > kyc.json
  xinqiao validate kyc.json
  xinqiao send kyc.json --url http://127.0.0.1:8700 --channel my-bank --key my-bank.jwk

退出码 exit codes: 0 完成 done, 1 无效或被拒绝 not valid or refused, 2 无法执行 could not be done"""


def _parser() -> argparse.ArgumentParser:
    described = "信托公司与合作机构之间的消息标准 / messages between trust companies and their partners"
    parser = _Parser("xinqiao", described, _EXAMPLES)
    said = f"xinqiao {version('xinqiao')} (标准 standard {STANDARD_VERSION})"
    parser.add_argument("--version", action="version", version=said, help="显示版本 / show the version")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND", title="命令 commands")
    for name, describe, run, help_text in (
        ("validate", _describe_validate, _validate, "校验一条消息 / say whether a message is valid, and why not"),
        (
            "convert",
            _describe_convert,
            _convert,
            "在 JSON、XML、二进制之间转换 / turn JSON, XML and binary into each other",
        ),
        ("seal", _describe_seal, _seal, "签名，打印 Xinqiao-Signature / sign a file, print the header's value"),
        ("verify", _describe_verify, _verify, "验签 / check a signature over a file"),
        ("send", _describe_send, _send, "签名并发送，打印答复 / sign a file, send it, print the answer"),
        ("manifest", describe_manifest, run_manifest, "写批次清单并签名 / write the sealed manifest of a batch file"),
        (
            "recording",
            describe_recording,
            run_recording,
            "检查或脱敏一份往来记录 / check or mask a recording of exchanges",
        ),
        ("launch", describe_launch, run_launch, "打印打开页面的地址 / print the address that opens a page"),
        ("new-key", _describe_new_key, _new_key, "生成密钥对 / make a key pair"),
        ("example", _describe_example, _example, "打印一条有效的示例消息 / print a valid example message"),
        ("explain", _describe_explain, _explain, "打印数据字典的条目 / print what the dictionary says of a name"),
    ):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        describe(command)
    return parser


def _examples(*lines: str) -> str:
    return "\n".join(("示例 examples:", *(f"  xinqiao {line}" for line in lines)))


def _describe_form(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", type=Path, metavar="FILE", help="一条消息，- 为标准输入 / a message, - for standard input"
    )
    command.add_argument(
        "--from",
        dest="form",
        choices=_FORMS,
        metavar="FORM",
        help="输入的形式：%(choices)s；默认按内容识别 / form of the input; by default it is recognised",
    )


def _describe_convert(command: argparse.ArgumentParser) -> None:
    shown = _examples("convert kyc.json --to xml > kyc.xml", "convert kyc.bin --to json")
    command.epilog = f"{shown}\n\n退出码 exit codes: 0 完成 done, 2 不是消息或无法转换 no message, or none of that form"
    _describe_form(command)
    command.add_argument(
        "--to", choices=_FORMS, metavar="FORM", required=True, help="输出的形式：%(choices)s / form of the output"
    )


def _describe_validate(command: argparse.ArgumentParser) -> None:
    shown = _examples("validate kyc.json", "example navReport | xinqiao validate - --json")
    command.epilog = f"{shown}\n\n退出码 exit codes: 0 有效 valid, 1 无效 not valid, 2 不是消息 no message"
    _describe_form(command)
    command.add_argument("--json", action="store_true", help="输出 JSON，供程序读取 / print JSON for machines")
    command.add_argument("--strict", action="store_true", help="未知字段视为错误 / unknown fields are errors")


def _describe_content(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="将发送的字节，- 为标准输入 / the bytes as they travel, - for standard input",
    )
    command.add_argument(
        "--content-type",
        default=CONTENT_TYPE_JSON,
        metavar="TYPE",
        help="内容类型，默认 %(default)s / the content type, by default %(default)s",
    )


def _describe_seal(command: argparse.ArgumentParser) -> None:
    command.epilog = _examples("seal kyc.json --key my-bank.jwk")
    _describe_content(command)
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥文件 / file with the private key")


def _describe_verify(command: argparse.ArgumentParser) -> None:
    command.epilog = _examples('verify kyc.json --signature "$(cat kyc.jws)" --key my-bank.pub.jwk')
    _describe_content(command)
    command.add_argument(
        "--signature", required=True, metavar="JWS", help="Xinqiao-Signature 的值 / the value of Xinqiao-Signature"
    )
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="公钥文件 / file with the public key")


def _describe_send(command: argparse.ArgumentParser) -> None:
    command.epilog = _examples(
        "send kyc.json --url http://127.0.0.1:8700 --channel my-bank --key my-bank.jwk",
        "send KycReq.xml --content-type application/xml --url https://HOST --channel demo-bank --key bank.jwk",
        "send kyc.json --url grpc://127.0.0.1:8701 --channel my-bank --key my-bank.jwk",
    )
    _describe_content(command)
    command.add_argument(
        "--url",
        required=True,
        metavar="URL",
        help="网关地址 / address of the gateway: https://HOST, grpcs://HOST:PORT, grpc://HOST:PORT",
    )
    command.add_argument("--channel", required=True, metavar="ID", help="渠道编号 / the channel's id")
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥文件 / file with the private key")
    command.add_argument("--ca", type=Path, metavar="PEM", help="信任的 CA / whom to trust, by default the system's")
    command.add_argument("--cert", type=Path, metavar="PEM", help="客户端证书 / own certificate, for mutual TLS")
    command.add_argument("--cert-key", type=Path, metavar="PEM", help="证书私钥 / the certificate's private key")
    command.add_argument("--json", action="store_true", help="以 JSON 打印答复 / print the answer as JSON")


def _describe_new_key(command: argparse.ArgumentParser) -> None:
    command.epilog = _examples("new-key my-bank-1 --out my-bank.jwk")
    command.add_argument("kid", metavar="KID", help="密钥编号 / the key's id, e.g. my-bank-2026-1")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="私钥文件，公钥在旁，名为 .pub.jwk / private key; the public one beside it as .pub.jwk",
    )


def _describe_example(command: argparse.ArgumentParser) -> None:
    command.epilog = _examples("example kycApplication --case CASE-1 > kyc.json")
    command.add_argument(
        "body", metavar="BODY", choices=sorted(message_types()), help="消息类型 / message type: %(choices)s"
    )
    command.add_argument("--sender", metavar="CODE", help="发送机构代码 / the sender's institution code")
    command.add_argument("--receiver", metavar="CODE", help="接收机构代码 / the receiver's institution code")
    command.add_argument("--case", metavar="ID", help="业务编号 / the case")


def _describe_explain(command: argparse.ArgumentParser) -> None:
    shown = _examples("explain kyc.applicant.documents.number", "explain 证件号码", "explain CertNo XQ-R-010 --json")
    command.epilog = f"{shown}\n\n退出码 exit codes: 0 已找到 found, 1 标准中没有 not in the standard"
    command.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help="路径、中英文名称、同义名、规则编号、消息类型、枚举值或代码"
        " / a path, a title, a synonym, a rule, a message type, a value or a code",
    )
    command.add_argument("--json", action="store_true", help="输出 JSON，供程序读取 / print JSON for machines")


if __name__ == "__main__":
    sys.exit(main())
