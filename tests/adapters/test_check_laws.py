"""The laws of every shipped mapping on a thousand generated messages, in ``make test-deep``.

Everyday work has twenty of each interface, in the check of each channel.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.adapters.conftest import HEAD, NAV, Load
from tests.adapters.test_check import changed
from xinqiao.errors import ContentRefused
from xinqiao_adapters.channel import load_channel, shipped_channels
from xinqiao_adapters.check.generated import GeneratedLaws
from xinqiao_adapters.check.proof import proof_of
from xinqiao_adapters.check.samples import Readers
from xinqiao_adapters.mapping.compiled import Mapping
from xinqiao_adapters.mapping.converters import Scalar, Unfit
from xinqiao_adapters.mapping.plan import Leaf

MESSAGES = 1000


@pytest.mark.parametrize("channel_id", shipped_channels())
def test_what_goes_out_comes_back_and_what_does_not_fit_is_refused_by_name(channel_id: str, stride: int) -> None:
    if stride > 1:
        pytest.skip("make test-deep")
    proof = proof_of(load_channel(channel_id, []))
    problems = [
        f"{name}: {problem}"
        for name, interface in proof.channel.compiled.items()
        for problem in proof.generated_laws(interface).problems(MESSAGES)
    ]
    assert not problems, "\n".join(problems)


def with_writer(load: Load, write: Callable[[Scalar], str]) -> GeneratedLaws:
    """Return the laws of the small bank with another way to write the unit value."""
    interface = load(HEAD + NAV).compiled["nav"]
    plan = interface.mapping.plan
    rows = tuple(
        replace(row, converter=replace(row.converter, write=write)) if isinstance(row, Leaf) and is_unit(row) else row
        for row in plan.rows
    )
    mapping = Mapping("altered", replace(plan, rows=rows, inner=rows), interface.mapping.access)
    other = replace(interface, mapping=mapping)
    return GeneratedLaws(other, Readers({"nav": other}), (), frozenset())


def is_unit(leaf: Leaf) -> bool:
    return bool(leaf.target) and (leaf.target or ())[-1][0] == "unitNav"


def test_a_mapping_that_rounds_is_caught(load: Load) -> None:
    problems = list(with_writer(load, lambda value: f"{Decimal(str(value)):.1f}").problems(20))
    assert problems
    assert all("reading what was written differs at navReport.unitNav" in each for each in problems)


def test_a_mapping_that_writes_what_it_does_not_read_is_caught(load: Load) -> None:
    problems = list(with_writer(load, lambda value: f"{value}元").problems(20))
    assert problems
    assert all("what was written is refused: Body/Nav" in each for each in problems)


def test_what_is_refused_by_a_finding_breaks_no_law(load: Load) -> None:
    def refuse(_: Scalar) -> str:
        raise Unfit

    laws = with_writer(load, refuse)
    assert list(laws.problems(20)) == []
    assert laws.proved.generated == 20
    assert laws.proved.held == laws.proved.reduced > 0


def test_a_full_width_text_is_refused_where_it_would_be_read_as_another(load: Load) -> None:
    interface = load(HEAD + NAV.replace("{from: Body/Prod}", "{from: Body/Prod, halfwidth: true}")).compiled["nav"]
    with pytest.raises(ContentRefused) as caught:
        interface.encode(changed(instrument={"code": "Ｐ１"}))
    assert [(each.rule, each.path) for each in caught.value.findings] == [("mapping.text", "navReport.instrument.code")]


def test_a_message_that_could_not_be_told_from_others_is_not_written(load: Load) -> None:
    profile = HEAD + NAV.replace("    key:", "    match: {Body/Prod: [P1, P2]}\n    key:")
    interface = load(profile).compiled["nav"]
    with pytest.raises(ContentRefused) as caught:
        interface.encode(changed(instrument={"code": "P3"}))
    assert [(each.rule, each.partner_path, each.value, each.expected) for each in caught.value.findings] == [
        ("mapping.match", "Body/Prod", "P3", "P1、P2")
    ]
