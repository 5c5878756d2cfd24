"""Control totals: what an input says of its records' number and sums against what they are."""

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from xinqiao.errors import ContentRefused
from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao_adapters.formats.spec import Totals
from xinqiao_adapters.mapping.converters import Misshapen

__all__ = ["EXACT", "Tally", "in_file", "number_in"]

# Sixty digits hold the sum of any file; a sum that is not exact raises.
EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", re.ASCII)
_FIX = Text("核对明细与合计后整体重发", "compare the records with their total and send the whole input again")


def number_in(text: str) -> Decimal | None:
    """Return the number that a text holds, with or without thousands separators; None where it holds none."""
    text = text.strip()
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


class Tally:
    """Counts and sums the records of one input; blank values add nothing.

    ``read`` gives the text of a record at a column of ``spec.sums``, None where it is blank.
    """

    def __init__(self, spec: Totals, read: Callable[[Any, str], str | None]) -> None:
        self._spec = spec
        self._read = read
        self._sums = dict.fromkeys(spec.sums, Decimal(0))
        self._count = 0
        self._whole = True

    def add(self, record: object) -> str | None:
        """Count a record; return the name of a column to be summed that holds no number, None where all do."""
        self._count += 1
        for column in self._sums:
            number = self._number(record, column)
            if number is None:
                self._whole = False
                return column
            try:
                self._sums[column] = EXACT.add(self._sums[column], number)
            except (Inexact, InvalidOperation):  # more digits than any amount has
                self._whole = False
                return column
        return None

    def _number(self, record: object, column: str) -> Decimal | None:
        try:
            text = self._read(record, column)
        except Misshapen:
            return None
        return Decimal(0) if text is None or not text.strip() else number_in(text)

    def add_unread(self) -> None:
        """Count a record that cannot be read; the sums are then not known, and only the number is checked."""
        self._count += 1
        self._whole = False

    @property
    def is_whole(self) -> bool:
        """Whether every record could be summed."""
        return self._whole

    def totals(self) -> dict[str, Decimal]:
        """Return what is known of the totals, by their paths."""
        count = {} if self._spec.count is None else {self._spec.count: Decimal(self._count)}
        sums = {self._spec.sums[column]: total for column, total in self._sums.items()}
        return count | (sums if self._whole else {})

    def check(self, said: Callable[[str], str | None]) -> None:
        """Raise ``ContentRefused`` where the input says another number or sum than that of its records.

        ``said`` gives the text at a path of ``spec``, None where it is blank.
        """
        for path, counted in self.totals().items():
            text = said(path)
            if text is None or number_in(text) != counted:
                raise _difference(path, text, format(counted, "f"))


def in_file(outside: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what says the totals of a file whose values stand under ``File``."""
    return lambda path: outside.get(path.removeprefix("File/"))


def _difference(path: str, said: str | None, counted: str) -> ContentRefused:
    """Refuse for a total; what is no number may be anything, a name in a column that has shifted."""
    value = None if said is None else said if number_in(said) is not None else str(mask(said, "C2"))
    text = Text(
        f"{path} 为 {value or '空'}，按记录应为 {counted}",
        f"{path} is {value or 'nothing'}, the records make {counted}",
    )
    finding = Finding(
        rule="format.total",
        path=path,
        text=text,
        value=None if value is None else shown(value),
        expected=counted,
        fix=_FIX,
        partner_path=path,
    )
    return ContentRefused(f"{path} is not that of the records", findings=[finding])
