"""Big files of partners, made up and written as streams: the same ``count`` gives the same bytes."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.ofd.dictionary import Field, dictionary
from xinqiao_adapters.formats.ofd.header import END, Header, write_header

__all__ = ["ofd_orders"]

_CHARSET = Charset("GB18030")
_HEADER = {
    "Version": "21",
    "Creator": "306",
    "Receiver": "98",
    "Date": "20260302",
    "Summary": "001",
    "FileType": "03",
    "Sender": "306",
    "ReceiverPerson": "98",
}
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = (
    "伟",
    "芳",
    "秀英",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "桂兰",
    "志远",
    "子涵",
    "䶮",
)
_BATCH = 2000


def ofd_orders(path: Path, count: int) -> None:
    """Write a data file of type 03 with all fields: subscriptions at launch (020), later ones (022), redemptions (024).

    Some records have a rare character that GBK lacks.
    """
    fields = dictionary().files["03"].fields
    lines = write_header(Header(_HEADER, fields, count), _CHARSET)
    records = _records([dictionary().fields[name] for name in fields], count)
    with path.open("wb") as file:
        file.write(b"".join(line + b"\r\n" for line in lines))
        while batch := list(islice(records, _BATCH)):
            file.write("".join(batch).encode("latin-1"))
        file.write(f"{END}\r\n".encode("ascii"))


def _records(fields: list[Field], count: int) -> Iterator[str]:
    """Yield each record as the latin-1 text of its bytes, with its end."""
    chance = random.Random(306)  # noqa: S311 -- made-up data
    given = _values(chance, 0)
    template = "".join(f"{{{each.name}}}" if each.name in given else " " * each.width for each in fields) + "\r\n"
    widths = {each.name: each for each in fields if each.name in given}
    notes = [_filled(widths["Specification"], f"{who}家族信托") for who in _people(chance)]
    for number in range(1, count + 1):
        values = _values(chance, number)
        record = {name: _filled(each, values[name]) for name, each in widths.items()}
        record["Specification"] = notes[number % len(notes)]
        yield template.format_map(record)


def _people(chance: random.Random) -> list[str]:
    return [chance.choice(_SURNAMES) + chance.choice(_GIVEN) for _ in range(997)]


def _filled(field: Field, text: str) -> str:
    raw = text if text.isascii() else _CHARSET.encode(text).decode("latin-1")
    return raw.rjust(field.width, "0") if field.type == "N" else raw.ljust(field.width)


def _values(chance: random.Random, number: int) -> dict[str, str]:
    """Return the values of an order; numbers as digits with their decimals implied."""
    code = ("020", "022", "022", "024")[number % 4]
    amount = str(chance.randrange(10_000_00, 5_000_000_00, 100_00))
    investor = chance.randrange(1, 400_000)
    day = date(2026, 3, 2) - timedelta(days=chance.randrange(1000))
    return {
        "AppSheetSerialNo": f"306{20260302:08}{number:013}",
        "FundCode": f"{chance.randrange(60):02}0{chance.randrange(1000):03}",
        "LargeRedemptionFlag": "1" if code == "024" else "",
        "TransactionDate": "20260302",
        "TransactionTime": f"{9 + number % 6:02}{number % 60:02}{number * 7 % 60:02}",
        "TransactionAccountID": f"306{investor:014}",
        "DistributorCode": "306",
        "ApplicationVol": amount if code == "024" else "0",
        "ApplicationAmount": "0" if code == "024" else amount,
        "BusinessCode": code,
        "TAAccountID": f"98{investor:010}",
        "DiscountRateOfCommission": "10000",
        "DepositAcct": _card(investor),
        "CurrencyType": "156",
        "BranchCode": f"3060{investor % 90 + 10}",
        "OriginalSubsDate": f"{day:%Y%m%d}" if code == "024" else "",
        "IndividualOrInstitution": "1",
        "ValidPeriod": "0",
        "Charge": "0",
        "ShareClass": "A" if number % 3 else "B",
        "DefDividendMethod": str(number % 2),
        "Specification": "",
        "AcceptMethod": str(number % 8),
        "ChargeType": "0",
    }


def _card(investor: int) -> str:
    """Return a card number with its Luhn digit."""
    digits = f"622202{investor:012}"
    doubled = [int(each) * (2 - place % 2) for place, each in enumerate(reversed(digits))]
    return f"{digits}{-sum(each // 10 + each % 10 for each in doubled) % 10}"
