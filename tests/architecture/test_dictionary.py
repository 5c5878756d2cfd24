"""The pages of the dictionary are fresh, complete, and lead somewhere."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from generate import ROOT
from generate.dictionary import write_dictionary
from generate.jsonschema import bodies
from xinqiao.explanation import code_lists, parts
from xinqiao.rules import metadata
from xinqiao.standard import message_types
from xinqiao.testing import vector

ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]+))?\)")
CELL = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"```.*?```", re.DOTALL)
NAMES = [kind.name for kind in message_types().values()]

Pages = dict[str, str]


def contents(folder: Path) -> Pages:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.md")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dictionary just written, with the files beside it that it links to."""
    root = tmp_path_factory.mktemp("project")
    (root / "schemas").symlink_to(ROOT / "schemas")
    written = root / "docs" / "dictionary"
    write_dictionary(written)
    return written


@pytest.fixture(scope="module")
def pages(folder: Path) -> Pages:
    return contents(folder)


def test_the_pages_are_fresh(pages: Pages) -> None:
    assert contents(ROOT / "docs" / "dictionary") == pages


def test_every_link_leads_to_a_file_and_an_anchor_that_are_there(folder: Path, pages: Pages) -> None:
    anchors = {folder / name: set(ANCHOR.findall(page)) for name, page in pages.items()}
    lost = []
    for name, page in pages.items():
        for path, anchor in LINK.findall(CODE.sub("", page)):
            target = ((folder / name).parent / path).resolve() if path else folder / name
            if not target.exists() or (anchor and anchor not in anchors.get(target, ())):
                lost.append(f"{name}: {path}#{anchor}")
    assert lost == []


def test_an_anchor_stands_once_on_its_page(pages: Pages) -> None:
    twice = {name: [each for each, n in Counter(ANCHOR.findall(page)).items() if n > 1] for name, page in pages.items()}
    assert {name: found for name, found in twice.items() if found} == {}


def test_every_field_has_one_row_in_the_whole_dictionary(pages: Pages) -> None:
    rows = [each for page in pages.values() for each in re.findall(r'^\| <a id="(\w+\.\w+)"></a>', page, re.MULTILINE)]
    fields = [f"{part.name}.{field}" for part in parts().values() for field in part.schema["properties"]]
    assert sorted(rows) == sorted(fields)


def test_every_row_of_a_table_has_the_cells_of_its_head(pages: Pages) -> None:
    for name, page in pages.items():
        width = None
        for line in CODE.sub("", page).splitlines():
            cells = len(CELL.findall(line)) if line.startswith("|") else None
            assert width is None or cells is None or cells == width, f"{name}: {line}"
            width = cells


def test_the_index_lists_every_message_type_in_the_order_of_their_numbers(pages: Pages) -> None:
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) .* \| (\d+) \|$", pages["README.md"], re.MULTILINE)
    expected = [(message_types()[body.json_name].name, body.number) for body in bodies()]
    assert [(name, int(number)) for name, _, number in listed] == expected
    assert all(name == page for name, page, _ in listed)


def test_every_rule_and_every_code_list_has_its_place(pages: Pages) -> None:
    assert ANCHOR.findall(pages["rules.md"]) == list(metadata())
    assert ANCHOR.findall(pages["codes.md"]) == list(code_lists())


@pytest.mark.parametrize("name", NAMES)
def test_a_message_page_draws_its_parts_and_shows_a_worked_example(pages: Pages, name: str) -> None:
    (drawing,) = re.findall(r"```mermaid\n(.*?)```", pages[f"{name}.md"], re.DOTALL)
    boxes = set(re.findall(r'^  (\w+)[(\[]+"', drawing, re.MULTILINE))
    arrows = re.findall(r'^  (\w+) -->\|"[^"]+"\| (\w+)$', drawing, re.MULTILINE)
    assert {end for arrow in arrows for end in arrow} == boxes
    assert {"Message", "Header", name} <= boxes

    (example,) = re.findall(r"```json\n(.*?)```", pages[f"{name}.md"], re.DOTALL)
    assert json.loads(example) == vector(next(body for body, kind in message_types().items() if kind.name == name))


def test_stale_pages_are_removed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for stale in ("CoffeeOrder.md", "parts/Coffee.md"):
        (tmp_path / stale).write_text("no longer")
    write_dictionary(tmp_path)
    assert not {"CoffeeOrder.md", "parts/Coffee.md"} & contents(tmp_path).keys()
