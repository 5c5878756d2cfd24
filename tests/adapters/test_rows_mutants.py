"""Breaking any single row or code of a shipped channel makes its check fail.

Everyday runs judge every seventh mutant, ``make test-deep`` all of them.
"""

import pytest

from tests.adapters.row_mutants import Subject, survivors
from xinqiao_adapters.channel import shipped_channels

# Mutants that mean the same as the profile, and why: ``channel: mutant`` → reason. Keep it near empty.
EQUIVALENT: dict[str, str] = {}


@pytest.mark.parametrize("channel_id", shipped_channels())
def test_a_channel_with_any_one_row_or_code_broken_fails_its_check(
    channel_id: str, stride: int, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = Subject(channel_id)
    mutants = [each for each in subject.mutants() if f"{channel_id}: {each.name}" not in EQUIVALENT][::stride]
    alive = survivors(subject, mutants)
    with capsys.disabled():
        print(f"\n{channel_id}: {len(mutants) - len(alive)} of {len(mutants)} broken rows and codes are noticed")
    assert not alive, "\n".join(["not noticed:", *alive])


@pytest.mark.parametrize("channel_id", shipped_channels())
def test_a_channel_as_it_is_shows_nothing_to_notice(channel_id: str) -> None:
    subject = Subject(channel_id)
    assert [each for one in subject.channel.compiled.values() for each in subject.proof.interface_problems(one)] == []
    assert list(subject.proof.case_problems()) == []


@pytest.mark.parametrize("channel_id", shipped_channels())
def test_every_equivalent_mutant_is_still_one_and_has_a_reason(channel_id: str) -> None:
    names = {f"{channel_id}: {each.name}" for each in Subject(channel_id).mutants()}
    of_channel = {name for name in EQUIVALENT if name.startswith(f"{channel_id}: ")}
    assert of_channel <= names
    assert all(EQUIVALENT[name] for name in of_channel)
