"""Who stands for a proposal: ``confirmed: NAME`` in the profile, its comments and layout kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.profile import Profile, Proposal, Row

__all__ = ["Wanted", "confirm", "open_proposals", "unconfirmed"]


def unconfirmed(profile: Profile) -> list[str]:
    """Return where a profile still guesses: ``interfaces.nav``, ``interfaces.nav.map.navDate``; empty if nowhere."""
    return [where for where, _ in open_proposals(profile)]


def open_proposals(profile: Profile) -> Iterator[tuple[str, Proposal]]:
    """Yield each proposal that nobody has confirmed by name, and where it stands."""
    for name, interface in profile.interfaces.items():
        yield from _open(f"interfaces.{name}", interface.proposed)
        yield from _open_rows(interface.map, f"interfaces.{name}.map")
    for name, part in profile.parts.items():
        yield from _open_rows(part, f"parts.{name}")


def _open_rows(rows: Mapping[str, Row], where: str) -> Iterator[tuple[str, Proposal]]:
    for key, row in rows.items():
        yield from _open(f"{where}.{key}", row.proposed)
        yield from _open_rows(row.map or {}, f"{where}.{key}")


def _open(where: str, proposal: Proposal | None) -> Iterator[tuple[str, Proposal]]:
    if proposal is not None and proposal.confirmed is None:
        yield where, proposal


@dataclass(frozen=True)
class Wanted:
    """Which proposals are confirmed: those of an interface, at canonical paths, or as sure as ``above``."""

    interface: str | None = None
    rows: Sequence[str] = ()
    above: float | None = None


@dataclass(frozen=True)
class _Found:
    """A proposal in the text: whose it is, where its node is, how sure."""

    interface: str
    row: str
    node: yaml.MappingNode
    confidence: float

    def is_wanted(self, wanted: Wanted) -> bool:
        """Whether it is one of those to confirm: all that is said fits."""
        if wanted.interface is not None and wanted.interface != self.interface:
            return False
        if wanted.rows and self.row not in wanted.rows:
            return False
        return wanted.above is None or self.confidence >= wanted.above


def confirm(path: Path, name: str, wanted: Wanted) -> list[str]:
    """Write ``confirmed: name`` into the proposals that are wanted; return where, as ``unconfirmed`` does.

    Only these places of the file change. Raises ``ProfileInvalid`` where the file is no YAML, the name is blank,
    or an interface or row that was named has no open proposal.
    """
    if not name.strip():
        raise ProfileInvalid(f"{path}: who confirms? give a name")
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileInvalid(f"{path}: cannot be read: {error}") from error
    every = list(_proposals(root))
    found = [each for each in every if each.is_wanted(wanted)]
    _refuse_missing(path, every, wanted)
    for each in sorted(found, key=lambda each: -each.node.end_mark.index):
        text = _with_name(text, each.node, name)
    path.write_text(text, encoding="utf-8")
    return [f"interfaces.{each.interface}{'.map.' if each.row else ''}{each.row}" for each in found]


def _refuse_missing(path: Path, every: Sequence[_Found], wanted: Wanted) -> None:
    inside = [each for each in every if wanted.interface in (None, each.interface)]
    missing = [row for row in wanted.rows if row not in {each.row for each in inside}]
    if wanted.interface is not None and not inside:
        missing.append(wanted.interface)
    if missing:
        raise ProfileInvalid(
            f"{path}: no open proposal at {', '.join(missing)}; see `channel check` for those there are"
        )


def _proposals(root: yaml.Node | None) -> Iterator[_Found]:
    for name, interface in _items(_at(root, "interfaces")):
        yield from _own(interface, name, "")
        yield from _of_rows(_at(interface, "map"), name, "")


def _of_rows(rows: yaml.Node | None, interface: str, group: str) -> Iterator[_Found]:
    for key, row in _items(rows):
        path = f"{group}.{key}" if group else key
        yield from _own(row, interface, path)
        yield from _of_rows(_at(row, "map"), interface, path)


def _own(node: yaml.Node, interface: str, row: str) -> Iterator[_Found]:
    proposed = _at(node, "proposed")
    if isinstance(proposed, yaml.MappingNode) and _at(proposed, "confirmed") is None:
        said = _at(proposed, "confidence")
        yield _Found(interface, row, proposed, float(said.value) if isinstance(said, yaml.ScalarNode) else 0.0)


def _items(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(key.value, value) for key, value in pairs if isinstance(key, yaml.ScalarNode)]


def _at(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return dict(_items(node)).get(name)


def _with_name(text: str, node: yaml.MappingNode, name: str) -> str:
    quoted = yaml.safe_dump(name.strip(), allow_unicode=True, width=10**6, default_style='"').strip()
    if node.flow_style:
        end = node.end_mark.index - 1
        return f"{text[:end]}, confirmed: {quoted}{text[end:]}"
    last = node.value[-1][1].end_mark.index
    column = node.value[0][0].start_mark.column
    return f"{text[:last]}\n{' ' * column}confirmed: {quoted}{text[last:]}"
