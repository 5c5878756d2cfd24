"""The kits of file partners: the reference passes them, each mutant fails the requirement that it breaks."""

import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.passing import failed_on
from xinqiao_conformance.benches.files import Sent, files_bench
from xinqiao_conformance.benches.inbox import Inbox, Step
from xinqiao_conformance.benches.taking import Laid
from xinqiao_conformance.benches.web import Response
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit, kits
from xinqiao_conformance.mutants import files as by_hand
from xinqiao_conformance.mutants import files_mechanical as mechanical
from xinqiao_conformance.mutants import files_outcomes as outcomes
from xinqiao_conformance.mutants.mutant import Mutant, failing
from xinqiao_conformance.mutants.on_bench import on_bench
from xinqiao_conformance.mutants.partners_of_files import partner_declared, reference_partner
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.references.files import Known, ReferencePartner, partner_at
from xinqiao_conformance.requirements import requirements
from xinqiao_conformance.running import planned

_KITS = [each for each in kits() if each.role == "file-partner"]
_TRADING = next(each for each in _KITS if each.business == "trading-day")
# Cases of results wait for late ones: they are run in one kit, the others in every one.
_WAITING = frozenset({"FIL-006", "FIL-007", "TRN-005"})


def _failed(kit: Kit, *, waits: bool) -> list[str]:
    runs = [each for each in planned(partner_declared(kit), kit) if waits or each.case.requirement.id not in _WAITING]
    with reference_partner(kit) as bench:
        return failed_on(bench, runs)


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_the_reference_passes_every_case(kit: Kit) -> None:
    assert _failed(kit, waits=kit == _TRADING) == []


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_at_least_three_cases_in_five_are_negative(kit: Kit) -> None:
    runs = planned(partner_declared(kit), kit)
    assert sum(each.case.negative for each in runs) >= 0.6 * len(runs)


def _one_for_each_requirement(mutants: tuple[Mutant, ...]) -> list[Mutant]:
    return list({each.breaks: each for each in mutants}.values())


_BY_HAND = (*by_hand.MUTANTS, *outcomes.MUTANTS)
# All of them are the matter of ``make mutants``.
_CHOSEN = [*_BY_HAND, *_one_for_each_requirement(mechanical.MUTANTS)]


@pytest.mark.parametrize("mutant", _CHOSEN, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    assert failing(mutant, {mutant.breaks}) == {mutant.breaks}


@pytest.mark.parametrize("mutant", _one_for_each_requirement(_BY_HAND)[::2], ids=lambda mutant: mutant.name)
def test_a_mutant_fails_no_other_requirement(mutant: Mutant) -> None:
    others = {each.id for each in requirements()} - _WAITING - {mutant.breaks} - mutant.also
    assert failing(mutant, others) == frozenset()


def test_each_requirement_of_files_alone_has_a_mutant() -> None:
    asked = {run.case.requirement.id for run in planned(partner_declared(_TRADING), _TRADING) if _is_of_files(run.id)}
    assert asked - {each.breaks for each in (*_BY_HAND, *mechanical.MUTANTS)} == set()


def _is_of_files(case: str) -> bool:
    """Say whether a case is none of the passive checks, which senders of messages have mutants for."""
    return not case.startswith("file-partner.recorded.")


def test_what_is_kept_of_a_batch_is_masked(tmp_path: Path) -> None:
    declaration = partner_declared(_TRADING)
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence, reference_partner(_TRADING) as bench:
        names = [each.batch.name for each in bench.several]
        told = [message["header"]["caseId"] for each in bench.several for message in bench.messages(each.batch)]
        evidence.add(bench.recording)
    kept = (tmp_path / "evidence.jsonl").read_text(encoding="utf-8")
    assert len(kept.splitlines()) == 1 + len(names) + len(told)
    assert not re.search("王|8619910001", kept)


def test_a_partner_of_another_format_is_judged_by_its_manifest() -> None:
    declared = partner_declared(_TRADING)
    plain = {each.id for each in planned(replace(declared, supports=frozenset()), _TRADING)}
    assert plain < {each.id for each in planned(declared, _TRADING)}
    assert "file-partner.manifests.the_manifest_names_the_file_with_its_size_and_digest" in plain
    # Of what nobody reads nothing is said; of the manifest, a message itself, all that it shows.
    assert not {f"file-partner.recorded.messages_in_files_meet_{each}" for each in ("msg_014", "prv_005")} & plain
    assert {f"file-partner.recorded.messages_in_files_meet_{each}" for each in ("msg_002", "sec_002")} <= plain


def test_what_a_partner_says_in_words_of_its_own_and_its_numbers_are_masked() -> None:
    laid = Laid("13800001111.csv", b"", b'{"header":{},"batchManifest":{"batchNo":"13800001111"}}', True, (), {})
    sent = Sent({"asked": "POST /do/batch"}, 200, {"outcome": "failed: 王小明 13800001111"}, (laid,))
    with pytest.raises(Breach) as breach:
        sent.require(False, "accepted", "accepted")
    assert not re.search("王小明|13800001111", str(breach.value))


class _NeverSaysWhatBecameOfIt(ReferencePartner):
    def sent(self, batch: Known) -> Response:
        self.lay(batch)
        time.sleep(1.0)
        return super().sent(batch)


def test_a_partner_that_does_not_say_in_time_what_became_of_a_batch_is_told_so() -> None:
    declaration = replace(partner_declared(_TRADING), patience=0.5)
    start = partial(partner_at, kind=_NeverSaysWhatBecameOfIt, types=_TRADING.types)
    with (
        on_bench(declaration, files_bench, start) as bench,
        pytest.raises(Breach, match="what became of it within") as breach,
    ):
        bench.lay()
    assert breach.value.fix is not None
    assert "a larger patience" in breach.value.fix.en


def test_steps_in_a_folder_are_seen_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with Inbox(tmp_path / "in") as inbox:
        part = tmp_path / "in" / "a.part"
        part.write_bytes(b"1")
        part.rename(tmp_path / "in" / "a")
        (tmp_path / "elsewhere").write_bytes(b"2")
        (tmp_path / "elsewhere").rename(tmp_path / "in" / "b")
        (tmp_path / "in" / "b").unlink()
        steps = list(inbox.steps())
    assert steps == [
        Step("created", "a.part"),
        Step("written", "a.part"),
        Step("left", "a.part"),
        Step("renamed", "a", "a.part"),
        Step("renamed", "b"),
        Step("left", "b"),
    ]
