"""Done marks: which files of a listing are finished, by each way that partners tell it."""

from collections.abc import Sequence
from typing import Any

import pytest

from xinqiao_adapters.docking.files import Files
from xinqiao_adapters.formats.ofd.index import Index, write_index
from xinqiao_gateway.fronts.sftp.folder import Entry, Kind
from xinqiao_gateway.fronts.sftp.marks import Look, Sightings, look


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def entries(*names: str, size: int = 10, kind: Kind = "file") -> list[Entry]:
    return [Entry(name, size, 5, kind) for name in sorted(names)]


def section(**said: Any) -> Files:
    return Files.model_validate({"manifest": "none", "seal": "none"} | said)


def looked(files: Files, listing: Sequence[Entry], contents: dict[str, bytes] | None = None) -> Look:
    return look(files, listing, Sightings(Clock()), (contents or {}).__getitem__)


def finished(found: Look) -> list[tuple[list[str], list[str]]]:
    return [([e.name for e in each.files], [e.name for e in each.companions]) for each in found.finished]


def reasons(found: Look) -> dict[str, str]:
    return {each.entry.name: each.why for each in (*found.unfinished, *found.refused)}


def index(*names: str) -> bytes:
    return write_index(Index("21", "103", "52", "20260120", names))


def test_a_marker_beside_a_file_tells_it_finished() -> None:
    found = looked(section(done={"marker": ".ok"}), entries("a.csv", "a.csv.ok", "b.csv"))
    assert finished(found) == [(["a.csv"], ["a.csv.ok"])]
    assert reasons(found) == {"b.csv": "its marker b.csv.ok is not there"}


def test_a_marker_may_take_the_place_of_the_ending() -> None:
    files = section(done={"marker": ".ok", "replaces": True})
    found = looked(files, entries("a.csv", "a.ok", "plain", "plain.ok", "b.csv", "b.csv.ok"))
    assert finished(found) == [(["a.csv"], ["a.ok"]), (["plain"], ["plain.ok"])]


def test_files_that_share_a_marker_are_finished_together() -> None:
    found = looked(section(done={"marker": ".ok", "replaces": True}), entries("a.csv", "a.txt", "a.ok"))
    assert finished(found) == [(["a.csv", "a.txt"], ["a.ok"])]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"inbox": "a//b"}, "is no folder here"),
        ({"archive": "./bak"}, "is no folder here"),
        ({"error": "../bak"}, "is no folder here"),
        ({"result": "result"}, "with {name} in it, once"),
        ({"result": "{name}-{name}"}, "with {name} in it, once"),
        ({"result": "out/{name}"}, "with {name} in it, once"),
        ({"result": "{name}\n"}, "with {name} in it, once"),
        ({"result": " {name}.result"}, "at most 24 bytes"),
        ({"result": "{name}." + "果" * 8}, "at most 24 bytes"),
    ],
)
def test_a_section_that_no_file_could_be_put_away_by_is_refused(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        section(**said)


def test_a_marker_without_its_file_is_nothing() -> None:
    assert looked(section(), entries("a.csv.ok")) == Look((), (), ())


def test_a_file_with_its_final_name_is_finished_and_one_with_a_temporary_name_is_not_looked_at() -> None:
    files = section(done={"temporary": ["*.tmp", "~*"]})
    found = looked(files, entries("b.csv", "a.csv", "a.csv.tmp", "~c.csv", ".hidden"))
    assert finished(found) == [(["a.csv"], []), (["b.csv"], [])]
    assert reasons(found) == {}


def test_a_file_is_stable_when_it_was_the_same_for_long_enough_by_our_clock() -> None:
    clock, files = Clock(), section(done={"stable": 10})
    sightings = Sightings(clock)

    def at(seconds: float, listing: Sequence[Entry]) -> Look:
        clock.now = 1000.0 + seconds
        return look(files, listing, sightings, lambda _: b"")

    growing = [Entry("b", 10 + moment, 5) for moment in (0, 1, 2)]
    assert finished(at(0, [Entry("a", 10, 5), growing[0]])) == []
    assert reasons(at(9, [Entry("a", 10, 5), growing[1]])) == {
        "a": "it has not been the same for 10 seconds",
        "b": "it has not been the same for 10 seconds",
    }
    assert finished(at(10, [Entry("a", 10, 5), growing[2]])) == [(["a"], [])]
    assert finished(at(20, [Entry("a", 10, 6), growing[2]])) == [(["b"], [])]  # a was touched
    assert finished(at(25, [])) == []
    assert finished(at(30, [Entry("a", 10, 6)])) == []  # it went and came again


@pytest.mark.parametrize("modified", [0, 5, 99_999_999_999])
def test_what_the_servers_clock_says_makes_no_file_old(modified: int) -> None:
    found = looked(section(done={"stable": 10}), [Entry("a", 10, modified)])
    assert finished(found) == []


def test_an_index_tells_all_files_that_it_lists_finished_together_in_its_order() -> None:
    files = section(done={"index": "OFI_*.TXT"})
    contents = {"OFI_1.TXT": index("OFD_b.TXT", "OFD_a.TXT")}
    found = looked(files, entries("OFI_1.TXT", "OFD_a.TXT", "OFD_b.TXT", "OFD_c.TXT"), contents)
    assert finished(found) == [(["OFD_b.TXT", "OFD_a.TXT"], ["OFI_1.TXT"])]
    assert reasons(found) == {"OFD_c.TXT": "no index lists it"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (index("OFD_a.TXT", "OFD_gone.TXT"), "it lists 1 files that are not there: 'OFD_gone.TXT'"),
        (index("OFD_a.TXT", "../../etc/passwd"), "it lists 1 files that are not there: '../../etc/passwd'"),
        (index("OFD_a.TXT")[:-20], "the index cannot be read"),
        (b"", "the index cannot be read"),
        (b"hello\r\nOFDCFEND\r\n", "the index cannot be read"),
    ],
)
def test_an_index_that_is_not_whole_tells_nothing_finished(content: bytes, said: str) -> None:
    files = section(done={"index": "OFI_*.TXT"})
    found = looked(files, entries("OFI_1.TXT", "OFD_a.TXT"), {"OFI_1.TXT": content})
    assert finished(found) == []
    assert reasons(found)["OFI_1.TXT"].startswith(said)


def test_a_file_waits_for_the_manifest_that_is_required() -> None:
    files = section(manifest="required")
    found = looked(files, entries("a", "a.ok", "a.manifest", "b", "b.ok"))
    assert finished(found) == [(["a"], ["a.ok", "a.manifest"])]
    assert reasons(found) == {"b": "its manifest b.manifest is not there"}


def test_a_manifest_that_is_optional_goes_with_its_file_where_it_is_there() -> None:
    files = section(manifest={"presence": "optional", "suffix": ".mf"})
    found = looked(files, entries("a", "a.ok", "a.mf", "b", "b.ok"))
    assert finished(found) == [(["a"], ["a.ok", "a.mf"]), (["b"], ["b.ok"])]
    assert found.finished[0].manifests["a"].name == "a.mf"


def test_where_stability_tells_the_manifest_is_stable_too() -> None:
    clock, files = Clock(), section(manifest="optional", done={"stable": 10})
    sightings = Sightings(clock)
    look(files, entries("a"), sightings, lambda _: b"")
    clock.now += 10
    found = look(files, entries("a", "a.manifest"), sightings, lambda _: b"")
    assert (finished(found), reasons(found)) == ([], {"a": "its manifest is not stable yet"})
    clock.now += 10
    assert finished(look(files, entries("a", "a.manifest"), sightings, lambda _: b"")) == [(["a"], ["a.manifest"])]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry("link", 1, 1, "link"), "it is a link"),
        (Entry("pipe", 1, 1, "other"), "it is no regular file"),
        (Entry("../up", 1, 1), "it leads to another folder"),
        (Entry("a/b", 1, 1), "it leads to another folder"),
        (Entry("a\x1b[2Jb", 1, 1), "it holds characters that are not for print, or is not UTF-8"),
        (Entry("\udcb2\udce2", 1, 1), "it holds characters that are not for print, or is not UTF-8"),
        (Entry("长" * 67, 1, 1), "it is longer than 200 bytes"),
        (Entry("big", 101, 1), "it has 101 bytes, and files.largest is 100"),
    ],
)
def test_what_must_not_be_taken_is_refused_with_its_reason_and_keeps_nothing_else_waiting(
    entry: Entry, said: str
) -> None:
    files = section(done={"temporary": "*.tmp"}, largest=100)
    found = looked(files, [entry, *entries("good")])
    assert finished(found) == [(["good"], [])]
    assert reasons(found) == {entry.name: said}


def test_names_that_differ_in_case_or_form_alone_are_all_refused() -> None:
    names = ["A.csv", "a.csv", "é", "e\u0301", "b.csv"]
    found = looked(section(done={"temporary": "*.tmp"}), entries(*names))
    assert finished(found) == [(["b.csv"], [])]
    assert set(reasons(found)) == set(names) - {"b.csv"}
    assert set(reasons(found).values()) == {"another name differs from it in case or form of characters alone"}


def test_a_link_as_marker_tells_nothing() -> None:
    found = looked(section(), [*entries("a"), *entries("a.ok", kind="link")])
    assert finished(found) == []


def test_a_name_that_fits_no_pattern_is_said_and_folders_are_not() -> None:
    files = section(names={"orders": "ORD_*", "navs": ["NAV_*", "JZ_*"]}, done={"temporary": "*.tmp"})
    found = looked(files, [*entries("ORD_1", "JZ_1", "other"), *entries("archive", kind="folder")])
    assert finished(found) == [(["JZ_1"], []), (["ORD_1"], [])]
    assert reasons(found) == {"other": "its name fits no pattern of files.names"}
    assert [files.interface_of(name) for name in ("ORD_1", "JZ_1", "other")] == ["orders", "navs", None]
