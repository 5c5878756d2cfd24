"""Equivalence: one recorded business through every docking package leads to the same canonical facts, byte by byte."""

from collections.abc import Iterator

import orjson
import pytest

from xinqiao_gateway.demo.business import recorded
from xinqiao_gateway.demo.equivalence import Run, facts_in, runs
from xinqiao_gateway.demo.packages import PACKAGES
from xinqiao_gateway.demo.stage import Stage

NAMES = [each.__name__ for each in PACKAGES]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("equivalence") / "site") as running:
        yield running


@pytest.fixture(scope="module")
def sent(stage: Stage) -> dict[tuple[str, str], Run]:
    return {(run.story, run.package.__name__): run for run in runs(stage)}


@pytest.mark.parametrize("package", NAMES)
@pytest.mark.parametrize("story", sorted(recorded()))
def test_equivalence_of_what_a_package_brings_and_what_was_recorded(
    stage: Stage, sent: dict[tuple[str, str], Run], story: str, package: str
) -> None:
    found = facts_in(stage.data, stage.partner, sent[story, package].case_id)
    header = {"sender": stage.partner.sender, "receiver": stage.partner.receiver}
    expected = [{"header": header, each.kind: each.body} for each in recorded()[story]]
    assert [orjson.loads(each) for each in found] == expected
    assert found == [orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in expected]


def test_equivalence_is_of_all_packages_and_of_both_stories() -> None:
    assert NAMES == ["Api", "Grpc", "Files", "Embedded", "App", "Assisted"]
    assert sorted(recorded()) == ["family_trust", "trading_day"]
