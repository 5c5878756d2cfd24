"""Case 7: rare characters, and the dot in a name.

A rare character arrives as itself, never as a question mark: what a partner's old fonts keep in private places has a
table in its channel. A name stays as it came; only for comparing are its dots and blanks made alike. A name that does
not fit a field is refused and never cut inside a character.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

import xinqiao_adapters
from tests.scenarios.stage import TRUST, WEALTH, Stage, message
from tests.scenarios.trust import bank_xml, trust
from xinqiao.message import Json, new_message_id

_INSURER = Path(xinqiao_adapters.__file__).parent / "channels" / "insurer-xml" / "samples"
NAME = "买买提·吐尔逊䶮"
POLICY = {
    "rules": [
        {
            "id": "not-his-account",
            "title": {"zh": "付款账户户名与户主不符", "en": "Another's account"},
            "for": ["subscriptionOrder"],
            "when": [{"path": "paymentAccount.name", "differs_from": "account.holderName"}],
            "verdict": "approve",
        }
    ]
}


def insured(stage: Callable[[str], Stage]) -> Stage:
    """Return a stage with an insurer that writes GBK, with characters in places of its own."""
    found = stage("2026-06-01 09:00")
    found.add("insurer", extends="insurer-xml")
    found.add("core", extends="canonical", institution=TRUST)
    return found


def test_a_name_with_a_dot_and_a_rare_character_arrives_as_it_is(stage: Callable[[str], Stage]) -> None:
    play = trust(stage)
    with play.playing():
        content = bank_xml("kyc_apply", ("<CustName>王小明<", f"<CustName>{NAME}<"))
        assert b"?" not in content.partition(b"?>")[2]
        assert play.post("bank", content, "application/xml").status_code == 202
        (got,) = play.received("core")
        assert got["kycApplication"]["applicant"]["name"] == NAME
        shown = play.admin(f"/v1/messages/{got['header']['messageId']}")
        assert NAME not in orjson.dumps(shown).decode()  # for operators it is masked


def test_an_insurers_gbk_is_read_with_the_table_of_its_channel_and_written_with_it(
    stage: Callable[[str], Stage],
) -> None:
    play = insured(stage)
    with play.playing():
        # FE9F (䶮) is what Python's own gbk refuses, FE59 a place of the insurer's own fonts.
        content = (_INSURER / "policy_event-batch.xml").read_bytes().replace(b"\xfe\x9f", b"\xfe\x9f\xfe\x59")
        content = content.replace(b"<BusiNo>CASE-2026-0107</BusiNo>", b"")
        assert play.post("insurer", content, "application/xml").status_code == 202
        named = [each["policyEvent"].get("account", {}).get("name") for each in play.received("core")]
        assert named[0] == "周䶮\u9fb4山"
        play.send("core", servicing("周山", "周䶮\u9fb4山"))
        (written,) = play.raw_received("insurer")
        # What it wrote as FE9F it is given as FE9F; what its table names, in its own place.
        assert "周".encode("gbk") + b"\xfe\x9f\xfe\x59" + "山".encode("gbk") in written
        assert b"?" not in written.partition(b"?>")[2]


def test_a_character_that_a_partners_encoding_lacks_is_a_reference_of_xml_and_never_a_question_mark(
    stage: Callable[[str], Stage],
) -> None:
    play = insured(stage)
    with play.playing():
        play.send("core", servicing("周山", "周𠮷山"))
        (written,) = play.raw_received("insurer")
        assert "周&#134071;山".encode("gbk") in written
        assert b"?" not in written.partition(b"?>")[2]


def test_names_that_differ_in_their_dot_only_are_the_same_person_and_stay_as_they_came(
    stage: Callable[[str], Stage],
) -> None:
    play = stage("2026-11-23 09:00")
    play.write("policy.yaml", POLICY)
    play.add("fund", extends="canonical", institution=WEALTH)
    play.add("core", extends="canonical", institution=TRUST)
    with play.playing():
        for written in ("买买提•吐尔逊", "买买提・吐尔逊", "买买提 · 吐尔逊"):
            play.send("fund", subscription(written))
        assert play.exceptions() == []
        names = [each["subscriptionOrder"]["paymentAccount"]["name"] for each in play.received("core")]
        assert names == ["买买提•吐尔逊", "买买提・吐尔逊", "买买提 · 吐尔逊"]
        play.send("fund", subscription("吐尔逊·买买提"))
        assert play.exceptions() == [("approval", "rules not-his-account")]


def test_a_name_that_is_too_long_for_a_field_is_not_cut(stage: Callable[[str], Stage]) -> None:
    play = stage("2026-11-23 09:00")
    play.add("wealth", extends="wealth-ofd")
    play.add("core", extends="canonical", institution=TRUST)
    with play.playing():
        # The field holds forty bytes: twenty characters of GBK, ten of those that only GB18030 has.
        for name in ("\u9fb4" * 10, "信" * 20, "信" * 21, "\u9fb4" * 11):
            play.send("core", nav(name))
        written = play.raw_received("wealth")
        assert [each[2] for each in play.deliveries()] == ["waiting", "waiting", "dead", "dead"]
        assert ["信" * 20 in each.decode("gb18030") for each in written] == [False, True]
        assert ["\u9fb4" * 10 in each.decode("gb18030") for each in written] == [True, False]


def servicing(old: str, new: str) -> Json:
    """Return a servicing request to the insurer in which a name is another."""
    text = (_INSURER / "servicing_apply-insured.json").read_text(encoding="utf-8")
    assert old in text
    made: Json = orjson.loads(text.replace(old, new))
    header = {name: value for name, value in made["header"].items() if name != "channelId"}
    return {**made, "header": header | {"messageId": new_message_id()}}


def subscription(payer: str) -> Json:
    account = {"number": "980000000001", "holderName": "买买提·吐尔逊"}
    return message(
        "subscriptionOrder",
        None,
        WEALTH,
        account=account,
        paymentAccount={"number": "6222020000000000018", "name": payer},
    )


def nav(name: str) -> Json:
    made = message("navReport", None, TRUST, WEALTH)
    kept = ("messageId", "standardVersion", "sender", "receiver", "createdAt")
    body: dict[str, Any] = {
        "instrument": {"code": "ZX0001", "name": name},
        "navDate": "2026-11-20",
        "unitNav": "1.0021",
        "cumulativeNav": "1.0021",
        "state": "FORMAL",
    }
    header = {each: made["header"][each] for each in kept} | {"businessDate": "2026-11-23"}
    return {"header": header, "navReport": body}
