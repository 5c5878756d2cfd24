"""How commands open what an operator works on: an installation's journal, and the desk with the operator's token."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao.errors import NotAuthorized, SettingsInvalid
from xinqiao.message import Json
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.cli.terminal import china_time, line, table
from xinqiao_gateway.documents import Directory, Documents
from xinqiao_gateway.gateway import governance_of
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.operators import Operator, Operators
from xinqiao_gateway.resolution import Desk

__all__ = [
    "TOKEN",
    "After",
    "AsJson",
    "AtDesk",
    "Data",
    "Limit",
    "Reason",
    "Since",
    "Token",
    "Until",
    "at_desk",
    "documents_of",
    "listed",
    "opened",
    "show",
    "signed_in",
]

# Where the operator's token stands when no file is named.
TOKEN = "XINQIAO_OPERATOR_TOKEN"  # noqa: S105 -- a name

Data = Annotated[Path, typer.Option(help="The installation's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at the most.")]
After = Annotated[int, typer.Option(min=0, help="Only those after this number.")]
Reason = Annotated[str, typer.Option(help="Why; it is journalled, so no personal data. A sender may read it.")]
Token = Annotated[
    Path | None,
    typer.Option(help=f"File with your operator's token; without it {TOKEN} is read.", exists=True, dir_okay=False),
]


def moment(text: str) -> datetime:
    """Return an instant that somebody typed; one without a zone is China time."""
    try:
        asked = datetime.fromisoformat(text)
    except ValueError as error:
        form = "2026-11-23, 2026-11-23T09:00 or 2026-11-23T09:00:00.5+08:00"
        raise typer.BadParameter(f"{text[:40]!r} is no time such as {form}") from error
    return asked if asked.tzinfo else asked.replace(tzinfo=CHINA)


Since = Annotated[
    datetime | None,
    typer.Option(help="Accepted at this time or later; China time unless it says.", parser=moment, metavar="TIME"),
]
Until = Annotated[datetime | None, typer.Option(help="Accepted before this time.", parser=moment, metavar="TIME")]


@contextmanager
def opened(data: Path) -> Iterator[tuple[Journal, Installation]]:
    """Open the journal beside a gateway that may be running. Raises ``SettingsInvalid`` where there is none."""
    installation = read_installation(data)
    if not installation.has_journal:
        raise SettingsInvalid(f"{data} holds no journal: no gateway was started on it yet; start one: serve")
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    try:
        yield journal, installation
    finally:
        journal.close()


def documents_of(installation: Installation, vault: Vault) -> Documents:
    """Return the documents of an installation, which a gateway may be serving."""
    sizes = {each.channel_id: each.channel.profile.limits.documents for each in installation.channels}
    folder = Directory(installation.data / "documents")
    return Documents(folder, vault, installation.settings.documents, sizes.__getitem__)


def signed_in(data: Path, token: Path | None) -> Operator:
    """Return whose token it is. Raises ``NotAuthorized``, ``SettingsInvalid``."""
    given = _only_line(token) if token else os.environ.get(TOKEN, "")
    if not given.strip():
        raise NotAuthorized(f"say who you are: --token FILE, or {TOKEN} with your operator's token")
    return Operators.load(data).with_token(given)


@dataclass(frozen=True, slots=True)
class AtDesk:
    """An operator at the desk, and the journal under it."""

    operator: Operator
    desk: Desk
    journal: Journal
    installation: Installation


@contextmanager
def at_desk(data: Path, token: Path | None) -> Iterator[AtDesk]:
    """Open the desk for whose token it is; what is done there is judged by the rules of the installation.

    Raises ``NotAuthorized``, ``SettingsInvalid``.
    """
    operator = signed_in(data, token)
    with opened(data) as (journal, installation):
        journal.govern(governance_of(installation, journal.reading.vault.keyed_digest))
        code, key = installation.settings.institution_code, installation.key
        desk = Desk(
            journal, installation.channels, code, key, lambda: documents_of(installation, journal.reading.vault)
        )
        yield AtDesk(operator, desk, journal, installation)


def _only_line(file: Path) -> str:
    """Return what a token's file holds. Raises ``NotAuthorized`` where that is more than a token."""
    try:
        lines = file.read_text(encoding="utf-8").strip().splitlines()
    except UnicodeDecodeError as error:
        raise NotAuthorized(f"{file}: the file holds no token: it is no text") from error
    if len(lines) > 1:
        raise NotAuthorized(f"{file}: the file has {len(lines)} lines, one is expected: the token alone")
    return "".join(lines)


def listed(title: str, columns: Sequence[str], rows: Sequence[Json], *, as_json: bool) -> None:
    """Print rows, for machines or in columns."""
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        show(title, columns, rows)


def show(title: str, columns: Sequence[str], rows: Sequence[Json]) -> None:
    """Print rows in columns, instants in China time, or that there are none."""
    if rows:
        table(title, columns, ([_cell(name, row[name]) for name in columns] for row in rows))
    else:
        line(f"{title}: 无 none")


def _cell(column: str, value: Any) -> Any:  # noqa: ANN401 -- a value of JSON
    return china_time(value) if value and column.endswith("_at") else value
