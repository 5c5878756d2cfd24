"""The pages about the processes say what the files say, and their pictures are drawn from them."""

import shutil
from pathlib import Path

import pytest

from generate import ROOT
from generate.processes import write_processes
from xinqiao_gateway.processes import processes
from xinqiao_gateway.processes.diagram import diagram

PAGES = ["processes.md", "processes.zh-CN.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_fresh(page: str, tmp_path: Path) -> None:
    for each in PAGES:
        shutil.copy(ROOT / "docs" / each, tmp_path / each)
    write_processes(tmp_path)
    assert (tmp_path / page).read_text(encoding="utf-8") == (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_every_process(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [name for name in processes() if f'<a id="{name}"></a>' not in text] == []


def test_a_diagram_names_states_and_draws_the_arrows_between_them() -> None:
    assert diagram(processes()["disclosure"].items["disclosure"], "zh") == "\n".join(
        [
            "stateDiagram-v2",
            '  state "已披露，待回执" as published',
            '  state "已回执" as received',
            '  state "未能送达" as undeliverable',
            "  [*] --> published : disclosureNotice",
            "  published --> undeliverable : disclosureReceipt UNDELIVERABLE",
            "  published --> received : disclosureReceipt",
            "  undeliverable --> received : disclosureReceipt",
        ]
    )
