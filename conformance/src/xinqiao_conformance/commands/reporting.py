"""The commands ``report`` and ``compare``: what is made from results, and what changed since last time."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xinqiao_conformance.commands.running import AsJson
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.results.badge import badge_of
from xinqiao_conformance.results.comparison import KINDS, Comparison, compare
from xinqiao_conformance.results.files import write_whole
from xinqiao_conformance.results.html import html_of
from xinqiao_conformance.results.junit import junit_of
from xinqiao_conformance.results.model import Results, read_results
from xinqiao_conformance.running import suite_digest, unasked

__all__ = ["compare_command", "report_command"]

ResultsFile = Annotated[Path, typer.Argument(metavar="RESULTS", help="results.json")]


def report_command(
    results: ResultsFile,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="输出目录 / Folder for the files.")],
    as_json: AsJson = False,
) -> None:
    """由结果生成报告 / Make the report: report.html, junit.xml, badge.svg and badge.en.svg."""
    found = read_results(results)
    made = {
        "report.html": html_of(found, _unasked(found)).encode(),
        "junit.xml": junit_of(found),
        "badge.svg": badge_of(found, "zh").encode(),
        "badge.en.svg": badge_of(found, "en").encode(),
    }
    for name, content in made.items():
        write_whole(to / name, content)
    if as_json:
        print(json.dumps({"verdict": found.verdict, "files": [str(to / name) for name in made]}, ensure_ascii=False))
    else:
        for name in made:
            print(to / name)


def _unasked(found: Results) -> dict[str, dict[str, list[str]]] | None:
    """Return what a run did not ask; None for what another version of the suite ran, whose cases are not known here."""
    if found.how == "recordings":
        return {}
    if found.suite.digest != suite_digest():
        return None
    supports = frozenset(found.declaration.supports)
    by_kit = {each.kit: unasked(supports, kit_named(each.kit)) for each in found.kits}
    return {kit: features for kit, features in by_kit.items() if features}


def compare_command(
    before: Annotated[Path, typer.Argument(metavar="A", help="较早的 / results.json of before.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="较晚的 / results.json of now.")],
    as_json: AsJson = False,
) -> None:
    """比较两次结果 / Say what changed since last time. Exit code 1: something that must be met fails now."""
    comparison = compare(read_results(before), read_results(after))
    if as_json:
        print(json.dumps(comparison.as_json(), ensure_ascii=False, indent=2))
    else:
        _print(comparison)
    raise typer.Exit(1 if comparison.regression else 0)


def _print(comparison: Comparison) -> None:
    for ground in comparison.grounds:
        print(f"注意 note: {ground.what}: {ground.before or '-'} → {ground.after or '-'}")
    for kind, text in KINDS.items():
        found = comparison.of(kind)
        if found:
            print(f"{text.zh} {text.en}: {len(found)}")
        for each in found:
            name = each.name if each.name == each.kit else f"{each.kit} {each.name}"
            counted = f"  {each.cases} 个用例 case{'s' if each.cases > 1 else ''}" if each.cases else ""
            print(f"  {name}{counted}{'（提醒 warning）' if each.warning else ''}")
    if not comparison.changes:
        print("没有变化 nothing changed")
