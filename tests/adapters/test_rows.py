"""Rows that depend, join, share and say nothing: one table, both directions."""

from typing import Any

import orjson
import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused, ProfileInvalid
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel

HEADER = {
    "standardVersion": "1.0",
    "sender": "91110000100000000R",
    "receiver": "913100001000100012",
    "channelId": "small-bank",
}


def profile(message: str, rows: str, more: str = "") -> str:
    table = "".join(f"      {line}\n" for line in rows.strip().splitlines())
    return (
        f"{HEAD}interfaces:\n  one:\n    message: {message}\n    direction: both\n"
        f"    format: {{kind: json}}\n    key: [k]\n    map:\n      header.partnerSerial: {{from: k}}\n{table}{more}"
    )


def decoded(channel: Channel, document: Json) -> Json:
    (each,) = channel.adapter.decode(orjson.dumps({"k": "1", **document}), "")
    assert isinstance(each, Decoded)
    body: Json = next(part for name, part in each.message.items() if name != "header")
    return body


def encoded(channel: Channel, body: str, content: Json) -> Json:
    message = {"header": {**HEADER, "partnerSerial": "1"}, body: content}
    (each,) = channel.adapter.encode([message])
    document: Json = orjson.loads(each.content)
    del document["k"]
    return document


def refused(channel: Channel, document: Json) -> list[Finding]:
    with pytest.raises(ContentRefused) as caught:
        list(channel.adapter.decode(orjson.dumps({"k": "1", **document}), ""))
    return list(caught.value.findings)


def unheld(channel: Channel, body: str, content: Json) -> list[Finding]:
    with pytest.raises(ContentRefused) as caught:
        encoded(channel, body, content)
    return list(caught.value.findings)


@pytest.mark.parametrize(
    ("message", "rows", "document", "content"),
    [
        pytest.param(
            "navReport", "navDate: {from: [d, t], lengths: [4, 4], date: '%Y%m%d'}", {"d": "2026", "t": "0131"},
            {"navDate": "2026-01-31"}, id="one value in two places, by lengths",
        ),
        pytest.param(
            "navReport", "instrument.name: {from: [a, b], join: ' '}", {"a": "Example", "b": "Fund"},
            {"instrument": {"name": "Example Fund"}}, id="one value in two places, with a text between",
        ),
        pytest.param(
            "disclosureNotice",
            "periodStart: {from: p, date: '%Y%m%d', split: '-', piece: 0, pieces: 2}\n"
            "periodEnd: {from: p, date: '%Y%m%d', split: '-', piece: 1, pieces: 2}",
            {"p": "20260101-20260131"}, {"periodStart": "2026-01-01", "periodEnd": "2026-01-31"},
            id="two values in one place",
        ),
        pytest.param(
            "navReport", "dailyGrowth: {from: r, decimal: 2, sign: {minus: DR, plus: CR}}", {"r": "1.25DR"},
            {"dailyGrowth": "-1.25"}, id="the sign as a word behind",
        ),
        pytest.param(
            "navReport", "dailyGrowth: {from: r, decimal: 2, sign: {from: f, minus: D, plus: C}}",
            {"f": "D", "r": "1.25"}, {"dailyGrowth": "-1.25"}, id="the sign in a field of its own",
        ),
        pytest.param(
            "navReport", "dailyGrowth: {from: r, percent: ratio}", {"r": "0.0125"}, {"dailyGrowth": "1.25"},
            id="a ratio that the standard gives per cent",
        ),
        pytest.param(
            "navReport", "dailyGrowth: {from: r, percent: sign, decimal: {least: 2, most: 4}}", {"r": "1.20%"},
            {"dailyGrowth": "1.20"}, id="per cent with its sign",
        ),
        pytest.param(
            "navReport", "netAssets.value: {from: n, amount: wan}\nnetAssets.currency: {constant: CNY}", {"n": "1.05"},
            {"netAssets": {"value": "10500", "currency": "CNY"}}, id="an amount in units of ten thousand",
        ),
        pytest.param(
            "navReport", "units: {from: n, decimal: 2, grouping: true}", {"n": "1,234,567.80"},
            {"units": "1234567.80"}, id="thousands in groups",
        ),
        pytest.param(
            "navReport", "unitNav: {from: n, implied: 4}", {"n": "10023"}, {"unitNav": "1.0023"},
            id="decimals behind a point that is not written",
        ),
        pytest.param(
            "navReport", "instrument.code: {from: c, pad: {width: 8}}", {"c": "00000123"},
            {"instrument": {"code": "123"}}, id="filled up with zeros",
        ),
    ],
)  # fmt: skip
def test_a_row_reads_and_writes_the_same(load: Load, message: str, rows: str, document: Json, content: Json) -> None:
    channel = load(profile(message, rows))
    assert (decoded(channel, document), encoded(channel, message, content)) == (content, document)


@pytest.fixture
def by_kind(load: Load) -> Channel:
    rows = (
        "applicant.kind: {from: t, codes: kind}\n"
        "applicant.documents[0].type: {from: it, codes: person_id, when: {applicant.kind: NATURAL_PERSON}}\n"
        "applicant.name: {from: nm}\n"
        "relatedParties[]: {each: l, map: {party.kind: {from: t, codes: kind}, 'party.documents[0].type': "
        "{from: it, codes: company_id, when: {party.kind: INSTITUTION}}, "
        "party.birthDate: {from: b, date: '%Y%m%d', when: {party.kind: NATURAL_PERSON}}}}"
    )
    tables = (
        "codes:\n  kind: {'0': INSTITUTION, '1': NATURAL_PERSON}\n  person_id: {'0': RESIDENT_ID, '1': PASSPORT}\n"
        "  company_id: {'0': UNIFIED_SOCIAL_CREDIT_CODE}\n"
    )
    return load(profile("kycApplication", rows, tables))


def test_a_condition_decides_which_table_a_code_is_of(by_kind: Channel) -> None:
    person = {"t": "1", "it": "1", "nm": "王小明", "l": [{"t": "0", "it": "0"}, {"t": "1", "b": "19800101"}]}
    body = {
        "applicant": {"kind": "NATURAL_PERSON", "documents": [{"type": "PASSPORT"}], "name": "王小明"},
        "relatedParties": [
            {"party": {"kind": "INSTITUTION", "documents": [{"type": "UNIFIED_SOCIAL_CREDIT_CODE"}]}},
            {"party": {"kind": "NATURAL_PERSON", "birthDate": "1980-01-01"}},
        ],
    }
    assert (decoded(by_kind, person), encoded(by_kind, "kycApplication", body)) == (body, person)


def test_where_its_condition_does_not_hold_a_row_reads_nothing(by_kind: Channel) -> None:
    assert decoded(by_kind, {"t": "0", "it": "1", "nm": "A"}) == {"applicant": {"kind": "INSTITUTION", "name": "A"}}


def test_a_value_without_a_row_whose_condition_holds_is_refused(by_kind: Channel) -> None:
    content = {"applicant": {"kind": "INSTITUTION", "documents": [{"type": "PASSPORT"}]}}
    (found,) = unheld(by_kind, "kycApplication", content)
    assert (found.rule, found.path) == ("mapping.no_place", "kycApplication.applicant.documents[0].type")


def test_a_bad_code_is_told_only_where_its_row_acts(by_kind: Channel) -> None:
    found = refused(by_kind, {"t": "1", "it": "X", "nm": "A", "l": [{"t": "1", "it": "X"}, {"t": "0", "it": "Y"}]})
    assert [each.partner_path for each in found if each.rule == "mapping.code"] == ["it", "l[2]/it"]


@pytest.fixture
def lifelong(load: Load) -> Channel:
    rows = (
        "applicant.documents[0].validUntil: {from: end, date: '%Y%m%d', nothing: ['99991231']}\n"
        "applicant.documents[0].longTerm: {from: end, only: {'99991231': true}}\n"
        "applicant.birthDate: {from: b, date: '%Y%m%d', nothing: {read: ['00000000'], write: '00000000'}}\n"
        "applicant.name: {from: n}"
    )
    return load(profile("kycApplication", rows))


@pytest.mark.parametrize(
    ("document", "content"),
    [
        ({"end": "20300101", "n": "A", "b": "00000000"}, {"documents": [{"validUntil": "2030-01-01"}], "name": "A"}),
        ({"end": "99991231", "n": "A", "b": "00000000"}, {"documents": [{"longTerm": True}], "name": "A"}),
        ({"b": "19800101", "n": "A"}, {"name": "A", "birthDate": "1980-01-01"}),
    ],
)
def test_a_sentinel_says_something_else(lifelong: Channel, document: Json, content: Json) -> None:
    assert decoded(lifelong, document) == {"applicant": content}
    assert encoded(lifelong, "kycApplication", {"applicant": content}) == document


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"longTerm": False}, "mapping.only"),
        ({"validUntil": "9999-12-31"}, "mapping.date"),
        ({"validUntil": "2030-01-01", "longTerm": True}, "mapping.share"),
    ],
)
def test_what_a_sentinel_cannot_say_is_refused(lifelong: Channel, document: Json, rule: str) -> None:
    (found,) = unheld(lifelong, "kycApplication", {"applicant": {"name": "A", "documents": [document]}})
    assert found.rule == rule


@pytest.fixture
def roles(load: Load) -> Channel:
    rows = (
        "applicant: {at: p, where: {role: '80'}, map: {name: {from: n}}}\n"
        "relatedParties[]: {each: p, where: {role: '82'}, map: {party.name: {from: n}}}\n"
    )
    return load(profile("kycApplication", rows))


PARTIES: Json = {"p": [{"role": "80", "n": "A"}, {"role": "82", "n": "B"}, {"role": "82", "n": "C"}]}
PEOPLE: Json = {"applicant": {"name": "A"}, "relatedParties": [{"party": {"name": "B"}}, {"party": {"name": "C"}}]}


def test_one_list_of_the_partners_holds_several_of_the_standard(roles: Channel) -> None:
    assert decoded(roles, PARTIES) == PEOPLE
    assert encoded(roles, "kycApplication", PEOPLE) == PARTIES


def test_a_second_node_where_one_is_expected_is_a_finding(roles: Channel) -> None:
    (found,) = refused(roles, {"p": [{"role": "80", "n": "A"}, {"role": "80", "n": "B"}]})
    assert (found.rule, found.partner_path) == ("mapping.shape", "p[2]")


def test_nodes_that_no_row_chooses_are_listed_as_unmapped(roles: Channel) -> None:
    (each,) = roles.adapter.decode(
        orjson.dumps({"k": "1", "p": [{"role": "80", "n": "A"}, {"role": "99", "n": "Z"}]}), ""
    )
    assert isinstance(each, Decoded)
    assert [(leaf.path, leaf.value) for leaf in each.unmapped()] == [("p[2]/role", "99"), ("p[2]/n", "Z")]


def test_rows_that_say_the_same_share_a_place_and_others_are_refused(load: Load) -> None:
    channel = load(
        profile(
            "navReport",
            "currency: {from: c}\nnetAssets.value: {from: n, decimal: 2}\n"
            "netAssets.currency: {from: c, nothing: '000'}\n",
        )
    )
    content = {"currency": "CNY", "netAssets": {"value": "1.00", "currency": "CNY"}}
    assert decoded(channel, {"c": "CNY", "n": "1.00"}) == content
    assert encoded(channel, "navReport", content) == {"c": "CNY", "n": "1.00"}
    (found,) = unheld(channel, "navReport", {**content, "currency": "USD"})
    assert (found.rule, found.partner_path) == ("mapping.share", "c")


def test_a_currency_says_nothing_of_an_amount_that_is_not_there(load: Load) -> None:
    rows = "netAssets.value: {from: n, decimal: 2}\nnetAssets.currency: {from: c}\nnavDate: {from: d, date: '%Y%m%d'}"
    assert decoded(load(profile("navReport", rows)), {"c": "CNY", "d": "20260131"}) == {"navDate": "2026-01-31"}


def test_a_blank_part_may_make_the_whole_say_nothing(load: Load) -> None:
    rows = (
        "orderReference: {from: r}\ntradeDate: {from: d, date: '%Y%m%d'}\n"
        "orderedAt: {from: [d, t], lengths: [8, 6], datetime: '%Y%m%d%H%M%S', zone: '+08:00', nothing: ''}"
    )
    channel = load(profile("subscriptionOrder", rows))
    dated = {"orderReference": "A", "tradeDate": "2026-01-31"}
    timed = {**dated, "orderedAt": "2026-01-31T09:30:00+08:00"}
    for document, content in (
        ({"r": "A", "d": "20260131"}, dated),
        ({"r": "A", "d": "20260131", "t": "093000"}, timed),
    ):
        assert decoded(channel, document) == content
        assert encoded(channel, "subscriptionOrder", content) == document


def test_zero_needs_no_sign_and_other_numbers_do(load: Load) -> None:
    channel = load(profile("navReport", "dailyGrowth: {from: r, decimal: 2, sign: {from: f, minus: D, plus: C}}"))
    assert decoded(channel, {"r": "0.00"}) == {"dailyGrowth": "0.00"}
    (found,) = refused(channel, {"r": "0.01"})
    assert found.partner_path == "f + r"


def test_the_first_of_a_list_of_values_has_a_row_and_a_second_no_place(load: Load) -> None:
    rows = "relatedParties[0].roles[0]: {constant: AGENT}\nrelatedParties[0].party.name: {from: n}"
    channel = load(profile("accountOpening", rows))
    content = {"relatedParties": [{"party": {"name": "A"}, "roles": ["AGENT"]}]}
    assert decoded(channel, {"n": "A"}) == content
    assert encoded(channel, "accountOpening", content) == {"n": "A"}
    more = {"relatedParties": [{"party": {"name": "A"}, "roles": ["AGENT", "SPOUSE"]}]}
    assert [each.path for each in unheld(channel, "accountOpening", more)] == [
        "accountOpening.relatedParties[0].roles[1]"
    ]


def test_no_decision_loses_an_item_of_a_list_that_has_fewer_places(load: Load) -> None:
    rows = "reasons[0].text: {from: t}\nreasons[0].code: {constant: OTHER}"
    more = "    dropped:\n      reasons.code: {reason: only texts, only: [OTHER]}\n"
    channel = load(profile("requestResult", rows, more))
    assert encoded(channel, "requestResult", {"reasons": [{"code": "OTHER", "text": "A"}]}) == {"t": "A"}
    (found,) = unheld(channel, "requestResult", {"reasons": [{"code": "OTHER"}, {"code": "OTHER"}]})
    assert (found.rule, found.path) == ("mapping.no_place", "requestResult.reasons[1].code")


@pytest.fixture
def totals(load: Load) -> Channel:
    rows = (
        "h/count: {count: positions}\nh/sum: {sum: positions.marketValue.value, amount: fen}\n"
        "positions[]: {each: l, map: {marketValue.value: {from: v, amount: fen}, "
        "marketValue.currency: {constant: CNY}}}"
    )
    return load(profile("positionStatement", rows))


def test_the_partners_totals_are_written_and_compared(totals: Channel) -> None:
    lines = [{"v": "105"}, {"v": "200"}]
    content = {"positions": [{"marketValue": {"value": value, "currency": "CNY"}} for value in ("1.05", "2.00")]}
    document = {"h": {"count": "2", "sum": "305"}, "l": lines}
    assert (decoded(totals, document), encoded(totals, "positionStatement", content)) == (content, document)


@pytest.mark.parametrize(
    ("head", "place", "value", "expected"),
    [({"count": "3", "sum": "305"}, "h/count", "3", "2"), ({"count": "2", "sum": "306"}, "h/sum", "3.06", "3.05")],
)
def test_a_total_that_is_not_that_of_its_parts_is_refused(
    totals: Channel, head: Json, place: str, value: str, expected: str
) -> None:
    found = refused(totals, {"h": head, "l": [{"v": "105"}, {"v": "200"}]})[0]
    assert (found.rule, found.partner_path, found.value, found.expected) == ("mapping.total", place, value, expected)


@pytest.mark.parametrize(
    ("rows", "document", "place"),
    [
        ("navDate: {from: [d, t], lengths: [4, 4], date: '%Y%m%d'}", {"d": "2026"}, "d + t"),
        ("instrument.name: {from: [a, b], join: ' '}", {"a": "A"}, "a + b"),
        ("units: {from: n, decimal: 2, grouping: true}", {"n": "1,23"}, "n"),
        ("units: {from: n, decimal: 2, sign: {from: f, minus: D, plus: C}}", {"n": "1", "f": "X"}, "f + n"),
        ("instrument.code: {from: c, pad: {width: 4}}", {"c": "00012"}, "c"),
        ("units: {from: n, percent: sign}", {"n": "1"}, "n"),
        ("instrument.name: {from: n, split: '/', piece: 0, pieces: 2}", {"n": "A"}, "n"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_at_its_place(load: Load, rows: str, document: Json, place: str) -> None:
    (found,) = refused(load(profile("navReport", rows)), document)
    assert found.partner_path == place


@pytest.mark.parametrize(
    ("rows", "content", "rule"),
    [
        ("instrument.name: {from: n, length: 2}", {"instrument": {"name": "三个字"}}, "mapping.text"),
        ("instrument.name: {from: n, length: {bytes: 8}}", {"instrument": {"name": "三个字"}}, "mapping.text"),
        ("instrument.code: {from: c, pad: {width: 4}}", {"instrument": {"code": "0012"}}, "mapping.text"),
        ("instrument.name: {from: [a, b], join: ' '}", {"instrument": {"name": "One"}}, "mapping.text"),
        (
            "instrument.name: {from: n, split: '/', piece: 0, pieces: 2}",
            {"instrument": {"name": "A/B"}},
            "mapping.text",
        ),
        ("netAssets.value: {from: n, amount: wan, decimal: 2}", {"netAssets": {"value": "1.00"}}, "mapping.amount"),
        (
            "periodStart: {from: p, split: '-', piece: 0, pieces: 2, date: '%Y%m%d'}",
            {"periodStart": "2026-01-01"},
            "mapping.share",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_never_cut(
    load: Load, rows: str, content: dict[str, Any], rule: str
) -> None:
    body = "disclosureNotice" if "periodStart" in content else "navReport"
    (found,) = unheld(load(profile(body, rows)), body, content)
    assert found.rule == rule


def test_full_width_characters_are_read_as_half_width(load: Load) -> None:
    channel = load(profile("navReport", "instrument.code: {from: c, halfwidth: true}"))
    assert decoded(channel, {"c": "ＡＢ１２　"}) == {"instrument": {"code": "AB12"}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("navDate: {from: [a, b], date: '%Y%m%d'}", "several places say join"),
        ("navDate: {from: a, join: '-', date: '%Y%m%d'}", "join and lengths go with several places"),
        ("instrument.name: {from: a, split: '-'}", "a piece says split"),
        ("units: {from: a, only: {X: nonsense}}", "is no value of"),
        (
            "instrument.name: {from: a, when: {state: FORMAL}}",
            "when asks for a field that a row of the same group",
        ),
        ("instrument.name: {from: a, when: {state: NONSENSE}}", "is no value of this field"),
        ("h/x: {sum: instrument.name}", "the standard has no number instrument.name"),
        ("units: {from: a, decimal: 2, amount: fen}", "fen are whole"),
        ("affectedOrders[1]: {from: a}", "values of a list are name[] with each"),
    ],
)
def test_a_row_that_says_too_little_or_too_much_is_refused(load: Load, rows: str, said: str) -> None:
    with pytest.raises(ProfileInvalid) as caught:
        load(profile("navReport", rows))
    assert said in caught.value.detail


def test_a_record_that_cannot_be_read_names_its_interface_and_does_not_stop_the_others(load: Load) -> None:
    text = profile("navReport", "navDate: {from: ./d, date: '%Y%m%d'}").replace(
        "    key: [k]", "    key: [./i]\n    records: l"
    )
    channel = load(text)
    raw = orjson.dumps(
        {"k": "1", "l": [{"i": "1", "d": "20260101"}, {"i": "2", "d": "x"}, {"i": "3", "d": "20260103"}]}
    )
    first, second, third = channel.adapter.decode(raw, "")
    assert (type(second), isinstance(first, Decoded), isinstance(third, Decoded)) == (Undecoded, True, True)
    assert isinstance(second, Undecoded)
    assert (second.interface, [each.partner_path for each in second.findings]) == ("one", ["l[2]/d"])


@pytest.mark.parametrize(
    ("said", "right"), [({"n": 2, "t": 300}, True), ({"n": 3, "t": 300}, False), ({"n": 2}, False)]
)
def test_control_totals_of_a_document_are_those_of_its_records(load: Load, said: Json, right: bool) -> None:
    text = profile("navReport", "units: {from: ./u, decimal: 2}").replace(
        "    key: [k]", "    key: [./i]\n    records: l"
    )
    channel = load(text.replace("{kind: json}", "{kind: json, totals: {count: n, sums: {u: t}}}"))
    raw = orjson.dumps({"k": "1", **said, "l": [{"i": "1", "u": "100"}, {"i": "2", "u": "200"}]})
    if right:
        assert len(list(channel.adapter.decode(raw, ""))) == 2
    else:
        with pytest.raises(ContentRefused) as caught:
            list(channel.adapter.decode(raw, ""))
        assert caught.value.findings[0].rule == "format.total"


def test_a_condition_on_a_default_holds_where_a_refusal_is_traced_as_well(load: Load) -> None:
    rows = (
        "state: {from: s, codes: state, default: FORMAL, oneway: in}\n"
        ".: {at: ., map: {state: {from: s, codes: state, oneway: out}}}\n"
        "unitNav: {from: n, decimal: 4, when: {state: FORMAL}}"
    )
    channel = load(profile("navReport", rows, "codes:\n  state: {'1': FORMAL, '2': ESTIMATED}\n"))
    (each,) = channel.adapter.decode(orjson.dumps({"k": "1", "n": "1.02"}), "")
    assert isinstance(each, Decoded)
    assert (each.message["navReport"], each.unmapped()) == ({"state": "FORMAL", "unitNav": "1.02"}, [])
    assert [found.partner_path for found in refused(channel, {"n": "x"})] == ["n"]


def test_an_empty_object_without_a_place_is_refused_by_name(load: Load) -> None:
    (found,) = unheld(load(profile("navReport", "unitNav: {from: n, decimal: 4}")), "navReport", {"correction": {}})
    assert (found.rule, found.path) == ("mapping.no_place", "navReport.correction")


@pytest.mark.parametrize("form", ["{kind: json}", "{kind: xml, root: N}"])
@pytest.mark.parametrize("text", ["A ", " A", "\u3000"])
def test_blanks_that_reading_would_not_give_back_are_refused(load: Load, form: str, text: str) -> None:
    channel = load(profile("navReport", "instrument.name: {from: n}").replace("{kind: json}", form))
    (found,) = unheld(channel, "navReport", {"instrument": {"name": text}})
    assert (found.rule, found.path) == ("mapping.text", "navReport.instrument.name")


TWO = """\
interfaces:
  first:
    message: navReport
    direction: both
    when: {state: ESTIMATED}
    format: {kind: json}
    records: l
    match: {./s: "1"}
    key: [./i]
    map: {"./s": {constant: "1"}, header.partnerSerial: {from: ./i}, state: {constant: ESTIMATED}}
  second:
    message: navReport
    direction: both
    format: {kind: json}
    records: l
    match: {./s: "2"}
    key: [./i]
    map: {"./s": {constant: "2"}, header.partnerSerial: {from: ./i}, state: {constant: FORMAL}}
"""


def test_records_of_one_document_go_to_the_interface_whose_match_they_fit(load: Load) -> None:
    channel = load(HEAD + TWO)
    raw = orjson.dumps({"l": [{"s": "2", "i": "A"}, {"s": "9", "i": "B"}, {"s": "1", "i": "C"}]})
    second, neither, first = channel.adapter.decode(raw, "")
    assert [each.interface for each in (second, neither, first)] == ["second", None, "first"]
    assert isinstance(neither, Undecoded)
    assert [(each.rule, each.value, each.expected) for each in neither.findings] == [
        ("mapping.no_interface", "9", "1、2")
    ]


def test_a_message_goes_out_by_the_first_interface_whose_condition_holds(load: Load) -> None:
    channel = load(HEAD + TWO)
    header = {**HEADER, "partnerSerial": "1"}
    for state, code in (("ESTIMATED", "1"), ("FORMAL", "2")):
        (each,) = channel.adapter.encode([{"header": header, "navReport": {"state": state}}])
        assert orjson.loads(each.content)["l"][0]["s"] == code


def test_a_way_out_that_is_never_taken_is_refused(load: Load) -> None:
    with pytest.raises(ProfileInvalid) as caught:
        load(HEAD + TWO.replace("    when: {state: ESTIMATED}\n", ""))
    assert "navReport goes out by first already" in caught.value.detail


def test_a_list_whose_condition_does_not_hold_is_not_read(load: Load) -> None:
    rows = (
        "applicant.kind: {from: t, codes: kind}\n"
        "relatedParties[]: {each: l, when: {applicant.kind: INSTITUTION}, "
        "map: {party.birthDate: {from: b, date: '%Y%m%d'}}}"
    )
    channel = load(profile("kycApplication", rows, "codes:\n  kind: {'0': INSTITUTION, '1': NATURAL_PERSON}\n"))
    junk = {"l": [{"b": "junk"}]}
    assert decoded(channel, {"t": "1", **junk}) == {"applicant": {"kind": "NATURAL_PERSON"}}
    assert "mapping.date" in {each.rule for each in refused(channel, {"t": "0", **junk})}
    person = {"applicant": {"kind": "NATURAL_PERSON"}, "relatedParties": []}
    assert encoded(channel, "kycApplication", person) == {"t": "1"}


def test_two_places_of_one_field_that_differ_are_refused(load: Load) -> None:
    rows = (
        "state: {from: s, codes: state}\ninstrument.code: {from: c1, when: {state: ESTIMATED}}\n"
        "instrument.name: {from: n}"
    )
    more = rows.replace("\ninstrument.name: {from: n}", "")
    channel = load(
        profile(
            "navReport",
            f"{more}\ninstrument: {{at: x, when: {{state: [ESTIMATED, FORMAL]}}, map: {{code: {{from: c2}}}}}}",
            "codes:\n  state: {'1': ESTIMATED, '2': FORMAL}\n",
        )
    )
    (found,) = refused(channel, {"s": "1", "c1": "AAA", "x": {"c2": "BBB"}})
    assert (found.rule, found.partner_path) == ("mapping.share", "x/c2")
    assert decoded(channel, {"s": "1", "c1": "AAA", "x": {"c2": "AAA"}})["instrument"] == {"code": "AAA"}


@pytest.mark.parametrize("zeros", [20_000, 200_000])
def test_a_long_run_of_zeros_is_refused_in_linear_time(load: Load, zeros: int) -> None:
    channel = load(profile("navReport", "units: {from: n, decimal: 2}\nnetAssets.value: {from: a, amount: fen}"))
    found = refused(channel, {"n": "0" * zeros + "x", "a": "0" * zeros + "x"})
    assert {each.rule for each in found} >= {"mapping.decimal", "mapping.amount"}


@pytest.mark.parametrize(
    ("rows", "content", "rule"),
    [
        (
            "instrument.name: {from: [a, b], join: ' ', nothing: [无]}",
            {"instrument": {"name": "基金 无"}},
            "mapping.text",
        ),
        (
            "instrument.code: {from: p, split: '--', piece: 0, pieces: 2}\n"
            "instrument.name: {from: p, split: '--', piece: 1, pieces: 2}",
            {"instrument": {"code": "A-", "name": "B"}},
            "mapping.share",
        ),
    ],
)
def test_parts_that_could_not_be_told_apart_again_are_refused(load: Load, rows: str, content: Json, rule: str) -> None:
    assert [each.rule for each in unheld(load(profile("navReport", rows)), "navReport", content)] == [rule]


def test_a_sign_of_its_own_does_not_go_with_padding(load: Load) -> None:
    with pytest.raises(ProfileInvalid, match="goes with a plain number"):
        load(profile("navReport", "units: {from: n, decimal: 2, pad: {width: 9}, sign: {from: f, minus: D, plus: C}}"))


@pytest.mark.parametrize(("text", "value"), [("0000000.50", "0.50"), ("0000001.50", "1.50"), ("0000000000", "0")])
def test_a_padded_number_keeps_the_zero_before_its_point(load: Load, text: str, value: str) -> None:
    channel = load(profile("navReport", "units: {from: n, decimal: 2, pad: {width: 10}}"))
    assert decoded(channel, {"n": text}) == {"units": value}
    assert encoded(channel, "navReport", {"units": value}) == {"n": text}


def test_sums_of_a_message_are_exact(totals: Channel) -> None:
    values = ["9" * 26 + ".89", "0.01"]
    content = {"positions": [{"marketValue": {"value": value, "currency": "CNY"}} for value in values]}
    assert encoded(totals, "positionStatement", content)["h"]["sum"] == "9" * 26 + "90"


@pytest.mark.parametrize("constant", ["A'B", 'A"B', "A{B}", "A\\B", "A\tB"])
def test_a_constant_of_the_partners_is_written_as_it_is(load: Load, constant: str) -> None:
    text = profile(
        "navReport", f"b/c: {{constant: {orjson.dumps(constant).decode()}}}\nunits: {{from: b/n, decimal: 2}}"
    )
    (each,) = load(text).adapter.encode([{"header": {**HEADER, "partnerSerial": "1"}, "navReport": {"units": "1"}}])
    assert orjson.loads(each.content)["b"] == {"c": constant, "n": "1"}


def test_a_code_table_that_is_empty_says_so(load: Load) -> None:
    channel = load(profile("navReport", "state: {from: s, codes: state}", "codes:\n  state: {values: {}}\n"))
    (found,) = refused(channel, {"s": "1"})
    assert "a code of a table that is empty: complete the table" in found.text.en
