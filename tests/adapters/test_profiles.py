"""A profile that says something impossible is refused when it is loaded, with file, line and what to do."""

from pathlib import Path

import pytest

from tests.adapters.conftest import HEAD, NAV, Load
from xinqiao.errors import ProfileInvalid, UnknownChannel
from xinqiao_adapters.channel import load_channel, shipped_channels
from xinqiao_adapters.security.spec import JwsSecurity

PROFILE = HEAD + NAV


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("institution:", "institutoin:", 3, "no such key here; write institution"),
        ("  nav:\n", "  nav:\n    colour: red\n", 7, "no such key here"),
        ('receiver: "913100001000100012"', "receiver: 913100001000100012", 4, "put numbers that are codes in quotes"),
        ("direction: both", "direction: sideways", 8, "Input should be 'in', 'out', 'both' or 'query'"),
        ("key: [Head/Seq]", "key: []", 6, "incoming messages need a key"),
        ("message: navReport", "message: navReports", 7, "unknown message type 'navReports'; known: kycApplication"),
        ("unitNav: {", "unitNaw: {", 16, "the standard has no field navReport.unitNaw"),
        ("instrument.code: {", "instrument[0].code: {", 14, "navReport.instrument is no list: leave out the index"),
        ("instrument.code: {", "instrument: {", 14, "navReport.instrument is a group"),
        ("codes: state}", "codes: states}", 19, "there is no code table 'states'; known: state"),
        ('"2": FORMAL', '"2": FINAL', 21, "FINAL: no value of navReport.state; known: ESTIMATED"),
        ('"2": FORMAL', '"2": ESTIMATED', 21, "1 and 2 both mean ESTIMATED: name the one to send under send"),
        ('"2": FORMAL', "2: 7", 21, "put numbers that are codes in quotes"),
        ('"2": FORMAL', '"1": FORMAL', 21, "'1' is given twice (first in line 21)"),
        ("{from: Body/Nav, decimal: 4}", "{from: Body/Day}", 16, "Body/Day is mapped twice (first at "),
        ("unitNav: {", "navDate: {", 16, "'navDate' is given twice (first in line 15)"),
        ('date: "%Y%m%d"}', "amount: fen}", 15, "amount does not fit navReport.navDate, which is of kind date"),
        ('date: "%Y%m%d"}', 'date: "%Y%m"}', 15, "a date pattern names %Y, %m and %d, once each"),
        ('date: "%Y%m%d"}', 'date: "%Y%m%D"}', 15, "unknown directive %D"),
        ("{from: Body/Day, date", "{from: Body/Day, codes: state, date", 15, "one converter is enough"),
        (', date: "%Y%m%d"', "", 15, "a row without converter does not fit navReport.navDate"),
        ("decimal: 4}", 'datetime: "%Y%m%d%H%M%S"}', 16, 'a datetime needs its zone, e.g. zone: "+08:00"'),
        ("decimal: 4}", "decimal: 4, zone: x}", 16, "zone and fraction belong to datetime"),
        ("{constant: CNY}", "{constant: 7}", 18, "7 is no value of this field"),
        ("{constant: NAV1}", "{from: x}", 12, "a row named by a partner's path has a constant text"),
        ("{from: Head/Seq}", "{each: Head/Seq}", 13, "a list is written name[] and has each"),
        ("{from: Head/Seq}", "{at: Head, use: heads}", 13, "there is no part 'heads'; known: none"),
        ("{from: Head/Seq}", "{}", 13, "a row says one of from, each, at or constant"),
        ("{kind: xml, root: Nav}", "{kind: xml}", 9, "XML needs its root"),
        ("root: Nav}", 'root: "n:Nav"}', 9, "the prefix 'n' is not declared under namespaces"),
        ("root: Nav}", "root: Nav, xsd: none.xsd}", None, "none.xsd: not a usable XSD"),
        ("    map:\n", "    dropped: {colour: x}\n    map:\n", 11, "the standard has no such field"),
        ("{from: Body/Prod}", "{from: 'Body/Prod x=\"1\"'}", 11, "is no name of XML"),
        ("root: Nav}", "root: '<Nav'}", 9, "'<Nav' is no name of XML"),
        ("channel: small-bank", "channel: [small", 2, "not YAML"),
        ("interfaces:", "adapter: nobody\ninterfaces:", 5, "no adapter 'nobody' is installed"),
        ("codes: state}", "codes: state, default: FORMAL}", 19, "a default would be sent as if it had been said"),
        ("{from: Body/Prod}", '{from: Body/Prod, default: "\\x01", oneway: in}', 14, "is no value of this field"),
        ("{from: Body/Prod}", '{from: Body/Prod, default: "", oneway: in}', 14, "'' is no value of this field"),
        ("{constant: CNY}", "{constant: yuan}", 18, "'yuan' is no value of this field"),
        ("{constant: NAV1}", '{constant: "N\\x07"}', 12, "the constant holds a character that XML cannot carry"),
        ("decimal: 4}", "decimal: {least: 5, most: 4}}", 16, "at least 5 digits and at most 4 do not go together"),
        ('date: "%Y%m%d"}', 'datetime: iso, zone: "+08:00"}', 15, "datetime does not fit navReport.navDate"),
        ("Body/Day,", "Body/Prod/Day,", 14, "a node with nodes below it (Day) is no value itself"),
        ("    map:\n", "    dropped: {units: {reason: x, only: [many]}}\n    map:\n", 11, "'many' is no value of this"),
        ("interfaces:", "dropped: {navReport.units: x}\ninterfaces:", 5, "a channel drops fields of the header"),
        (
            "interfaces:",
            "security: {algorithms: [SM2-SM3]}\ninterfaces:",
            5,
            "unknown algorithm SM2-SM3; known: Ed25519",
        ),
        ("interfaces:", "security: {algorithms: []}\ninterfaces:", 5, "at least 1 item"),
        ("root: Nav}", 'root: Nav, namespaces: {"a b": "urn:a"}}', 9, "'a b' is no prefix"),
        ("root: Nav}", 'root: Nav, namespaces: {xmlns: "urn:a"}}', 9, "'xmlns' is no prefix"),
        ("root: Nav}", 'root: Nav, namespaces: {a: ""}}', 9, "'' is no namespace"),
        ("{from: Body/Prod}", "{from: Body/a²}", 11, "'a²' is no name of XML"),
    ],
)
def test_a_wrong_profile_is_refused_with_file_and_line(
    load: Load, tmp_path: Path, old: str, new: str, line: int | None, said: str
) -> None:
    assert PROFILE.count(old) >= 1
    with pytest.raises(ProfileInvalid) as caught:
        load(PROFILE.replace(old, new, 1))
    assert said in caught.value.detail
    if line is not None:
        assert f"{tmp_path / 'small-bank' / 'channel.yaml'}:{line}: " in caught.value.detail


def test_every_error_of_a_profile_is_told_at_once(load: Load) -> None:
    with pytest.raises(ProfileInvalid) as caught:
        load(PROFILE.replace("zh: 小银行, en: Small bank", "zh: 1").replace("direction: both", "direction: up"))
    assert len(caught.value.detail.splitlines()) == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("Body/Prod}", "Body/@prod}", 14, "Body/@prod: JSON has no attributes"),
        ("[Head/Seq]", "[Head/@seq]", 11, "Head/@seq: JSON has no attributes"),
        ("Body/Prod}", "Body}", 14, "a node with nodes below it (Day) is no value itself"),
    ],
)
def test_what_json_cannot_write_is_refused_when_the_profile_is_loaded(
    load: Load, tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    text = PROFILE.replace("{kind: xml, root: Nav}", "{kind: json}")
    with pytest.raises(ProfileInvalid) as caught:
        load(text.replace(old, new, 1))
    assert caught.value.detail.startswith(f"{tmp_path / 'small-bank' / 'channel.yaml'}:{line}: ")
    assert said in caught.value.detail


def test_a_list_and_a_single_node_do_not_share_a_place(load: Load) -> None:
    rows = "      documentDigests[]: {each: Body/F, map: {value: {from: V}}}\n      disclosureNo: {from: Body/F/No}\n"
    text = NAV.replace("navReport", "disclosureReceipt").partition("      instrument")[0] + rows
    for form in ("{kind: xml, root: Nav}", "{kind: json}"):
        with pytest.raises(ProfileInvalid, match=r"channel.yaml:14: F is a list here, and a single node elsewhere"):
            load(HEAD + text.replace("{kind: xml, root: Nav}", form))


def test_the_algorithms_of_a_channels_keys_are_told(load: Load) -> None:
    assert load(PROFILE).profile.security == JwsSecurity(scheme="xinqiao-jws", algorithms=["Ed25519"])


def write(folder: Path, channel: str, text: str) -> None:
    (folder / channel).mkdir(parents=True, exist_ok=True)
    (folder / channel / "channel.yaml").write_text(text, encoding="utf-8")


def test_an_installation_overrides_a_shipped_channel_under_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, "demo-bank", "channel: demo-bank\nextends: demo-bank\ncodes: {gender: {'3': FEMALE, '2': null}}\n")
    channel, shipped = load_channel("demo-bank", [tmp_path]), load_channel("demo-bank", [])
    assert channel.profile.codes["gender"].values == {"1": "MALE", "3": "FEMALE"}
    assert channel.profile.interfaces == shipped.profile.interfaces


def test_a_profile_extends_another_key_by_key(tmp_path: Path) -> None:
    text = "channel: my-bank\nextends: demo-bank\ntest: true\npush: {url: 'http://127.0.0.1:1/x'}\n"
    write(tmp_path, "my-bank", text)
    profile, base = load_channel("my-bank", [tmp_path]).profile, load_channel("demo-bank", []).profile
    changed = {"channel": "my-bank", "test": True, "push": profile.push}
    assert profile == base.model_copy(update=changed)


def test_the_error_of_an_inherited_row_names_the_file_that_holds_it(tmp_path: Path) -> None:
    write(tmp_path, "a-bank", PROFILE.replace("small-bank", "a-bank"))
    write(tmp_path, "b-bank", "channel: b-bank\nextends: a-bank\ncodes: {state: {'2': FINAL}}\n")
    with pytest.raises(ProfileInvalid, match=r"b-bank/channel.yaml:3: codes.state: FINAL"):
        load_channel("b-bank", [tmp_path])


def test_profiles_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a-bank", "channel: a-bank\nextends: b-bank\n")
    write(tmp_path, "b-bank", "channel: b-bank\nextends: a-bank\n")
    with pytest.raises(ProfileInvalid, match="runs in a circle"):
        load_channel("a-bank", [tmp_path])


def test_a_profile_that_extends_nothing_known_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a-bank", "channel: a-bank\nextends: nobody\n")
    with pytest.raises(ProfileInvalid) as caught:
        load_channel("a-bank", [tmp_path])
    assert caught.value.detail.startswith(
        f"{tmp_path}/a-bank/channel.yaml:2: extends: no channel 'nobody' to lay it upon; "
        "there are: abs-servicer-csv, bank-api-sm2, canonical, "
    )
    assert caught.value.detail.endswith("; name one of them under extends")


def test_an_installed_channel_that_extends_itself_in_vain_is_told_what_there_is(tmp_path: Path) -> None:
    write(tmp_path, "our-bank", "channel: our-bank\nextends: our-bank\n")
    with pytest.raises(ProfileInvalid, match=r"2: extends: no channel 'our-bank' .*there are: abs-servicer-csv,"):
        load_channel("our-bank", [tmp_path])


def test_a_channel_that_is_nowhere_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownChannel):
        load_channel("nobody", [tmp_path])


def test_the_shipped_channels_load() -> None:
    assert [load_channel(each, []).channel_id for each in shipped_channels()] == [
        "abs-servicer-csv",
        "bank-api-sm2",
        "canonical",
        "custodian-valuation",
        "demo-bank",
        "demo-core",
        "demo-partner",
        "family-trust-excel",
        "insurer-tcp",
        "insurer-xml",
        "iso20022-funds",
        "microfinance-json",
        "nav-mail",
        "payment-rsa",
        "prepaid-csv",
        "trust-registration",
        "wealth-ofd",
    ]


def test_codes_that_yaml_would_take_for_something_else_stay_texts(load: Load) -> None:
    channel = load(PROFILE.replace('"1": ESTIMATED, "2": FORMAL', "01: ESTIMATED, NO: FORMAL"))
    assert list(channel.profile.codes["state"].values) == ["01", "NO", "3"]
