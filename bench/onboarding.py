"""What share of a channel's mapping ``channel new`` proposes from its samples alone, with the channel hidden.

For every shipped channel: synonyms of the standard that are spelled as one of its names and as none of another
shipped channel's are hidden, its samples are renamed, who sends them is said. Each partner field that its profile
maps and that a sample has is counted: right is the same canonical path (indices left out) in the same message type.
A second figure keeps the names that public standards gave (JR/T 0017, ISO 20022, …), whatever channel uses them.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from xinqiao_adapters.channel import load_channel, shipped_channels
from xinqiao_adapters.check import sample_files
from xinqiao_adapters.loader import load_profile
from xinqiao_adapters.onboarding.dictionary import Dictionary
from xinqiao_adapters.onboarding.matching import Match
from xinqiao_adapters.onboarding.proposal import propose
from xinqiao_adapters.onboarding.recognition import Recognised, recognise
from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.profile import Interface, Profile, Row

WANTED = 0.80
# Where names of public standards come from: they would be known without any channel of ours.
PUBLISHED = frozenset({"OFD", "ISO20022", "BANCASSURANCE", "TXLIFE", "TRUST_REGISTRATION", "VALUATION_TABLE", "CMB"})


@dataclass(frozen=True)
class Truth:
    """One interface as its profile has it: partner path → the canonical paths that it may become."""

    name: str
    message: str
    outgoing: bool
    fields: Mapping[str, frozenset[str]]


def measure() -> dict[str, Any]:
    """Run ``new`` on every shipped channel; return figures for each and over all."""
    truths = {each: list(_truths(load_profile(each, []).profile)) for each in shipped_channels()}
    truths = {channel: found for channel, found in truths.items() if found}
    figures = {channel: _channel(channel, truths) for channel in truths}
    right, published, whole = (
        sum(each[name] for each in figures.values()) for name in ("right", "published", "fields")
    )
    shares = {"share": right / max(1, whole), "share_published": published / max(1, whole)}
    return {"channels": figures, "right": right, "published": published, "fields": whole, **shares, "wanted": WANTED}


def _channel(channel: str, truths: Mapping[str, list[Truth]]) -> dict[str, Any]:
    hidden = _names(truths[channel]) - {
        name for other, found in truths.items() if other != channel for name in _names(found)
    }
    files = {path: path.stem.partition("-")[0] for path in sample_files(load_channel(channel, []))}
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        renamed = {Path(folder) / f"sample{at}{path.suffix}": name for at, (path, name) in enumerate(files.items())}
        for path, new in zip(files, renamed, strict=True):
            shutil.copy(path, new)
        found = recognise(list(renamed))
    told = [
        (truth, each)
        for truth in truths[channel]
        for each in found
        if any(renamed[path] == truth.name for path in each.samples)
    ]
    strict = _counted(Dictionary(hidden), told)
    return {
        "interfaces": len(truths[channel]),
        "hidden": len(hidden),
        **strict,
        "published": _counted(Dictionary(hidden, PUBLISHED), told)["right"],
    }


def _counted(dictionary: Dictionary, told: Sequence[tuple[Truth, Recognised]]) -> dict[str, Any]:
    """Return how many message types and fields are right; each interface counts once, with its first samples."""
    wrong: list[str] = []
    right = whole = messages = 0
    done: set[str] = set()
    for truth, each in told:
        if truth.name not in done:
            done.add(truth.name)
            body, counted, missed = _compared(dictionary, each, truth)
            messages += body
            whole += counted
            right += counted - len(missed)
            wrong += [] if body else [f"{truth.name}: another message type than {truth.message}"]
            wrong += [f"{truth.name}: {line}" for line in missed]
    return {"messages": messages, "right": right, "fields": whole, "share": right / max(1, whole), "wrong": wrong}


def _compared(dictionary: Dictionary, found: Recognised, truth: Truth) -> tuple[bool, int, list[str]]:
    """Return whether the message type is right, how many fields were counted, and the wrong ones."""
    proposal = propose(dictionary, found.top, found.names, outgoing=truth.outgoing)
    guesses = dict(_guesses(proposal.match, ""))
    seen = {_plain(each.path_from(found.top)) for each in found.top.walk() if each.texts}
    counted = {path: wanted for path, wanted in truth.fields.items() if path in seen}
    missed = []
    for path, wanted in counted.items():
        guess = guesses.get(path, "")
        in_body = not guess.startswith("header.")
        if guess not in wanted or (in_body and proposal.body != truth.message):
            missed.append(f"{path}: {guess or 'nothing'}, should be {' or '.join(sorted(wanted))}")
    return proposal.body == truth.message, len(counted), missed


def _guesses(match: Match, group: str) -> Iterator[tuple[str, str]]:
    """Yield partner path → canonical path of all that is proposed as a row."""
    for guess in match.guesses:
        if guess.candidate is None or guess.confidence < 0.5:
            continue
        whole = _plain(f"{group}.{guess.path}" if group else guess.path)
        if guess.match is not None:
            yield from _guesses(guess.match, whole)
        else:
            yield _plain(guess.node.path_from(_top(guess.node))), whole


def _top(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node


def _plain(path: str) -> str:
    return re.sub(
        r"\[[0-9]*\]",
        "",
        "/".join(step if step.startswith("@") else step.rpartition(":")[2] for step in path.split("/")),
    )


def _truths(profile: Profile) -> Iterator[Truth]:
    for name, interface in profile.interfaces.items():
        if not interface.map:
            continue
        fields: dict[str, set[str]] = {}
        for partner, canonical in _rows(profile, interface.map, "", "", interface):
            fields.setdefault(_plain(partner), set()).add(_plain(canonical))
        yield Truth(
            name,
            interface.message,
            interface.direction == "out",
            {path: frozenset(each) for path, each in fields.items()},
        )


def _rows(
    profile: Profile, rows: Mapping[str, Row], base: str, group: str, interface: Interface
) -> Iterator[tuple[str, str]]:
    for key, row in rows.items():
        if "/" in key:
            continue
        canonical = _joined(".", group, "" if key == "." else key)
        inside = {**(profile.parts[row.use] if row.use else {}), **(row.map or {})}
        for source in [row.source] if isinstance(row.source, str) else row.source or []:
            yield _placed(base, source, interface), canonical
        group_source = row.at if row.at is not None else row.each
        if group_source is not None and inside:
            yield from _rows(profile, inside, _placed(base, group_source, interface), canonical, interface)
        elif row.each is not None:
            yield _placed(base, row.each, interface), canonical


def _placed(base: str, source: str, interface: Interface) -> str:
    if source.startswith("./") and not base:
        base = interface.records or ""
    return _joined("/", base, *(step for step in source.split("/") if step not in ("", ".")))


def _joined(between: str, *parts: str) -> str:
    return between.join(part for part in parts if part)


def _names(truths: list[Truth]) -> frozenset[str]:
    steps = (step for truth in truths for path in truth.fields for step in path.split("/"))
    return frozenset(step.lstrip("@").lower() for step in steps)


def report(console: Console, result: dict[str, Any]) -> None:
    """Print what was measured."""
    console.print("\n[bold]onboarding[/bold]: fields that `channel new` proposes rightly, the channel hidden")
    table = Table("channel", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("interfaces", "messages right", "fields", "right", "share", "published kept", "synonyms hidden"):
        table.add_column(heading, justify="right")
    for channel, each in result["channels"].items():
        figures = (each["interfaces"], each["messages"], each["fields"], each["right"])
        table.add_row(
            channel,
            *map(str, figures),
            f"{each['share']:.1%}",
            f"{each['published'] / max(1, each['fields']):.1%}",
            str(each["hidden"]),
        )
    console.print(table)
    console.print(
        f"all: {result['right']} of {result['fields']}, [bold]{result['share']:.1%}[/bold]; "
        f"with published names {result['share_published']:.1%}; {result['wanted']:.0%} wanted"
    )
