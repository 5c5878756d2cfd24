"""What people write to read the same files: nothing is checked or kept. Each returns the number of records."""

import csv
from pathlib import Path

from lxml import etree
from python_calamine import CalamineWorkbook

from xinqiao_adapters.formats.ofd.dictionary import dictionary

__all__ = ["calamine", "dict_reader", "iterparse", "sliced"]


def sliced(path: Path) -> int:
    """Slice every field of an OFD file into a dict, the widths after its header."""
    known = dictionary()
    with path.open(encoding="gb18030", newline="") as file:
        head = [file.readline().strip() for _ in range(10)]
        names = [file.readline().strip() for _ in range(int(head[9]))]
        total = int(file.readline())
        ends = [0]
        for name in names:
            ends.append(ends[-1] + known.fields[name].width)
        places = list(zip(names, ends, ends[1:], strict=False))
        for _ in range(total):
            record = file.readline().encode("gb18030")
            {name: record[start:end].decode("gb18030").strip() for name, start, end in places}
    return total


def iterparse(path: Path) -> int:
    """Walk the records of an XML file, elements cleared as is usual."""
    count = 0
    for _, node in etree.iterparse(str(path), tag="Repay"):
        {child.tag: child.text for child in node}
        node.clear()
        while node.getprevious() is not None:
            del node.getparent()[0]
        count += 1
    return count


def calamine(path: Path) -> int:
    """Read the rows of a sheet into dicts."""
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()
    names = [str(cell) for cell in next(rows)]
    return sum(1 for row in rows if dict(zip(names, row, strict=True)))


def dict_reader(path: Path) -> int:
    """Read the rows of a CSV file into dicts."""
    with path.open(encoding="gb18030", newline="") as file:
        return sum(1 for row in csv.DictReader(file) if row)
