"""What the check of the OFD channel does not say: files without records, of several businesses, sent again."""

from pathlib import Path

import pytest

from tests.adapters.conftest import read
from xinqiao.adapter import Decoded
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.trial import try_input

SAMPLES = Path(__file__).parents[2] / "adapters/src/xinqiao_adapters/channels/wealth-ofd/samples"
ORDERS = ("subscription", "redemption", "switch", "cancel", "advance", "holding")
NAMES = sorted(path.stem for path in SAMPLES.glob("*.txt"))


@pytest.fixture(scope="module")
def wealth() -> Channel:
    return load_channel("wealth-ofd", [])


def file_of(head: list[bytes], records: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in [*head[:-1], f"{len(records):08}".encode(), *records, b"OFDCFEND"])


def head_and_records(name: str) -> tuple[list[bytes], list[bytes]]:
    whole = (SAMPLES / f"{name}.txt").read_bytes().splitlines()
    end = 10 + int(whole[9]) + 1
    return whole[:end], whole[end:-1]


def test_a_file_without_records_has_no_message_and_no_finding(wealth: Channel) -> None:
    head, _ = head_and_records("subscription")
    trial = try_input(wealth, file_of(head, []))
    assert (trial.records, trial.refused, trial.findings) == (0, False, [])


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_valid(wealth: Channel, name: str) -> None:
    trial = try_input(wealth, (SAMPLES / f"{name}.txt").read_bytes())
    assert (trial.valid, [each.as_json() for each in trial.findings]) == (trial.records, [])


def test_one_file_brings_orders_of_every_business(wealth: Channel) -> None:
    head, _ = head_and_records("subscription")
    records = [head_and_records(name)[1][0] for name in ORDERS]
    found = read(wealth, file_of(head, records), "")
    assert [each.interface for each in found if isinstance(each, Decoded)] == list(ORDERS)


def test_an_order_sent_again_in_another_days_file_is_a_repeat(wealth: Channel) -> None:
    raw = (SAMPLES / "subscription.txt").read_bytes()
    again = raw.replace(b"306      \r\n20260302", b"306      \r\n20260303")
    keys = [[each.key for each in read(wealth, file, "") if isinstance(each, Decoded)] for file in (raw, again)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == len(keys[0])


def test_messages_of_several_days_go_into_a_file_each(wealth: Channel) -> None:
    first, second, *_ = (each.message for each in read(wealth, (SAMPLES / "redemption.txt").read_bytes()))
    other = {**second, "header": {**second["header"], "businessDate": "2026-03-05"}}
    files = list(wealth.adapter.encode([first, other, other]))
    read_back = [[each.message for each in read(wealth, file.content, "")] for file in files]
    days = [[message["header"]["businessDate"] for message in messages] for messages in read_back]
    assert days == [[first["header"]["businessDate"]], ["2026-03-05", "2026-03-05"]]
