"""``docs/dictionary``: the standard for people who read it, in Chinese and English, with a page a message type.

Written from the generated schemas, the rules, the code lists and the vectors: run it after ``write_schemas``. A part
that several message types hold has a page of its own; another stands on the page of its message type.
"""

from collections.abc import Iterator
from pathlib import Path

from generate.dictionary.body import bodies
from generate.dictionary.codes import codes_page
from generate.dictionary.index import index_page
from generate.dictionary.page import message_page, part_page
from generate.dictionary.place import is_shared
from generate.dictionary.rules import rules_page
from xinqiao.explanation import parts

__all__ = ["write_dictionary"]


def write_dictionary(folder: Path) -> None:
    """Write every page; remove what is stale."""
    fresh = dict(_pages())
    for stale in set(folder.rglob("*.md")) - {folder / name for name in fresh}:
        stale.unlink()
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    for name, lines in fresh.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pages() -> Iterator[tuple[str, list[str]]]:
    yield "README.md", index_page()
    yield "rules.md", rules_page()
    yield "codes.md", codes_page()
    for body in bodies():
        yield f"{body.kind.name}.md", message_page(body)
    for part in parts().values():
        if is_shared(part):
            yield f"parts/{part.name}.md", part_page(part)
