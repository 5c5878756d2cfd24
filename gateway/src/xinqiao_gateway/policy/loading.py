"""DATA/policy.yaml and DATA/watch-lists read and compiled, with every problem named by its line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xinqiao.errors import SettingsInvalid
from xinqiao_adapters.marked import Marked, Where, read_marked, validated
from xinqiao_adapters.problems import Problems
from xinqiao_gateway.policy.compilation import Bound, bind
from xinqiao_gateway.policy.rule import Condition, Rule
from xinqiao_gateway.policy.watch_list import Digest, WatchList, read_list

__all__ = ["read_rules"]


@dataclass(slots=True)
class _Reading:
    marked: Marked
    folder: Path
    digest: Digest
    problems: Problems
    lists: dict[str, WatchList] = field(default_factory=dict)

    def note(self, where: Where, text: str) -> None:
        path = ".".join(map(str, where))
        self.problems.note(f"{self.marked.mark(where)}: {path}: {text}")


def read_rules(path: Path, folder: Path, digest: Digest) -> list[Bound]:
    """Read the rules of a file and the lists in ``folder`` that they name; no file means no rules.

    Raises ``SettingsInvalid`` with one line for every problem: file, line, place, what to do.
    """
    if not path.exists():
        return []
    problems = Problems(SettingsInvalid)
    bound = problems.attempt(_read, path, folder, digest, problems)
    problems.check()
    return bound or []


def _read(path: Path, folder: Path, digest: Digest, problems: Problems) -> list[Bound]:
    reading = _Reading(read_marked(path), folder, digest, problems)
    tried = [problems.attempt(_rule, reading, number) for number in range(len(_raw_rules(reading)))]
    return [bound for bound in tried if bound is not None]


def _raw_rules(reading: _Reading) -> list[Any]:
    value = reading.marked.value
    for key in value.keys() - {"rules"}:
        reading.note((key,), "no such key here; the file holds rules alone")
    rules = value.get("rules")
    if not isinstance(rules, list):
        reading.note(("rules",), "a list of rules is expected")
        return []
    _check_ids(reading, rules)
    return rules


def _check_ids(reading: _Reading, rules: list[Any]) -> None:
    seen: set[str] = set()
    for number, raw in enumerate(rules):
        name = raw.get("id") if isinstance(raw, Mapping) else None
        if isinstance(name, str) and name in seen:
            reading.note(("rules", number, "id"), f"{name} is the id of a rule before it")
        seen.add(str(name))


def _rule(reading: _Reading, number: int) -> Bound:
    rule = validated(reading.marked, Rule, ("rules", number))
    _read_lists(reading, number, rule)
    bound, doubts = bind(rule, reading.lists, reading.digest)
    for doubt in doubts:
        reading.note(("rules", number, *doubt.where), doubt.text)
    return bound


def _read_lists(reading: _Reading, number: int, rule: Rule) -> None:
    for name, where in _named(rule.when, ("rules", number, "when")):
        if name in reading.lists or not (reading.folder / f"{name}.txt").exists():
            continue  # that it is missing is said by whoever looks it up
        try:
            reading.lists[name] = read_list(reading.folder, name, reading.digest)
        except SettingsInvalid as error:
            reading.note(where, error.detail)


def _named(conditions: tuple[Condition, ...], where: Where) -> list[tuple[str, Where]]:
    found: list[tuple[str, Where]] = []
    for number, each in enumerate(conditions):
        listed = each.watch_list or each.related
        found += [(listed.list, (*where, number, each.test))] if listed else []
        found += _named(each.where or (), (*where, number, "where"))
    return found
