"""Cases beside a profile: what each kind proves, and that each kind can fail."""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import orjson
import pytest

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load
from tests.adapters.test_check import CODES, MESSAGE
from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.check import check_channel

Cases = Callable[..., list[str]]


@pytest.fixture
def cases(load: Load, tmp_path: Path) -> Cases:
    """Return the problems of the small bank with a case whose fields are given as YAML, its place left out."""

    def problems(case: str, interface: str = "nav") -> list[str]:
        folder = tmp_path / "small-bank"
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        (folder / "samples" / "nav.xml").write_text(DOCUMENT, encoding="utf-8")
        (folder / "samples" / "nav.json").write_bytes(orjson.dumps(MESSAGE))
        text = f"{CODES}cases:\n- name: a case\n  interface: {interface}\n{indent(case, '  ')}\n"
        (folder / "tests.yaml").write_text(text, encoding="utf-8")
        found = check_channel(load(HEAD + NAV), 0).problems
        return [each.removeprefix(f"{folder}/tests.yaml:4: a case: ") for each in found]

    return problems


HELD = [
    "file: samples/nav.xml\nexpect: {navDate: '2026-01-31', netAssets.value: '10.50', header.partnerSerial: S-1}",
    "file: samples/nav.xml\nreplace: {'<State>2<': '<State>3<'}\nexpect: {state: CUSTODIAN_CHECKED}",
    "file: samples/nav.xml\nreplace: {'<Net>1050</Net>': ''}\nexpect: {netAssets: null, unitNav: '1.0023'}",
    "file: samples/nav.xml\nexpect: [{unitNav: '1.0023'}]",
    "file: samples/nav.xml\nreplace: {'>20260131<': '>2026-1-31<'}\nfinding: {rule: mapping.date}",
    "file: samples/nav.xml\nreplace: {'>20260131<': '>20260231<'}\n"
    "finding: {rule: mapping.date, path: navDate, partnerPath: Body/Day}",
    "input: <Other/>\nfinding: {rule: unknown_interface}",
    "direction: out\nfile: samples/nav.json\nexpect: {Head/Code: NAV1, Body/Net: '1050', Body/Missing: null}",
    "direction: out\nfile: samples/nav.json\nset: {netAssets: null, unitNav: '2'}\n"
    "expect: {Body/Net: null, Body/Nav: '2'}",
    "direction: out\nfile: samples/nav.json\nset: {unitNav: '1.00235'}\n"
    "finding: {rule: mapping.decimal, path: unitNav, partnerPath: Body/Nav}",
    "path: navDate\ntexts: {'20260131': '2026-01-31', '20251201': '2025-12-01'}",
]


@pytest.mark.parametrize("case", HELD)
def test_a_case_that_holds_is_no_problem(cases: Cases, case: str) -> None:
    assert cases(case) == []


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (
            "file: samples/nav.xml\nexpect: {unitNav: '1.0024'}",
            "navReport.unitNav is '1.0023', expected '1.0024'",
        ),
        (
            "file: samples/nav.xml\nexpect: {netAssets: null}",
            "navReport.netAssets holds navReport.netAssets.value, navReport.netAssets.currency, expected nothing",
        ),
        ("file: samples/nav.xml\nexpect: [{}, {}]", "1 messages, expected 2"),
        (
            "file: samples/nav.xml\nreplace: {'>20260131<': '>20260231<'}\nexpect: {}",
            "refused: Body/Day, line 5: Body/Day: the value does not fit, expected a date yyyyMMdd",
        ),
        (
            "file: samples/nav.xml\nreplace: {'>20260130<': '>20260231<'}\nexpect: {}",
            "replace: '>20260130<' stands 0 times in the input, expected once",
        ),
        (
            "file: samples/nav.xml\nfinding: {rule: mapping.date, path: navDate}",
            "expected the finding mapping.date at navDate, found none",
        ),
        (
            "file: samples/nav.xml\nreplace: {'>20260131<': '>20260231<'}\nfinding: {rule: mapping.code}",
            "expected the finding mapping.code, found mapping.date at Body/Day, line 5 (navReport.navDate); "
            "content_refused",
        ),
        (
            "direction: out\nfile: samples/nav.json\nexpect: {Body/Net: '1051'}",
            "Body/Net is '1050', expected '1051'",
        ),
        ("direction: out\ninput: '{'\nexpect: {}", "the message is no JSON: "),
        ("direction: out\ninput: '[]'\nexpect: {}", "a message is an object"),
        (
            "direction: out\nfile: samples/nav.json\nset: {'unit nav': '1'}\nexpect: {}",
            "set: navReport.unit nav is no canonical path",
        ),
        ("path: navDate\ntexts: {'20260131': '2026-01-30'}", "'20260131' means '2026-01-31', expected '2026-01-30'"),
        ("path: navDate\ntexts: {'2026013': '2026-01-31'}", "'2026013' means nothing that fits, expected '2026-01-31'"),
        ("path: units\ntexts: {'1': '1'}", "no row of nav reads units"),
    ],
)
def test_a_case_that_does_not_hold_is_told(cases: Cases, case: str, problem: str) -> None:
    (found,) = cases(case)
    assert found.startswith(problem)


def test_a_file_that_is_not_there_is_told(cases: Cases, tmp_path: Path) -> None:
    (found,) = cases("file: samples/none.xml\nexpect: {}")
    assert found == f"[Errno 2] No such file or directory: '{tmp_path}/small-bank/samples/none.xml'"


def test_an_interface_that_is_not_there_is_told(cases: Cases) -> None:
    (found,) = cases("input: x\nexpect: {}", "nothing")
    assert found == "there is no interface 'nothing'; known: nav"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("expect: {}", "cases.0: say the input: inline, or as a file"),
        ("input: x\nfile: y\nexpect: {}", "cases.0: say the input: inline, or as a file"),
        ("input: x", "cases.0: say what to expect, or the finding"),
        (
            "input: x\nset: {unitNav: '1'}\nexpect: {}",
            "cases.0: replace changes an input (direction: in), set a message (direction: out)",
        ),
        (
            "direction: out\ninput: x\nexpect: [{}]",
            "cases.0: one message goes out: expect is one mapping",
        ),
        ("texts: {a: b}", "cases.0: texts go with the interface and the path of a row, and with nothing else"),
        ("input: x\nexpekt: {}", "cases.0.expekt: no such key here; write expect"),
    ],
)
def test_a_case_that_says_too_little_or_too_much_is_refused_by_file_and_line(
    cases: Cases, tmp_path: Path, case: str, said: str
) -> None:
    with pytest.raises(ProfileInvalid) as caught:
        cases(case)
    assert caught.value.detail.startswith(f"{tmp_path}/small-bank/tests.yaml:")
    assert caught.value.detail.partition(": ")[2] == said


def test_a_text_whose_value_cannot_be_written_is_told(cases: Cases) -> None:
    (found,) = cases("path: unitNav\ntexts: {'1.00235': '1.00235'}")
    assert found == "'1.00235' means '1.00235', which cannot be written"
