"""``xinqiao recording``: masks a recording so that it may be given away, and runs the passive checks over one."""

import argparse
from pathlib import Path

import orjson

from xinqiao.errors import SettingsInvalid
from xinqiao.keys import KeyRing, read_verifying_key
from xinqiao.recording import NOT_OBSERVABLE, Context, Judged, Recording, masked
from xinqiao.recording.checks import checks, judge
from xinqiao.report import bilingual

__all__ = ["describe_recording", "run_recording"]

_ROLES = ("sender", "receiver", "gateway", "file-partner")
_DAY = 86_400
_LONGEST = 3650 * _DAY
_STATES = {
    "passed": "通过 passed",
    "failed": "不通过 failed",
    "not_observable": bilingual(NOT_OBSERVABLE),
    "not_seen": "记录中没有相关内容 nothing of it in the recording",
}
# Of one check as many breaches are printed; --json has all.
_SHOWN = 5


def describe_recording(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.epilog = (
        "示例 examples:\n  xinqiao recording check traffic.jsonl --role sender\n"
        "  xinqiao recording mask traffic.jsonl --to masked.jsonl\n\n"
        "退出码 exit codes: 0 没有发现 nothing found, 1 有不符 a check failed, 2 无法执行 could not be done"
    )
    command.add_argument(
        "do", choices=("check", "mask"), metavar="DO", help="check 检查，mask 脱敏 / what to do: check or mask"
    )
    command.add_argument("file", type=Path, metavar="FILE", help="记录文件 / the recording")
    command.add_argument("--to", type=Path, metavar="FILE", help="脱敏后的文件 / mask: where the masked one goes")
    command.add_argument(
        "--role", choices=_ROLES, default=_ROLES[0], help="被检查方的角色，默认 %(default)s / what the subject is"
    )
    command.add_argument("--key", type=Path, metavar="JWK", help="被检查方的公钥 / the subject's public key, for seals")
    command.add_argument(
        "--patience",
        type=int,
        default=_DAY,
        metavar="SECONDS",
        help="答复的时限（秒），默认一天 / how long an answer may take, a day by default",
    )
    command.add_argument("--json", action="store_true", help="输出 JSON，供程序读取 / print JSON for machines")


def run_recording(options: argparse.Namespace) -> int:
    """Check or mask a recording, and say what came of it. Raises what reading it raises, and ``SettingsInvalid``."""
    recording = Recording.open(options.file)
    return _mask(recording, options) if options.do == "mask" else _check(recording, options)


def _mask(recording: Recording, options: argparse.Namespace) -> int:
    if options.to is None:
        raise SettingsInvalid("--to is missing: the file that the masked recording goes to")
    if options.to.exists():
        raise SettingsInvalid(f"--to {options.to} is there already and is not overwritten; name another file")
    copy = masked(recording, options.to)
    said = {"recording": str(copy.path), "root": copy.root}
    print(orjson.dumps(said).decode() if options.json else f"{copy.path}  {copy.root}")
    return 0


def _check(recording: Recording, options: argparse.Namespace) -> int:
    if options.patience not in range(_LONGEST + 1):
        raise SettingsInvalid(f"--patience {options.patience} is not in 0 to {_LONGEST} seconds")
    keys = KeyRing([read_verifying_key(options.key)]) if options.key else None
    context = Context(recording.head, options.role, keys, options.patience)
    judged = list(judge(recording, context))
    if options.json:
        said = {"recording": str(recording.path), "root": recording.root, "role": options.role}
        print(orjson.dumps(said | {"checks": [each.as_json() for each in judged]}).decode())
    else:
        print("\n".join([*(line for each in judged for line in _lines(each)), _sum(recording, judged)]))
    return int(any(each.state == "failed" for each in judged))


def _lines(judged: Judged) -> list[str]:
    about = judged.check
    lines = [f"{about.requirement}  {about.id}: {_STATES[judged.state]}"]
    if judged.state != "failed":
        return lines
    lines[0] += f"  {bilingual(about.title)}"
    for each in judged.found[:_SHOWN]:
        lines.append(f"    第 {each.exchange} 笔 exchange {each.exchange}  {each.path}")
        lines.append(f"    当前值 value: {_printable(each.seen)}")
        lines.append(f"    期望 expected: {bilingual(each.expected)}")
    more = len(judged.found) - _SHOWN
    return [*lines, f"    另有 {more} 处，见 --json / {more} more, see --json"] if more > 0 else lines


def _printable(text: str) -> str:
    """Return what a recording holds without what would steer a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _sum(recording: Recording, judged: list[Judged]) -> str:
    counts = {state: sum(each.state == state for each in judged) for state in _STATES}
    said = ", ".join(f"{count} {_STATES[state]}" for state, count in counts.items() if count)
    return f"{len(judged)}/{len(checks())} 项检查 checks: {said}\n{recording.root}"
