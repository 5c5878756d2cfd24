"""What a profile may say of a partner's format, one model for each kind.

A **document** (xml, json, form, labels) is one message, or several at ``records``. A **record file** (fixed, csv,
excel, ofd, and xml or json lines with ``records``) is read as a stream: its tree is
``{"File": {what stands outside the records}, "Record": [each record]}``, so that ``File/Creator`` is a value of the
whole file and, with ``records: Record``, ``./CustomerName`` one of the record.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "STRICT",
    "CanonicalSpec",
    "Column",
    "CsvSpec",
    "ExcelSpec",
    "FixedField",
    "FixedSpec",
    "FormSpec",
    "FormatSpec",
    "JsonSpec",
    "Label",
    "LabelsSpec",
    "OfdSpec",
    "TableSpec",
    "Totals",
    "XmlSpec",
]

# A part of a profile forbids names that it does not know, so that a misspelt key is an error and not a silence.
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)

Encoding = Literal["UTF-8", "GBK", "GB2312", "GB18030"]
Names = Annotated[list[str], Field(min_length=1)]


class _Part(BaseModel):
    model_config = STRICT


class _TextSpec(_Part):
    """A format of text. ``trim`` takes blanks around a text away; a text that is blank is nothing either way."""

    encoding: Encoding = "UTF-8"
    trim: bool = True


class Totals(_Part):
    """What an input says of its records: ``count`` is the path of their number, ``sums`` has a path for each column.

    A sum is compared only where every record could be summed: one that could not has a finding of its own.
    """

    count: str | None = None
    sums: dict[str, str] = {}


class _RecordsSpec(_TextSpec):
    totals: Totals = Totals()


class XmlSpec(_RecordsSpec):
    """``xsd`` is a path beside the profile, ``namespaces`` give prefixes to paths.

    ``siblings`` says that several elements stand side by side without one around them (a header beside its
    document); the path of each then starts with its own name, and ``root`` names the one that tells the interface.
    """

    kind: Literal["xml"]
    root: str | None = None
    xsd: str | None = None
    namespaces: dict[str, str] = {}
    siblings: bool = False


class JsonSpec(_RecordsSpec):
    """``root`` is a key that tells the document from others; ``lines`` says that each line is a record.

    What goes out are texts; with ``numbers`` amounts, counts and rates go out as numbers.
    """

    kind: Literal["json"]
    root: str | None = None
    lines: bool = False
    numbers: bool = False


class FormSpec(_TextSpec):
    """A form (``application/x-www-form-urlencoded``); ``root`` is a field that tells it from others."""

    kind: Literal["form"]
    root: str | None = None


class Label(_Part):
    """A value of a text, found by one of its ``labels`` (its name where none are given); the first one is written.

    ``required`` says that a text without it is refused.
    """

    labels: list[str] = []
    required: bool = False


class LabelsSpec(_TextSpec):
    """A text of people, such as the body of a mail, in which values stand after labels: ``单位净值：1.0234``.

    The width of a colon does not matter, nor do blanks in a label. What is no label, and follows none, says nothing.
    """

    kind: Literal["labels"]
    labels: Annotated[dict[str, Label], Field(min_length=1)]


class FixedField(_Part):
    """A field of a fixed width, in bytes of the file's encoding.

    Texts stand left and are filled with blanks; ``align: right`` with ``fill: "0"`` is for numbers. ``decimals`` are
    digits after a point that is not written.
    """

    name: str
    width: Annotated[int, Field(gt=0)]
    align: Literal["left", "right"] = "left"
    fill: Annotated[str, Field(min_length=1, max_length=1)] = " "
    decimals: Annotated[int, Field(ge=0)] | None = None


class FixedSpec(_RecordsSpec):
    """Lines of fields of fixed width: ``header`` and ``trailer`` are lists of lines, ``record`` is one line.

    A field whose name is in quotes (``'END'``) is a mark: the text must stand there.
    """

    kind: Literal["fixed"]
    header: list[list[FixedField]] = []
    record: Annotated[list[FixedField], Field(min_length=1)]
    trailer: list[list[FixedField]] = []
    ends: Literal["CRLF", "LF"] = "CRLF"


class Column(_Part):
    """A column, or a value outside the table, found by one of its ``labels`` (its name where none are given).

    The first label is the one that is written. A sub-label below a label of several columns is ``成本·金额``.
    ``optional`` says of a column that a header may lack it, ``required`` of a value that a file must have it, and of
    a column that people must fill it in. ``column`` says of a value outside that it stands in its label's row below
    that column, and not in the next cell. ``hint``, ``required`` and ``choices`` (the code table whose texts are
    offered; that of the mapping where none is named) are for people who fill in a template.
    """

    labels: list[str] = []
    optional: bool = False
    column: str | None = None
    hint: dict[Literal["zh", "en"], str] = {}
    required: bool = False
    choices: str | None = None


class TableSpec(_RecordsSpec):
    """A table, found by its labels and never by its cells.

    The header is the first row that has every column that is not optional; what stands before it are ``labels``
    (``报告日期：2026-01-31`` in one cell, or the value in the next). The table ends before the row whose first text
    is one of ``ends``; rows after it, and rows of that kind, give ``labels`` as well.
    """

    columns: Annotated[dict[str, Column], Field(min_length=1)]
    labels: dict[str, Column] = {}
    ends: list[str] = []


class CsvSpec(TableSpec):
    """Texts between ``delimiter``; ``header: false`` says that the columns stand in the order of ``columns``."""

    kind: Literal["csv"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    header: bool = True
    line: Literal["CRLF", "LF"] = "CRLF"


class ExcelSpec(TableSpec):
    """A sheet by its name; the first one where none is named."""

    kind: Literal["excel"]
    sheet: str | None = None


class OfdSpec(_RecordsSpec):
    """A data file of JR/T 0017 (开放式基金业务数据交换协议): ``file`` is its type, ``version`` what is written.

    What is read follows the file's own header. ``fields`` are those written, in order; all of the dictionary's
    where none are given.
    """

    kind: Literal["ofd"]
    encoding: Encoding = "GB18030"
    file: Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")]
    version: Literal["20", "21", "22"] = "21"
    fields: list[str] = []


class CanonicalSpec(_Part):
    """The standard itself."""

    kind: Literal["canonical"]


FormatSpec = Annotated[
    XmlSpec | JsonSpec | FormSpec | LabelsSpec | FixedSpec | CsvSpec | ExcelSpec | OfdSpec | CanonicalSpec,
    Field(discriminator="kind"),
]
