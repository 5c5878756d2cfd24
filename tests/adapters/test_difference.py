"""What changes between two profiles is told row by row, with its lines, and judged for the partner of today."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from tests.adapters.conftest import HEAD, NAV
from xinqiao.errors import ProfileInvalid, UnknownChannel
from xinqiao.finding import Text
from xinqiao_adapters.channel import shipped_channels
from xinqiao_adapters.difference import Change, Difference, difference
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_gateway.cli import app

PROFILE = HEAD + NAV


def loaded(folder: Path, text: str) -> LoadedProfile:
    (folder / "small-bank").mkdir(parents=True)
    (folder / "small-bank" / "channel.yaml").write_text(dedent(text), encoding="utf-8")
    return load_profile("small-bank", [folder])


def compared(folder: Path, before: str, after: str) -> Difference:
    return difference(loaded(folder / "old", before), loaded(folder / "new", after))


@pytest.mark.parametrize("channel", shipped_channels())
def test_a_channel_does_not_differ_from_itself(channel: str) -> None:
    found = difference(load_profile(channel, []), load_profile(channel, []))
    assert found == Difference(channel, channel, ())


def test_a_change_names_both_paths_both_lines_and_the_field(tmp_path: Path) -> None:
    found = compared(tmp_path, PROFILE, "# moved by a line\n" + PROFILE.replace("decimal: 4", "decimal: 2"))
    assert found.changes == (
        Change(
            what="row",
            kind="changed",
            interface="nav",
            path="navReport.unitNav",
            partner_path="Body/Nav",
            before="decimal: 4",
            after="decimal: 2",
            before_at=f"{tmp_path}/old/small-bank/channel.yaml:16",
            after_at=f"{tmp_path}/new/small-bank/channel.yaml:17",
            breaking=True,
            reason=Text("要求改变或收紧", "expects something else, or less than before"),
            fields=("navReport.unitNav",),
        ),
    )
    assert found.fields == ["navReport.unitNav"]


@pytest.mark.parametrize(
    ("old", "new", "what", "path", "breaking"),
    [
        # rows
        ("navDate:", "units: {from: Body/Units, decimal: 4}\n      navDate:", "added row", "navReport.units", False),
        (
            "navDate:",
            "instrument.name: {from: Body/Name}\n      navDate:",
            "added row",
            "navReport.instrument.name",
            False,
        ),
        ("      unitNav: {from: Body/Nav, decimal: 4}\n", "", "removed row", "navReport.unitNav", True),
        ("from: Body/Day", "from: Body/Date", "changed row", "navReport.navDate", True),
        ("unitNav: {", "cumulativeNav: {", "changed row", "navReport.cumulativeNav", True),
        ("%Y%m%d", "%Y-%m-%d", "changed row", "navReport.navDate", True),
        ("decimal: 4", "decimal: 6", "changed row", "navReport.unitNav", False),
        ("decimal: 4", "decimal: {least: 2, most: 6}", "changed row", "navReport.unitNav", True),
        ("amount: fen", "amount: yuan", "changed row", "navReport.netAssets.value", True),
        ("from: Body/Prod", "from: Body/Prod, length: 9", "changed row", "navReport.instrument.code", True),
        ("codes: state}", "codes: state, default: FORMAL, oneway: in}", "changed row", "navReport.state", True),
        ("constant: CNY", "constant: USD", "changed row", "navReport.netAssets.currency", False),
        ("constant: NAV1", "constant: NAV2", "changed row", "", True),
        ("      Head/Code: {constant: NAV1}\n", "", "removed row", "", True),
        # codes
        (', "3": CUSTODIAN_CHECKED', "", "removed code", "state.3", True),
        ('"3": CUSTODIAN', '"5": CUSTODIAN', "added code", "state.5", True),
        # settings
        ("Small bank", "Smaller bank", "changed channel", "title.en", False),
        ("91110000100000000R", "91440300100030003A", "changed channel", "institution.code", True),
        ("interfaces:", "limits: {body: 9999}\ninterfaces:", "added channel", "limits.body", True),
        ("interfaces:", "limits: {parallel: 2}\ninterfaces:", "added channel", "limits.parallel", False),
        ("interfaces:", "push: {url: 'https://a.example'}\ninterfaces:", "added channel", "push.url", False),
        ("    key:", "    changed: correct\n    key:", "changed setting", "changed", False),
        ("    key:", "    unknown: hold\n    key:", "changed setting", "unknown", False),
        ("interfaces:", "test: true\ninterfaces:", "changed channel", "test", True),
        ("root: Nav}", "root: Nav, encoding: GBK}", "changed setting", "format.encoding", True),
        ("direction: both", "direction: out", "changed setting", "direction", True),
        ("key: [Head/Seq]", "key: [Body/Prod]", "changed setting", "key", True),
        ("    key:", "    match: {Head/Code: NAV1}\n    key:", "added setting", "match.Head/Code", True),
        ("    key:", "    atomic: false\n    key:", "changed setting", "atomic", False),
        ("    map:", "    dropped: {units: never}\n    map:", "added setting", "dropped.units.reason", False),
    ],
)
def test_a_change_is_judged(tmp_path: Path, old: str, new: str, what: str, path: str, breaking: bool) -> None:
    assert old in PROFILE
    found = compared(tmp_path, PROFILE, PROFILE.replace(old, new))
    assert (what, path) in [(f"{each.kind} {each.what}", each.path) for each in found.changes]
    assert found.breaking is breaking


@pytest.mark.parametrize(
    ("before", "after", "breaking"),
    [
        ("length: 20", "length: 30", False),
        ("length: 20", "length: 10", True),
        ("length: 20", "halfwidth: true", False),
        ("nothing: '-'", "nothing: ['-', '/']", False),
        ("nothing: ['-', '/']", "nothing: '-'", True),
        ("nothing: {read: ['-'], write: '-'}", "nothing: {read: ['-']}", True),
        ("oneway: in", "", False),
        ("", "oneway: in", True),
        ("pad: {width: 4}", "pad: {width: 5}", True),
    ],
)
def test_a_part_of_a_row_that_widens_is_compatible(tmp_path: Path, before: str, after: str, breaking: bool) -> None:
    rows = [PROFILE.replace("from: Body/Prod", f"from: Body/Prod{', ' * bool(part)}{part}") for part in (before, after)]
    assert [change.breaking for change in compared(tmp_path, *rows).changes] == [breaking]


FLAG = "interfaces:\n  kyc:\n    message: kycApplication\n    direction: in\n    format: {kind: xml, root: Kyc}\n"
FLAG += "    key: [No]\n    map:\n      applicationNo: {from: No}\n      applicant.partyId: {from: Id}\n"
FLAG += "      applicant.kind: {constant: NATURAL_PERSON}\n      politicallyExposed: {from: Pep, boolean: %s}\n"
NAME = "      applicant.name: {from: Name}\n"


@pytest.mark.parametrize(
    ("before", "after", "breaking"),
    [
        ('{true: "1", false: "0"}', '{true: ["1", "Y"], false: "0"}', False),
        ('{true: ["1", "Y"], false: "0"}', '{true: "1", false: "0"}', True),
        ('{true: ["1", "Y"], false: "0"}', '{true: ["Y", "1"], false: "0"}', True),
    ],
)
def test_more_codes_for_yes_are_compatible_and_fewer_break(
    tmp_path: Path, before: str, after: str, breaking: bool
) -> None:
    found = compared(tmp_path, HEAD + FLAG % before, HEAD + FLAG % after)
    assert [change.breaking for change in found.changes] == [breaking]


@pytest.mark.parametrize(
    ("row", "reason", "breaking"),
    [
        (NAME, "a new field that must be there: documents of today lack it", True),
        ("      crs.declaration: {from: Crs, codes: crs}\n", "new; documents of today are as good as before", False),
        ("      Head/Code: {constant: K1}\n", "a new field that must be there: documents of today lack it", True),
        ("      purpose: {constant: wealth}\n", "changes only what the message of the standard says", False),
    ],
)
def test_a_new_field_breaks_where_every_document_must_have_it(
    tmp_path: Path, row: str, reason: str, breaking: bool
) -> None:
    text = HEAD + FLAG % '{true: "1", false: "0"}'
    tables = "codes:\n  crs: {'1': RESIDENT_ONLY, '2': NON_RESIDENT_ONLY, '3': BOTH}\n"
    (change,) = compared(tmp_path, text + tables, text + row + tables).changes
    assert (change.kind, change.reason.en, change.breaking) == ("added", reason, breaking)


def test_a_new_field_breaks_where_a_group_of_today_must_have_it(tmp_path: Path) -> None:
    text = HEAD + FLAG % '{true: "1", false: "0"}' + NAME
    issuer, number = (f"      applicant.documents[0].{name}: {{from: {name}}}\n" for name in ("issuer", "number"))
    (into_a_group,) = compared(tmp_path / "a", text + issuer, text + issuer + number).changes
    assert (into_a_group.partner_path, into_a_group.breaking) == ("number", True)
    with_its_group = compared(tmp_path / "b", text, text + issuer + number).changes
    assert [(each.partner_path, each.breaking) for each in with_its_group] == [("issuer", False), ("number", False)]


def test_an_interface_that_is_gone_breaks_and_a_new_one_does_not(tmp_path: Path) -> None:
    interface, tables = NAV.removeprefix("interfaces:\n").split("\ncodes:\n")
    other = interface.replace("nav:", "other:", 1).replace("root: Nav", "root: Other").replace("both", "in")
    both = f"{HEAD}interfaces:\n{interface}\n{other}\ncodes:\n{tables}"
    less, more = compared(tmp_path / "a", both, PROFILE), compared(tmp_path / "b", PROFILE, both)
    assert [(each.kind, each.what, each.interface, each.breaking) for each in less.changes] == [
        ("removed", "interface", "other", True)
    ]
    assert [(each.kind, each.what, each.interface, each.breaking) for each in more.changes] == [
        ("added", "interface", "other", False)
    ]
    assert more.fields == [
        "header.partnerSerial",
        "navReport.instrument.code",
        "navReport.navDate",
        "navReport.netAssets.currency",
        "navReport.netAssets.value",
        "navReport.state",
        "navReport.unitNav",
    ]


def test_a_list_that_moves_is_told_once_and_not_for_each_field_in_it(tmp_path: Path) -> None:
    text = HEAD + FLAG % '{true: "1", false: "0"}' + NAME + TAXES
    (change,) = compared(tmp_path, text, text.replace("each: Taxes/Tax", "each: TaxList/Tax")).changes
    assert (change.path, change.before, change.after, change.breaking) == (
        "kycApplication.crs.residences[]",
        "kycApplication.crs.residences[] ⇔ Taxes/Tax",
        "kycApplication.crs.residences[] ⇔ TaxList/Tax",
        True,
    )


TAXES = "      crs.residences[]: {each: Taxes/Tax, map: {country: {from: Ctry}, tin: {from: Tin}}}\n"


def test_a_code_table_under_another_name_is_judged_by_what_it_holds(tmp_path: Path) -> None:
    renamed = PROFILE.replace("codes: state}", "codes: nav_state}").replace('state: {"1"', 'nav_state: {"1"')
    assert {change.breaking for change in compared(tmp_path / "a", PROFILE, renamed).changes} == {False}
    fewer = renamed.replace(', "3": CUSTODIAN_CHECKED', "")
    found = compared(tmp_path / "b", PROFILE, fewer)
    assert [(each.what, each.path) for each in found.changes if each.breaking] == [("row", "navReport.state")]


def test_codes_touch_every_field_that_uses_their_table(tmp_path: Path) -> None:
    found = compared(tmp_path, PROFILE.replace(', "3": CUSTODIAN_CHECKED', ""), PROFILE)
    assert [(each.path, each.after, each.breaking, each.fields) for each in found.changes] == [
        ("state.3", "CUSTODIAN_CHECKED", False, ("navReport.state",))
    ]


def test_a_profile_that_is_wrong_is_not_compared(tmp_path: Path) -> None:
    with pytest.raises(ProfileInvalid, match=r"new/small-bank/channel\.yaml:16: .*no field navReport\.unitNaw"):
        compared(tmp_path, PROFILE, PROFILE.replace("unitNav: {", "unitNaw: {"))


# --- the command -------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["channel", "diff", *arguments], catch_exceptions=True)
    return result.exit_code, result.output


def test_the_command_ends_as_diff_does_and_takes_ids_files_and_folders(tmp_path: Path) -> None:
    loaded(tmp_path / "old", PROFILE)
    loaded(tmp_path / "data" / "channels", PROFILE.replace("decimal: 4", "decimal: 6"))
    old, data = tmp_path / "old" / "small-bank", ("--data", str(tmp_path / "data"))
    assert run(str(old), str(old / "channel.yaml"), *data) == (0, "没有差异 no difference\n")
    code, output = run(str(old), "small-bank", *data)
    assert code == 1
    for said in ("✓ 兼容 compatible", "navReport.unitNav", "Body/Nav", "decimal: 4", "decimal: 6", "channel.yaml:16"):
        assert said in output
    assert output.splitlines()[-1] == "1 处差异 changes: 0 破坏 breaking, 1 兼容 compatible"
    code, output = run(str(old), "small-bank", "--json", *data)
    (change,) = json.loads(output)["changes"]
    assert (code, change["partnerPath"], change["beforeAt"]) == (1, "Body/Nav", f"{old}/channel.yaml:16")


def test_the_command_says_what_it_takes_where_there_is_no_profile(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["channel", "diff", f"{tmp_path}/none", "demo-bank"])
    assert isinstance(result.exception, UnknownChannel)
    assert "give a channel's id, or the path of a channel.yaml" in result.exception.detail
