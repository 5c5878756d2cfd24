"""Case 5: a NAV is corrected after orders were confirmed at it.

The new revision names the old one, which stays. The orders that it touches are listed. What was confirmed is adjusted
by a message that two people stand behind, and what was disclosed is disclosed again.
"""

from collections.abc import Callable
from typing import Any

from tests.scenarios.stage import TRUST, WEALTH, Stage, message
from tests.scenarios.trading import answered, order, orders, trading, wealth_case
from xinqiao.message import Json, write_json
from xinqiao_gateway.resolution.affected import affected_orders

DAY = "2026-11-23"
PRODUCT = {"code": "ZX0001"}


def confirmation(number: str, nav: str, units: str, **header: Any) -> Json:
    """Return the confirmation of one of the day's orders, in what the distributor's format holds."""
    made = message("orderConfirmation", "20261123", TRUST, WEALTH)
    kept = ("messageId", "standardVersion", "sender", "receiver", "createdAt", "caseId")
    body = {
        "orderReference": number,
        "taSerial": f"TA{number}{nav}",
        "businessCode": "122",
        "returnCode": "0000",
        "finished": True,
        "account": {"number": "980000000001", "transactionAccount": "30600000000000001", "distributor": "306"},
        "instrument": PRODUCT,
        "confirmedOn": "2026-11-24",
        "tradeDate": DAY,
        "confirmedAmount": {"value": "100000.00", "currency": "CNY"},
        "confirmedUnits": units,
        "unitNav": nav,
    }
    return {"header": {name: made["header"][name] for name in kept} | header, "orderConfirmation": body}


def nav_report(nav: str, **header: Any) -> Json:
    """Return the NAV of the day, as the core reports it."""
    fields = {
        "instrument": PRODUCT,
        "navDate": DAY,
        "unitNav": nav,
        "cumulativeNav": nav,
        "units": None,
        "netAssets": None,
    }
    return message("navReport", "20261123", TRUST, WEALTH, header=header, **fields)


def disclosure(number: str, **header: Any) -> Json:
    return message(
        "disclosureNotice", "20261123", TRUST, WEALTH, header=header, disclosureNo=number, kind="NAV_DISCLOSURE"
    )


def confirmed_day(play: Stage) -> str:
    """Play a day with two orders up to their confirmation and disclosure; return the id of the NAV."""
    answered(play, orders(order("A1"), order("A2"), order("B1", FundCode="ZX0002")))
    play.wait_until("2026-11-24 09:00")
    old = play.send("core", nav_report("1.0021"))
    play.send("core", confirmation("A1", "1.0021", "99790.44"))
    play.send("core", confirmation("A2", "1.0021", "99790.44"))
    play.send("core", disclosure("DN1"))
    return old


def test_the_revision_names_the_old_nav_the_touched_orders_are_listed_adjusted_and_disclosed_again(
    stage: Callable[[str], Stage],
) -> None:
    play = trading(stage, "2026-11-23 09:00")
    play.draw("investors", WEALTH, **DISCLOSING)
    with play.playing():
        old = confirmed_day(play)
        new = nav_report("1.0012", replaces=old, revision=2)
        play.send("core", new)
        assert play.exceptions() == [("correction", old)]
        assert "disclosureNotice" in wealth_case(play)["memory"]["due"]
        touched = affected_orders(play.gateway.journal.reading, new)
        assert [each["order_reference"] for each in touched] == ["A1", "A2"]
        shown = play.admin(f"/v1/exceptions/{play.exception('correction')}")
        assert shown["affected_orders"] == touched
        for each, number in zip(touched, ("A1", "A2"), strict=True):
            adjusted = confirmation(number, "1.0012", "99880.14", replaces=each["message_id"], revision=2)
            play.resolve("correction", "reverse", "净值更正，份额调整", message=write_json(adjusted))
        # Each adjusted confirmation is a correction that a person has seen and closes.
        assert [kind for kind, _ in play.exceptions()] == ["correction"]
        play.resolve("correction", "close", "已随净值更正处理")
        play.send("core", disclosure("DN2"))
        assert "due" not in wealth_case(play)["memory"] or wealth_case(play)["memory"]["due"] == []
        assert play.exceptions() == []
        sent = [each["message_type"] for each in wealth_case(play)["messages"] if each["channel"] == "core"]
        assert sent == [
            "navReport",
            "orderConfirmation",
            "orderConfirmation",
            "disclosureNotice",
            "navReport",
            "disclosureNotice",
        ]
        assert play.found(replaces=old) == [new["header"]["messageId"]]
        assert [each["order_reference"] for each in affected_orders(play.gateway.journal.reading, new)] == ["A1", "A2"]


DISCLOSING = {
    "extends": "canonical",
    "interfaces": {
        "messages": None,
        "disclosure": {
            "title": {"zh": "披露", "en": "Disclosure"},
            "message": "disclosureNotice",
            "direction": "both",
            "format": {"kind": "canonical"},
        },
    },
}
