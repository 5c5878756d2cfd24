"""A dry run: what a raw input would become. Nothing is stored, nothing is sent; nothing raises for bad input."""

from dataclasses import replace
from typing import Any

from xinqiao.adapter import Decoded
from xinqiao.errors import Rejected
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.validation import check
from xinqiao_adapters.channel import Channel

__all__ = ["try_input"]


def try_input(channel: Channel, raw: bytes, content_type: str | None = None) -> dict[str, Any]:
    """Return the canonical messages of a raw input, the leaves that no row reads, and every finding.

    ``{"messages": […], "unmapped": [{"path", "value"}], "findings": […]}``. Messages and unmapped leaves are shown
    in clear: they are the document that the operator has just passed in. Findings mask what is personal, and name
    the partner's own paths.
    """
    try:
        decoded = list(channel.adapter.decode(raw, content_type or ""))
    except Rejected as error:
        return {"messages": [], "unmapped": [], "findings": [each.as_json() for each in _said_by(error)]}
    messages = [channel.completed(each.message) for each in decoded]
    pairs = zip(decoded, messages, strict=True)
    findings = [finding for each, message in pairs for finding in _findings(each, message)]
    leaves = dict.fromkeys((leaf.path, leaf.value) for each in decoded for leaf in each.unmapped())
    return {
        "messages": messages,
        "unmapped": [{"path": path, "value": value} for path, value in leaves],
        "findings": [each.as_json() for each in findings],
    }


def _findings(decoded: Decoded, message: Json) -> list[Finding]:
    try:
        found = check(message)
    except Rejected as error:
        return _said_by(error)
    return [replace(each, partner_path=decoded.place(each.path)) for each in found]


def _said_by(error: Rejected) -> list[Finding]:
    """Return the findings of a refusal; one that has none becomes a finding itself."""
    if error.findings:
        return list(error.findings)
    return [
        Finding(
            rule=error.reason,
            path="/",
            text=error.text,
            expected=None,
            fix=error.fix,
            partner_path=error.detail or None,
        )
    ]
