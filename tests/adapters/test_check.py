"""A check of a channel: what it proves, and that it says each thing that is wrong."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load
from xinqiao.message import Json
from xinqiao_adapters.check import CheckReport, check_channel

MESSAGE: Json = {
    "header": {"partnerSerial": "S-1"},
    "navReport": {
        "instrument": {"code": "P1"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "netAssets": {"value": "10.50", "currency": "CNY"},
        "state": "FORMAL",
    },
}
CODES = "codes:\n  state: {'1': ESTIMATED, '2': FORMAL, '3': CUSTODIAN_CHECKED}\n"

Check = Callable[..., CheckReport]


def changed(**fields: object) -> Json:
    return {**MESSAGE, "navReport": {**MESSAGE["navReport"], **fields}}


@pytest.fixture
def checked(load: Load, tmp_path: Path) -> Check:
    """Check the small bank with one sample, or the files given, and a ``tests.yaml``."""

    def check(
        profile: str = HEAD + NAV, *, files: dict[str, str] | None = None, tests: str = CODES, messages: int = 0
    ) -> CheckReport:
        folder = tmp_path / "small-bank" / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        written = {"nav.xml": DOCUMENT, "nav.json": orjson.dumps(MESSAGE).decode()} if files is None else files
        for name, text in written.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder.parent / "tests.yaml").write_text(tests, encoding="utf-8")
        return check_channel(load(profile), messages)

    return check


def test_a_channel_with_a_sample_of_every_row_passes(checked: Check) -> None:
    report = checked(messages=20)
    assert (report.problems, report.passed) == ([], True)
    said = report.as_json()
    assert {name: said[name] for name in ("channel", "samples", "records", "cases", "rows", "messages")} == {
        "channel": "small-bank",
        "samples": 1,
        "records": 1,
        "cases": 0,
        "rows": 8,
        "messages": {"nav": {"generated": 20, "held": 20, "reduced": 19}},
    }


def test_what_was_read_is_compared_with_what_is_expected(checked: Check) -> None:
    files = {"nav.xml": DOCUMENT, "nav.json": orjson.dumps(changed(unitNav="1.0024")).decode()}
    assert checked(files=files).problems == ["nav.xml: decoded other than expected: navReport.unitNav"]


def test_a_sample_without_its_message_is_told(checked: Check) -> None:
    said = "nav.xml: no expected message beside it: write nav.json ([] for none)"
    assert said in checked(files={"nav.xml": DOCUMENT}).problems


def test_an_expected_message_that_is_no_json_is_told(checked: Check) -> None:
    (problem, *_) = checked(files={"nav.xml": DOCUMENT, "nav.json": "{"}).problems
    assert problem.startswith("nav.xml: nav.json is no JSON: ")


def test_an_expected_message_that_nobody_has_read_is_a_problem_and_still_compared(checked: Check) -> None:
    files = {"nav.xml": DOCUMENT, "nav.unreviewed.json": orjson.dumps(changed(state="ESTIMATED")).decode()}
    assert checked(files=files).problems == [
        "nav.xml: nav.unreviewed.json was written by a machine and read by nobody: check it against the partner's "
        "document, then rename it to nav.json",
        "nav.xml: decoded other than expected: navReport.state",
    ]


def test_a_sample_that_cannot_be_read_is_told_in_the_partners_terms(checked: Check) -> None:
    files = {"nav.xml": DOCUMENT.replace("20260131", "20260231"), "nav.json": orjson.dumps(MESSAGE).decode()}
    (first, *_) = checked(files=files).problems
    assert first == (
        "nav.xml: the content cannot be converted: 1 finding; "
        "Body/Day, line 5: Body/Day: the value does not fit, expected a date yyyyMMdd"
    )


def test_the_number_of_messages_is_compared(checked: Check) -> None:
    assert "nav.xml: 1 messages, expected 0" in checked(files={"nav.xml": DOCUMENT, "nav.json": "[]"}).problems


def test_a_row_that_no_sample_exercises_is_told_by_file_and_line(checked: Check, tmp_path: Path) -> None:
    document = DOCUMENT.replace("<Net>1050</Net>", "")
    message = {**MESSAGE, "navReport": {k: v for k, v in MESSAGE["navReport"].items() if k != "netAssets"}}
    files = {"nav.xml": document, "nav.json": orjson.dumps(message).decode()}
    assert checked(files=files).problems == [
        f"{tmp_path}/small-bank/channel.yaml:17: no sample exercises this row (nav)"
    ]


def test_a_place_of_the_partners_that_no_row_reads_needs_a_reason(checked: Check) -> None:
    files = {
        "nav.xml": DOCUMENT.replace("<Body>", "<Body><Clerk>7</Clerk>"),
        "nav.json": orjson.dumps(MESSAGE).decode(),
    }
    said = "nav: no row reads Body/Clerk; map it, or say why not under unmapped in tests.yaml"
    assert checked(files=files).problems == [said]
    assert checked(files=files, tests=f"{CODES}unmapped: {{Body/Clerk: Means nothing to us.}}\n").passed


def test_a_reason_for_what_a_row_does_read_is_stale(checked: Check, tmp_path: Path) -> None:
    assert checked(tests=f"{CODES}unmapped: {{Body: Of no use.}}\n").problems == [
        f"{tmp_path}/small-bank/tests.yaml:3: unmapped: Body: a row reads or writes Body/Day, Body/Nav, Body/Net, "
        "Body/Prod, Body/State; name only what none does"
    ]


def test_codes_that_nobody_shows_could_change_places_unseen(checked: Check) -> None:
    assert checked(tests="{}").problems == [
        "codes.state: no sample shows 1, 3: two that changed places would not be seen; copy what they mean from the "
        "partner's own list under codes in tests.yaml"
    ]


def test_codes_that_mean_something_else_in_the_partners_list_are_told(checked: Check, tmp_path: Path) -> None:
    file = tmp_path / "small-bank" / "tests.yaml"
    tests = "codes:\n  state: {'1': CUSTODIAN_CHECKED, '2': FORMAL, '4': ESTIMATED}\n  strange: {'1': FORMAL}\n"
    assert checked(tests=tests).problems == [
        f"{file}:2: codes.state: 1 means ESTIMATED in the profile, expected CUSTODIAN_CHECKED",
        f"{file}:2: codes.state: 4 means nothing in the profile, expected ESTIMATED",
        f"{file}:3: there is no code table 'strange'; known: state",
    ]


def test_a_value_of_the_standard_without_a_code_needs_a_reason(checked: Check) -> None:
    profile = HEAD + NAV.replace('"3": CUSTODIAN_CHECKED', "")
    tests = "codes: {state: {'1': ESTIMATED, '2': FORMAL}}"
    problem = "codes.state: CUSTODIAN_CHECKED (navReport.state): no code and no reason under missing"
    assert checked(profile, tests=tests).problems == [problem]


FLAT = (
    HEAD
    + """\
interfaces:
  nav:
    message: navReport
    direction: both
    format: {kind: csv, columns: {serial: {}, code: {}, name: {}, day: {}, nav: {}}}
    records: Record
    key: [./serial]
    map:
      header.partnerSerial: {from: ./serial}
      instrument.code: {from: ./code}
      instrument.name: {from: ./name}
      navDate: {from: ./day, date: "%Y%m%d"}
      unitNav: {from: ./nav, decimal: 4}
      state: {constant: FORMAL}
"""
)
FLAT_MESSAGE: Json = {
    "header": {"partnerSerial": "S-1"},
    "navReport": {
        "instrument": {"code": "P1", "name": "P1"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "state": "FORMAL",
    },
}
FLAT_FILES = {
    "today.csv": "serial,code,name,day,nav\r\nS-1,P1,P1,20260131,1.0023\r\n",
    "today.json": orjson.dumps(FLAT_MESSAGE).decode(),
}


def test_rows_with_the_same_text_in_every_sample_could_be_swapped_unseen(checked: Check) -> None:
    assert checked(FLAT, files=FLAT_FILES, tests="{}").problems == [
        "nav: navReport.instrument.code (14) and navReport.instrument.name (15) have the same text in every sample: a "
        "swap would not be seen; give them texts of their own in a sample or a case"
    ]


def test_a_case_tells_rows_apart_that_samples_do_not(checked: Check) -> None:
    tests = """\
cases:
  - name: code and name
    interface: nav
    input: "serial,code,name,day,nav\\r\\nS-2,P1,Growth,20260131,1\\r\\n"
    expect: {instrument.code: P1, instrument.name: Growth}
"""
    assert checked(FLAT, files=FLAT_FILES, tests=tests).problems == []


def test_a_required_field_that_no_row_reads_is_told(checked: Check) -> None:
    profile = FLAT.replace('      navDate: {from: ./day, date: "%Y%m%d"}\n', "")
    problems = checked(profile, files=FLAT_FILES, tests="{}").problems
    assert "nav: the standard requires navDate, and no row reads it" in problems


def test_proposals_that_nobody_confirmed_are_told(checked: Check) -> None:
    proposed = "proposed: {confidence: 0.8, reason: the names are alike}"
    profile = HEAD + NAV.replace("{from: Body/Prod}", f"{{from: Body/Prod, {proposed}}}")
    assert checked(profile).problems == [
        "interfaces.nav.map.instrument.code: proposed (80%: the names are alike) and not confirmed; "
        "add confirmed: <your name>"
    ]
    assert checked(profile.replace("alike}", "alike, confirmed: 李工}")).passed


RECORDS = (
    HEAD
    + """\
format: {kind: csv, columns: {kind: {}, serial: {}, code: {}, day: {}, nav: {}}}
interfaces:
  final:
    message: navReport
    direction: both
    records: Record
    match: {./kind: F}
    key: [./serial]
    map:
      ./kind: {constant: F}
      header.partnerSerial: {from: ./serial}
      instrument.code: {from: ./code}
      navDate: {from: ./day, date: "%Y%m%d"}
      unitNav: {from: ./nav, decimal: 4}
      state: {constant: FORMAL}
  estimate:
    message: navReport
    direction: in
    records: Record
    match: {./kind: E}
    key: [./serial]
    map:
      ./kind: {constant: E}
      header.partnerSerial: {from: ./serial}
      instrument.code: {from: ./code}
      navDate: {from: ./day, date: "%Y%m%d"}
      unitNav: {from: ./nav, decimal: 4}
      state: {constant: ESTIMATED}
"""
)
FILE = "kind,serial,code,day,nav\r\nF,S-1,P1,20260131,1.0023\r\nE,S-2,P2,20260130,0.9\r\nF,S-3,P3,20260129,2.5\r\n"


def nav(serial: str, code: str, day: str, value: str, state: str) -> Json:
    report = {"instrument": {"code": code}, "navDate": day, "unitNav": value, "state": state}
    return {"header": {"partnerSerial": serial}, "navReport": report}


ROWS = [
    nav("S-1", "P1", "2026-01-31", "1.0023", "FORMAL"),
    nav("S-2", "P2", "2026-01-30", "0.9", "ESTIMATED"),
    nav("S-3", "P3", "2026-01-29", "2.5", "FORMAL"),
]


def test_a_file_of_records_of_several_interfaces_is_one_sample(checked: Check) -> None:
    files = {"values.csv": FILE, "values.json": orjson.dumps(ROWS).decode()}
    report = checked(RECORDS, files=files, tests="{}", messages=6)
    assert (report.problems, report.samples, report.records) == ([], 1, 3)


def test_a_file_without_records_is_a_sample(checked: Check) -> None:
    files = {
        "none.csv": FILE.partition("\n")[0] + "\n",
        "none.json": "[]",
        "values.csv": FILE,
        "values.json": orjson.dumps(ROWS).decode(),
    }
    report = checked(RECORDS, files=files, tests="{}")
    assert (report.problems, report.samples, report.records) == ([], 2, 3)


def test_the_report_says_how_much_of_the_standard_is_covered(checked: Check) -> None:
    covered = checked().coverage["nav"]
    assert (covered.constant, covered.dropped) == (("netAssets.currency",), ())
    assert covered.mapped == (
        "header.partnerSerial",
        "instrument.code",
        "navDate",
        "netAssets.value",
        "state",
        "unitNav",
    )
    assert covered.cells()[:2] == [str(covered.fields), f"6 ({6 / covered.fields:.0%})"]
    assert "header.messageId" in covered.derived
    assert "correction.*" in covered.open_groups()
    assert covered.as_json()["covered"] == round(100 * (1 - len(covered.open) / covered.fields), 1)
