"""What a person reads in an HTML body, as lines; the cells of a table stand between tabs.

Only the words are taken: no style, no script, no address is followed.
"""

from lxml import etree

from xinqiao.errors import ContentRefused

__all__ = ["largest_table", "text_of"]

_MUTE = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg"})
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead",
        "tr", "ul",
    }
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_WIDEST = 50


def text_of(html: str) -> str:
    """Return all that is to be read. Raises ``ContentRefused`` for what is no HTML."""
    return _lines(_root(html))


def largest_table(html: str) -> str:
    """Return the rows of the table that has the most of them, of those that hold no other table.

    Raises ``ContentRefused`` where there is none.
    """
    tables = [each for each in _root(html).iter("table") if next(each.iterdescendants("table"), None) is None]
    if not tables:
        raise ContentRefused("the body holds no table")
    return _lines(max(tables, key=lambda each: sum(1 for _ in each.iter("tr"))))


def _root(html: str) -> etree._Element:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.LxmlError as error:
        raise ContentRefused("the body is no HTML") from error
    if root is None:
        raise ContentRefused("the body is empty")
    return root


def _lines(root: etree._Element) -> str:
    page = _Page()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag
        if event == "start":
            page.begin(name, element.get("colspan"), element.get("rowspan"))
            page.say(element.text)
        else:
            page.end(name)
            if element is not root:
                page.say(element.tail)
    return page.text()


class _Page:
    """The lines as they come to be: the cells of the one that is open, and the words of the last of them."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._cells: list[str] = []
        self._words: list[str] = []
        # A wide cell stands in its first column; as many blank ones follow.
        self._blanks = 0
        self._is_row = False
        self._mute = self._pre = 0
        # For each table that is open: whether a cell of it is.
        self._tables: list[bool] = []

    def begin(self, name: str, columns: str | None, rows: str | None) -> None:
        """Take the start of an element."""
        self._mute += name in _MUTE
        self._pre += name == "pre"
        if name in _CELLS:
            self._begin_cell(columns, rows)
        elif name in ("table", "tr"):
            self._break()
            if name == "table":
                self._tables.append(False)
        elif name in _BLOCKS:
            self._part()

    def end(self, name: str) -> None:
        """Take the end of an element."""
        self._mute -= name in _MUTE
        self._pre -= name == "pre"
        if name in _CELLS and self._tables:
            self._tables[-1] = False
        elif name in ("table", "tr"):
            self._break()
            if name == "table":
                self._tables.pop()
        elif name in _BLOCKS:
            self._part()

    def say(self, words: str | None) -> None:
        """Take words; those that were laid out in lines keep them."""
        if not words or self._mute:
            return
        first, *others = words.splitlines() if self._pre else [words]
        self._words.append(first)
        for each in others:
            self._part()
            self._words.append(each)

    def text(self) -> str:
        """Return the lines; a blank one is left out."""
        self._break()
        return "".join(f"{line}\n" for line in self._lines)

    def _begin_cell(self, columns: str | None, rows: str | None) -> None:
        if (rows or "1").strip() not in ("0", "1"):
            raise ContentRefused("a cell of the body's table spans several rows: which row it is of would be a guess")
        if self._is_row:
            self._end_cell()
        self._is_row = True
        if self._tables:
            self._tables[-1] = True
        width = int(columns) if columns and columns.isascii() and columns.isdigit() and len(columns) < 4 else 1
        self._blanks = min(max(width, 1), _WIDEST) - 1

    def _end_cell(self) -> None:
        self._cells += [" ".join("".join(self._words).split()), *[""] * self._blanks]
        self._words.clear()
        self._blanks = 0

    def _part(self) -> None:
        """Part what stands before from what follows: within a cell by a blank, else by a line."""
        if self._tables and self._tables[-1]:
            self._words.append(" ")
        else:
            self._break()

    def _break(self) -> None:
        self._end_cell()
        if any(self._cells):
            self._lines.append("\t".join(self._cells))
        self._cells.clear()
        self._is_row = False
