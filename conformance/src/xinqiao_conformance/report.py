"""Results and requirements for people, in Chinese and English."""

import orjson
from rich.console import Console
from rich.table import Column, Table

from xinqiao.message import Json
from xinqiao_conformance.requirements import Requirement

__all__ = ["print_requirements", "print_results"]

# Findings of one answer, and characters of one that is none of the standard; results.json has all.
_MOST_FINDINGS = 10
_MOST_TEXT = 400
_STYLES = {"passed": "green", "failed": "bold red"}
_VERDICTS = {"passed": "通过 passed", "failed": "未通过 failed"}


def print_requirements(rows: list[Requirement], console: Console) -> None:
    """Print each requirement in both languages."""
    table = Table("id", "role", "level", "shown by", _sentences(), show_lines=True)
    for row in rows:
        table.add_row(row.id, row.role, row.level, row.shown_by, f"{row.text.zh}\n{row.text.en}")
    console.print(table)


def print_results(results: Json, console: Console) -> None:
    """Print the verdict on each requirement, then what was expected, sent and seen where one failed."""
    title = f"{results['target']}: {_VERDICTS[results['verdict']]}"
    table = Table("id", Column("结果 result", no_wrap=True), _sentences(), "seconds", title=title, show_lines=True)
    for row in results["requirements"]:
        text = row["text"]
        verdict = f"[{_STYLES[row['result']]}]{_VERDICTS[row['result']]}"
        table.add_row(row["id"], verdict, f"{text['zh']}\n{text['en']}", f"{row['seconds']:.3f}")
    console.print(table)
    for row in results["requirements"]:
        for finding in row["findings"]:
            _print_finding(row["id"], finding, console)


def _sentences() -> Column:
    # Chinese has no spaces to break at: a line that is full is continued on the next.
    return Column("要求 requirement", overflow="fold")


def _print_finding(requirement_id: str, finding: Json, console: Console) -> None:
    lines = (
        ("期望 expected", finding["expected"]),
        ("发送 sent", _line(_sent(finding["sent"]))),
        ("所见 seen", _line(_seen(finding["seen"]))),
    )
    console.print(f"{requirement_id} {finding['test']}", style="bold", markup=False, soft_wrap=True)
    for name, said in lines:
        console.print(f"  {name}: {said}", markup=False, highlight=False, soft_wrap=True)


def _line(value: object) -> str:
    return orjson.dumps(value).decode()


def _sent(message: Json | None) -> Json | None:
    """Return what names a message; its content is in results.json."""
    if message is None:
        return None
    header = message["header"]
    [body] = message.keys() - {"header"}
    return {"messageType": body, "messageId": header.get("messageId"), "caseId": header.get("caseId")}


def _seen(seen: Json) -> Json:
    """Return an answer with what it is about first: of a rejection the reason, then its text and findings."""
    if "body" not in seen:
        return seen
    body = seen["body"]
    shown = {name: part for name, part in seen.items() if name != "body"}
    match body:
        case {"rejection": dict(rejection)}:
            return {**shown, **_rejection(rejection)}
        case {"receipt": dict(receipt)}:
            named = {name: receipt[name] for name in ("acceptedMessageId", "position") if name in receipt}
            return {**shown, "receipt": named}
        case str(text):
            return {**shown, "body": text[:_MOST_TEXT]}
    return {**shown, "body": _line(body)[:_MOST_TEXT]}


def _rejection(body: Json) -> Json:
    shown: Json = {name: body[name] for name in ("reason", "text") if name in body}
    findings = body.get("findings")
    if not isinstance(findings, list):
        return shown
    shown["findings"] = [_finding(each) for each in findings[:_MOST_FINDINGS]]
    more = len(findings) - _MOST_FINDINGS
    return {**shown, "moreFindings": more} if more > 0 else shown


def _finding(each: object) -> object:
    if not isinstance(each, dict):
        return each
    return {name: each[name] for name in ("rule", "path", "value", "expected") if name in each}
