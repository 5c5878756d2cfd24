"""A distributor's trading on the stage: order and confirmation files by OFD, the transfer agent pulls and answers."""

from collections.abc import Callable
from typing import Any

import orjson

from tests.scenarios.stage import TRUST, WEALTH, Stage, ofd
from xinqiao.message import Json

OFD_CASE = {"head": {"caseId": {"from": "File/Date", "oneway": "in"}}}


def trading(stage: Callable[[str], Stage], start: str, **overlay: Any) -> Stage:
    """Return a stage with a wealth company by OFD, whose case is the trading day, and the trustee's core."""
    found = stage(start)
    found.add("wealth", extends="wealth-ofd")
    found.overlay("wealth", parts=OFD_CASE, **overlay)
    found.add("core", extends="canonical", institution=TRUST)
    return found


def order(
    number: str, amount: str = "100000.00", time: str = "093000", day: str = "20261123", **more: str
) -> dict[str, str]:
    """Return a record of a file of orders: a subscription of ``amount`` yuan."""
    cents = amount.replace(".", "")
    record = {
        "AppSheetSerialNo": number,
        "FundCode": "ZX0001",
        "TransactionDate": day,
        "TransactionTime": time,
        "TransactionAccountID": "30600000000000001",
        "DistributorCode": "306",
        "ApplicationVol": "0",
        "ApplicationAmount": cents,
        "BusinessCode": "022",
        "TAAccountID": "980000000001",
        "CurrencyType": "156",
        "IndividualOrInstitution": "1",
    }
    return record | more


def orders(*records: dict[str, str], day: str = "20261123") -> bytes:
    """Return a file of orders."""
    return ofd("03", day, list(records))


def answered(stage: Stage, content: bytes) -> list[Json]:
    """Send a file by OFD and return what each of its records was answered."""
    response = stage.post("wealth", content, "text/plain")
    found: Json | list[Json] = orjson.loads(response.content)
    return found if isinstance(found, list) else [found]


def wealth_case(stage: Stage, day: str = "20261123") -> Json:
    """Return the case of a trading day."""
    return stage.case(day, WEALTH)
