"""The command ``xinqiao``: what a partner's engineer needs before writing code.

Exit codes: 0 done, 1 the message is not valid, refused or not what was signed, 2 nothing could be judged or done.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from xinqiao.client import Client, read_answer
from xinqiao.errors import SealInvalid, XinqiaoError
from xinqiao.finding import errors_in
from xinqiao.message import Json, message_type, read_json
from xinqiao.outcome import error_of
from xinqiao.report import error_lines, finding_lines, receipt_lines
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    KeyRing,
    Sealed,
    new_key,
    open_seal,
    read_signing_key,
    read_verifying_key,
    seal,
    write_key,
)
from xinqiao.standard import message_types
from xinqiao.testing import example
from xinqiao.validation import check

__all__ = ["main"]

DONE, REFUSED, IMPOSSIBLE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except XinqiaoError as error:
        said = {"reason": error.reason, "detail": error.detail, "text": error.text.as_json()}
        return _fail(said, error_lines(error), as_json=getattr(options, "json", False))
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


def _write_json(value: Json) -> None:
    """Write JSON as UTF-8, whatever the encoding of the console."""
    sys.stdout.flush()
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _validate(options: argparse.Namespace) -> int:
    message = read_json(options.file.read_bytes())
    kind = message_type(message)
    findings = check(message, strict=options.strict)
    valid = not errors_in(findings)
    if options.json:
        listed = [finding.as_json() for finding in findings]
        _write_json({"valid": valid, "type": kind.body, "findings": listed})
        return DONE if valid else REFUSED
    verdict = "有效 valid" if valid else "无效 not valid"
    print(f"{kind.body}  {kind.title.zh} / {kind.title.en}: {verdict}")
    for finding in findings:
        print("\n".join(finding_lines(finding)))
    return DONE if valid else REFUSED


def _seal(options: argparse.Namespace) -> int:
    key = read_signing_key(options.key)
    print(seal(options.file.read_bytes(), options.content_type, key).signature)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    key = read_verifying_key(options.key)
    sealed = Sealed(options.file.read_bytes(), options.content_type, options.signature)
    try:
        kid = open_seal(sealed, KeyRing([key]), max_age=None)
    except SealInvalid as error:
        print("\n".join(error_lines(error)))
        return REFUSED
    print(f"签名有效 the signature is valid: {kid}")
    return DONE


def _send(options: argparse.Namespace) -> int:
    content = options.file.read_bytes()
    with Client(options.url, options.channel, read_signing_key(options.key)) as client:
        answer = client.submit_raw(content, options.content_type)
    verdict = DONE if answer.is_success else REFUSED
    if options.content_type != CONTENT_TYPE_JSON:
        sys.stdout.buffer.write(answer.content)
        return verdict
    said = read_answer(answer)
    if options.json:
        _write_json(said)
    elif "receipt" in said:
        print("\n".join(receipt_lines(said["receipt"])))
    else:
        print("\n".join(error_lines(error_of(said))))
    return verdict


def _new_key(options: argparse.Namespace) -> int:
    private: Path = options.out
    public = private.with_name(private.name.removesuffix(".jwk") + ".pub.jwk")
    if public.exists():
        return _fail({}, [f"文件已存在，不覆盖 / is there already, never overwritten: {public}"], as_json=False)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xinqiao",
        description="信托公司与合作机构之间的消息标准 / messages between trust companies and their partners",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, describe, run, help_text in (
        ("validate", _describe_validate, _validate, "校验一条消息 / say whether a message is valid, and why not"),
        ("seal", _describe_seal, _seal, "签名，打印 Xinqiao-Signature / sign a file, print the header's value"),
        ("verify", _describe_verify, _verify, "验签 / check a signature over a file"),
        ("send", _describe_send, _send, "签名并发送 / sign a file, send it, print the receipt"),
        ("new-key", _describe_new_key, _new_key, "生成密钥 / make a key pair"),
        ("example", _describe_example, _example, "打印一条有效的示例消息 / print a valid example message"),
    ):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        describe(command)
    return parser


def _describe_validate(command: argparse.ArgumentParser) -> None:
    command.epilog = "退出码 exit codes: 0 有效 valid, 1 无效 not valid, 2 不是消息 no message"
    command.add_argument("file", type=Path, metavar="FILE", help="规范 JSON / canonical JSON")
    command.add_argument("--json", action="store_true", help="机器可读 / for machines")
    command.add_argument("--strict", action="store_true", help="未知字段视为错误 / unknown fields are errors")


def _describe_content(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="将发送的字节 / the bytes as they travel")
    command.add_argument("--content-type", default=CONTENT_TYPE_JSON, metavar="TYPE", help="默认 %(default)s")


def _describe_seal(command: argparse.ArgumentParser) -> None:
    _describe_content(command)
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥 / private key")


def _describe_verify(command: argparse.ArgumentParser) -> None:
    _describe_content(command)
    command.add_argument("--signature", required=True, metavar="JWS", help="header..signature")
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="公钥 / public key")


def _describe_send(command: argparse.ArgumentParser) -> None:
    _describe_content(command)
    command.add_argument("--url", required=True, metavar="URL", help="网关地址 / the gateway, https://…")
    command.add_argument("--channel", required=True, metavar="ID", help="渠道编号 / the channel's id")
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥 / private key")
    command.add_argument("--json", action="store_true", help="打印对方的答复原文 / print the answer itself")


def _describe_new_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("kid", metavar="KID", help="密钥编号 / the key's id, e.g. demo-bank-2026-1")
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="私钥文件 / private key; public beside it as .pub.jwk"
    )


def _describe_example(command: argparse.ArgumentParser) -> None:
    command.add_argument("body", metavar="BODY", choices=sorted(message_types()), help="%(choices)s")
    command.add_argument("--sender", metavar="CODE", help="发送机构 / the sender's institution code")
    command.add_argument("--receiver", metavar="CODE", help="接收机构 / the receiver's institution code")
    command.add_argument("--case", metavar="ID", help="业务编号 / the case")


if __name__ == "__main__":
    sys.exit(main())
