"""Names of data files and index files."""

import re
from dataclasses import dataclass
from datetime import date

__all__ = ["DataName", "IndexName", "parse_name"]

_DATA = re.compile(
    r"OFD_([0-9A-Z]{1,20})_([0-9A-Z]{1,20})_([0-9]{8})_([0-9A-Z]{2})(?:_([0-9]{3}))?\.TXT", re.IGNORECASE
)
_INDEX = re.compile(r"OFI_([0-9A-Z]{1,20})_([0-9A-Z]{1,20})_([0-9]{8})\.TXT", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataName:
    """The name of a data file; ``sequence`` is there where one type comes in several files a day."""

    creator: str
    receiver: str
    day: date
    type: str
    sequence: int | None = None

    def __str__(self) -> str:
        sequence = "" if self.sequence is None else f"_{self.sequence:03}"
        return f"OFD_{self.creator}_{self.receiver}_{self.day:%Y%m%d}_{self.type}{sequence}.TXT"


@dataclass(frozen=True, slots=True)
class IndexName:
    """The name of an index file."""

    creator: str
    receiver: str
    day: date

    def __str__(self) -> str:
        return f"OFI_{self.creator}_{self.receiver}_{self.day:%Y%m%d}.TXT"


def parse_name(name: str) -> DataName | IndexName:
    """Return the parts of a file's name, in any case. Raises ``ValueError`` where it is none of the two."""
    data, index = _DATA.fullmatch(name), _INDEX.fullmatch(name)
    if data is not None:
        sequence = None if data[5] is None else int(data[5])
        return DataName(data[1], data[2], _day(data[3]), data[4].upper(), sequence)
    if index is not None:
        return IndexName(index[1], index[2], _day(index[3]))
    raise ValueError(
        f"{name[:80]}: a name is OFD_<creator>_<receiver>_<yyyymmdd>_<type>[_<000>].TXT or "
        "OFI_<creator>_<receiver>_<yyyymmdd>.TXT"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is no day") from error
