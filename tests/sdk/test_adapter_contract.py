"""The contract of the adapter port passes an adapter that keeps it, and fails each one that breaks it."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from xinqiao.adapter import Reply
from xinqiao.testing.adapter_contract import AdapterContract
from xinqiao.testing.file_adapter_contract import FileAdapterContract
from xinqiao.testing.samples import Sample, samples_in

ROOT = Path(__file__).parents[2]
ADAPTERS = Path(__file__).with_name("contract_adapters.py")

# What each adapter breaks, by its laws; most breaches show in several places.
BROKEN = {
    "TestOneMessage": {"there_are_samples_of_two_messages"},
    "TestSwapsFields": {
        "an_input_becomes_its_messages",
        "what_goes_out_comes_back",
        "what_the_format_cannot_hold_is_refused",
    },
    "TestKeepsState": {
        "decoding_is_pure",
        "a_cut_input_is_rejected",
        "what_is_not_the_partners_is_rejected",
        "what_the_format_cannot_hold_is_refused",
    },
    "TestSharesItsHeader": {"decoding_is_pure", "an_input_becomes_its_messages"},
    "TestInventsAField": {
        "decoded_messages_are_valid",
        "an_input_becomes_its_messages",
        "no_call_does_io",
        "what_goes_out_comes_back",
        "what_the_format_cannot_hold_is_refused",
    },
    "TestHasOneKeyForAll": {"keys_tell_messages_apart"},
    "TestHasNoKey": {"keys_tell_messages_apart"},
    "TestKnowsNoPlace": {"places_are_the_partners"},
    "TestGivesOurPlaces": {"places_are_the_partners"},
    "TestStumblesOverAPlace": {"places_are_the_partners"},
    "TestReplacesBytes": {"what_is_not_the_partners_is_rejected"},
    "TestTakesNothingForAnInput": {"what_is_not_the_partners_is_rejected", "a_cut_input_is_rejected"},
    "TestMissesTheEnd": {"a_cut_input_is_rejected", "what_is_not_the_partners_is_rejected"},
    "TestRaisesWhatPythonRaises": {
        "an_altered_input_raises_nothing_else",
        "what_is_not_the_partners_is_rejected",
    },
    "TestRefusesWithoutAFinding": {
        "a_cut_input_is_rejected",
        "an_altered_input_raises_nothing_else",
        "what_is_not_the_partners_is_rejected",
    },
    "TestLosesAField": {"what_goes_out_comes_back", "what_the_format_cannot_hold_is_refused"},
    "TestChangesTheMessage": {"encoding_is_pure"},
    "TestCountsWhatItEncodes": {"encoding_is_pure"},
    "TestCutsWhatIsTooLong": {"what_the_format_cannot_hold_is_refused"},
    "TestWritesQuestionMarks": {"what_the_format_cannot_hold_is_refused"},
    "TestRefusesInGeneral": {"what_the_format_cannot_hold_is_refused"},
    "TestShowsWhatItRefuses": {"findings_show_no_personal_data"},
    "TestSendsWhatNoInterfaceTakes": {"a_message_of_no_interface_is_refused"},
    "TestAnswersYesToAll": {"answers_tell_yes_from_no"},
    "TestReadsAnyReplyAsYes": {"replies_are_read"},
    "TestOpensAFile": {"no_call_does_io"},
    "TestTriesTheNetworkAndSaysNothing": {"no_call_does_io"},
    "TestReadsFilesOtherwise": {"a_file_reads_as_its_bytes"},
    "TestReadsAFileWhole": {"memory_does_not_grow_with_the_file", "the_position_says_how_far_the_reading_is"},
    "TestOpensAnotherFile": {"a_file_is_read_without_other_io"},
}
KEPT = ["TestLines", "TestSendsOnly", "TestHoldsLess", "TestHasNoEnd"]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Run the contract on every adapter, as its author would; return the laws that each class breaks."""
    results = tmp_path_factory.mktemp("contract") / "results.xml"
    command = [sys.executable, "-m", "pytest", str(ADAPTERS), f"--junitxml={results}", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(results).iter("testcase"):  # noqa: S314 -- what pytest wrote just now
        laws = found[case.attrib["classname"].rpartition(".")[2]]
        if case.find("failure") is not None:
            laws.add(case.attrib["name"].partition("[")[0].removeprefix("test_"))
    return found


@pytest.mark.parametrize("name", KEPT)
def test_an_adapter_that_keeps_the_laws_passes(verdicts: dict[str, set[str]], name: str) -> None:
    assert verdicts[name] == set()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_adapter_fails_by_what_it_breaks(verdicts: dict[str, set[str]], name: str) -> None:
    assert verdicts[name] == BROKEN[name]


def test_every_law_has_an_adapter_that_breaks_it() -> None:
    laws = {name.removeprefix("test_") for name in dir(FileAdapterContract) if name.startswith("test_")}
    assert set().union(*BROKEN.values()) == laws


def test_no_adapter_is_left_out(verdicts: dict[str, set[str]]) -> None:
    assert sorted(verdicts) == sorted([*KEPT, *BROKEN])


def test_a_contract_without_an_adapter_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="returns the adapter under test"):
        AdapterContract().adapter()
    with pytest.raises(NotImplementedError, match="returns the adapter under test"):
        FileAdapterContract().adapter()
    with pytest.raises(NotImplementedError, match="so many records"):
        FileAdapterContract().write_file(sys.stdin.buffer, 1)


def test_samples_are_files_with_their_messages_beside_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"A")
    (tmp_path / "a.json").write_text('{"header": {}}', encoding="utf-8")
    (tmp_path / "b.json").write_bytes(b"[1]")
    (tmp_path / "b.expected.json").write_text('[{"header": {}}, {"header": {"test": true}}]', encoding="utf-8")
    assert samples_in(tmp_path, "text/plain", "in") == (
        Sample("a.txt", b"A", "text/plain", ({"header": {}},), "in"),
        Sample("b.json", b"[1]", "text/plain", ({"header": {}}, {"header": {"test": True}}), "in"),
    )


def test_a_sample_without_its_message_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"A")
    with pytest.raises(FileNotFoundError, match=r"a\.json"):
        samples_in(tmp_path, "text/plain")


def test_the_plugin_brings_neither_pytest_nor_the_standard_along() -> None:
    code = "import sys, xinqiao.pytest_plugin; print({'pytest', 'orjson', 'xinqiao.message'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_a_reply_does_not_take_a_text_for_missing() -> None:
    by_position: Callable[..., Reply] = Reply
    with pytest.raises(TypeError):
        by_position(False, "2002", "王小明的证件有误")
