"""``xinqiao manifest``: writes the sealed manifest that goes beside a batch file."""

import argparse
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import orjson

from xinqiao.errors import MalformedRequest, NotValid
from xinqiao.finding import errors_in
from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest
from xinqiao.seal import read_signing_key
from xinqiao.validation import check

__all__ = ["describe_manifest", "run_manifest"]

# Whose business day it is.
_CHINA = timezone(timedelta(hours=8))


def describe_manifest(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.epilog = (
        "示例 example:\n  xinqiao manifest orders.jsonl --records 3 --sequence 1 --sender 91110000100000000R "
        "--receiver 913100001000100012 --key my-bank.jwk\n\n"
        "退出码 exit codes: 0 完成 done, 2 无法执行 could not be done"
    )
    command.add_argument("file", type=Path, metavar="FILE", help="数据文件 / the data file")
    command.add_argument("--records", type=int, required=True, metavar="N", help="记录数 / records in it")
    command.add_argument("--sequence", type=int, required=True, metavar="N", help="当日批次序号 / which of the day")
    command.add_argument("--sender", required=True, metavar="CODE", help="发送机构代码 / code of who sends it")
    command.add_argument("--receiver", required=True, metavar="CODE", help="接收机构代码 / code of who gets it")
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥文件 / file with the private key")
    command.add_argument("--date", metavar="YYYY-MM-DD", help="业务日期，默认今天 / business date; default today")
    command.add_argument(
        "--type", default="application/x-ndjson", metavar="TYPE", help="内容类型 / content type; default %(default)s"
    )
    command.add_argument(
        "--all-or-nothing", action="store_true", help="一笔被拒则整批拒收 / one refused record refuses all"
    )
    command.add_argument("--replaces", default="", metavar="NO", help="更正的批次号 / number of the batch it corrects")
    command.add_argument("--test", action="store_true", help="测试数据 / of the sandbox")
    command.add_argument("--out", type=Path, metavar="FILE", help="默认 FILE.manifest / default FILE.manifest")
    command.add_argument("--json", action="store_true", help="输出 JSON，供程序读取 / print JSON for machines")


def run_manifest(options: argparse.Namespace) -> int:
    """Write the manifest and print its batch number. Raises ``NotValid``, ``KeyUnusable`` or ``MalformedRequest``."""
    try:
        day = date.fromisoformat(options.date) if options.date else datetime.now(_CHINA).date()
    except ValueError as error:
        raise MalformedRequest(f"--date {options.date[:20]!r} is no day; write 2026-01-22") from error
    batch = Batch(
        options.sender,
        options.receiver,
        day,
        options.sequence,
        test=options.test,
        all_or_nothing=options.all_or_nothing or None,
        replaces=options.replaces,
    )
    message = manifest_of(batch, Contents.of(options.file, options.type, options.records))
    if findings := errors_in(check(message)):
        raise NotValid(f"{findings[0].path}: {findings[0].text.en}", findings=findings)
    path = options.out or options.file.with_name(options.file.name + ".manifest")
    path.write_bytes(sealed_manifest(message, read_signing_key(options.key)))
    said = {"manifest": str(path), "batchNo": batch.number}
    print(orjson.dumps(said).decode() if options.json else f"{path}  {batch.number}")
    return 0
