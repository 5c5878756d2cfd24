"""``docs/errors.md``: the error table for people, from ``xinqiao.errors``."""

from pathlib import Path

from xinqiao.errors import ConfigurationError, Rejected, Retryable, XinqiaoError, error_table

_SECTIONS: list[tuple[type[XinqiaoError], str, str]] = [
    (Rejected, "Rejected 拒绝", "The sender must change something; the same call again fails again."),
    (Retryable, "Retryable 可重试", "The same call, under the same id, may succeed later. `Retry-After` says when."),
    (ConfigurationError, "Configuration 配置", "The operator of this side must change something."),
]

_HEAD = """\
# Errors 错误

<!-- Generated from xinqiao/errors.py by make generate. Do not edit. -->

Every error, whatever the transport, is a canonical message with the body `rejection`: its `reason` below, a text in
Chinese and English that says where and what, `retryable`, and for an invalid message all `findings` at once. A
channel whose interface has its own `answer` gets the same in the partner's format.

每个错误都是一条 `rejection` 消息：原因代码、中英文说明、可否重试；校验未通过时一次列出全部发现。
"""


def write_errors(path: Path) -> None:
    """Write the page."""
    path.write_text("\n".join([_HEAD, *(_section(*section) for section in _SECTIONS)]), encoding="utf-8")


def _section(root: type[XinqiaoError], title: str, said: str) -> str:
    rows = [_row(error) for error in error_table() if issubclass(error, root)]
    head = ["| reason | HTTP | gRPC | what it says | what to do |", "|---|---|---|---|---|"]
    return "\n".join([f"## {title}", "", said, "", *head, *rows, ""])


def _row(error: type[XinqiaoError]) -> str:
    said = f"{error.text.en}<br>{error.text.zh}"
    fix = f"{error.fix.en}<br>{error.fix.zh}"
    return f"| `{error.reason}` | {error.http_status} | {error.grpc_code} | {said} | {fix} |"
