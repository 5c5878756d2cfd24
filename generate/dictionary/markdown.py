"""Text as GitHub's Markdown writes it: headings, links' anchors, cells of tables."""

import re

from xinqiao.finding import Text

GENERATED = "<!-- Generated from schemas by make generate. Do not edit. -->"
_LONGEST_WORD = 32


def heading(anchor: str, title: str, level: int = 2) -> list[str]:
    """Return a heading with an anchor of its own, for GitHub's is made from the title."""
    return ["", f'<a id="{anchor}"></a>', "", f"{'#' * level} {title}", ""]


def both(text: Text) -> str:
    """Return a text in both languages, once where they are the same."""
    return " / ".join(dict.fromkeys(text))


def columns(text: Text) -> str:
    """Return a text as two cells."""
    return f"{escape(text.zh)} | {escape(text.en)}"


def cell(*lines: str, escaped: bool = False) -> str:
    """Return lines as one cell of a table."""
    return "<br>".join(line if escaped else escape(line) for line in dict.fromkeys(lines) if line)


def escape(text: str) -> str:
    """Return text that means itself in a cell of a table."""
    text = re.sub(r"([\\`*_\[\]~|])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def code(text: str) -> str:
    """Return text as code in a cell of a table; GitHub takes ``\\|`` there too. What is long may be broken."""
    if len(text) <= _LONGEST_WORD:
        return f"`{text.replace('|', chr(92) + '|')}`"
    pieces = (text[start : start + _LONGEST_WORD] for start in range(0, len(text), _LONGEST_WORD))
    return f"<code>{'<wbr>'.join(map(escape, pieces))}</code>"
