"""``channel clock``: when each stage of onboarding was reached, how long it took, and who was waited for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from tests.gateway.conftest import BANK, Site, message
from tests.gateway.live_traffic import of_another_case, watch
from tests.gateway.test_onboarding import SAMPLE
from xinqiao.errors import SettingsInvalid, UnknownChannel
from xinqiao.message import timestamp
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.certification.clock import clock_of, reach, wait_for
from xinqiao_gateway.cli import app

BEGIN = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
HOUR = 3600.0


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def clock(data: Path, channel: str = "partner", *options: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run("channel", "clock", channel, "--data", data, "--json", *options).stdout)
    return said


def after(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def written(folder: Path, *lines: tuple[float, str]) -> Path:
    """Write a clock: hours after the beginning, and a stage or who is waited for."""
    (folder / "certification").mkdir(parents=True)
    said = [
        {"at": timestamp(after(hours)), "waits_for" if what in {"partner", "us"} else "stage": what}
        for hours, what in lines
    ]
    content = b"".join(orjson.dumps(each) + b"\n" for each in said)
    (folder / "certification" / "clock.jsonl").write_bytes(content)
    return folder


def test_durations_are_told_apart_by_who_was_waited_for(tmp_path: Path) -> None:
    folder = written(tmp_path / "bank", (0, "created"), (2, "checked"), (5, "added"), (9, "us"), (10, "first_green"))
    shown = clock_of(folder, timestamp(after(8)), now=after(12)).as_json()
    assert [(each["stage"], each["seconds"]) for each in shown["stages"]] == [
        ("created", {"partner": 0, "us": 0}),
        ("checked", {"partner": 0, "us": 2 * HOUR}),
        ("added", {"partner": 3 * HOUR, "us": 0}),
        ("first_message", {"partner": 3 * HOUR, "us": 0}),
        ("first_green", {"partner": 0, "us": 2 * HOUR}),
    ]
    assert (shown["next"], shown["waits_for"], shown["since"]) == ("certified", "us", timestamp(after(10)))
    assert shown["seconds"] == {"partner": 6 * HOUR, "us": 6 * HOUR}


def test_who_is_waited_for_may_be_said_until_the_next_stage(tmp_path: Path) -> None:
    folder = written(tmp_path / "bank", (0, "created"), (1, "partner"), (4, "checked"))
    shown = clock_of(folder, None, now=after(4))
    assert shown.reached[1].after == {"partner": 3 * HOUR, "us": HOUR}
    assert (shown.next, shown.waits_for) == ("added", "partner")


def test_nobody_is_waited_for_once_it_is_certified(tmp_path: Path) -> None:
    folder = written(tmp_path / "bank", (0, "created"), (1, "certified"), (2, "partner"))
    shown = clock_of(folder, None, now=after(9))
    assert (shown.next, shown.waits_for, shown.seconds) == (None, None, {"partner": 0.0, "us": HOUR})


def test_a_stage_counts_when_it_is_reached_first(tmp_path: Path) -> None:
    folder = written(tmp_path / "bank", (0, "created"))
    reach(folder, "certified")
    before = (folder / "certification" / "clock.jsonl").read_bytes()
    reach(folder, "created", "certified")
    assert (folder / "certification" / "clock.jsonl").read_bytes() == before


def test_saying_the_same_again_is_no_news(tmp_path: Path) -> None:
    folder = written(tmp_path / "bank", (0, "created"))
    wait_for(folder, "partner")
    before = (folder / "certification" / "clock.jsonl").read_bytes()
    wait_for(folder, "partner")
    assert (folder / "certification" / "clock.jsonl").read_bytes() == before


@pytest.mark.parametrize("content", [b"{}\n", b"no line\n", b'{"at": "2026-11-02T00:00:00Z", "stage": "asleep"}\n'])
def test_a_clock_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = written(tmp_path / "bank")
    (folder / "certification" / "clock.jsonl").write_bytes(content)
    with pytest.raises(SettingsInvalid, match="is no clock"):
        clock_of(folder, None)


def test_a_draft_begins_the_clock_and_a_channel_that_is_added_goes_on(tmp_path: Path) -> None:
    (tmp_path / "nav.xml").write_text(SAMPLE, encoding="utf-8")
    data = tmp_path / "data"
    options: list[str | Path] = ["--message", "navReport", "--code", BANK, "--data", data]
    assert run("channel", "new", "my-bank", "--from", tmp_path / "nav.xml", *options).exit_code == 0
    shown = clock(data, "my-bank")
    assert ([each["stage"] for each in shown["stages"]], shown["next"], shown["waits_for"]) == (
        ["created"], "checked", "us",
    )  # fmt: skip
    run("channel", "confirm", "my-bank", "--by", "张三", "--all-above", "0", "--data", data)
    write_key(new_key("my-bank-1").public(), tmp_path / "key.jwk")
    added = run("channel", "add", "my-bank", "--key", tmp_path / "key.jwk", "--data", data)
    assert added.exit_code == 0, added.exception
    shown = clock(data, "my-bank")
    assert ([each["stage"] for each in shown["stages"]], shown["waits_for"]) == (["created", "added"], "partner")


def test_a_green_check_counts_where_the_clock_was_begun_and_begins_none(site: Site) -> None:
    assert run("channel", "check", "partner", "--messages", "0", "--data", site.data).exit_code == 0
    assert clock(site.data)["stages"] == []
    reach(site.data / "channels" / "partner", "created", "added")
    run("channel", "check", "partner", "--messages", "0", "--data", site.data)
    assert [each["stage"] for each in clock(site.data)["stages"]] == ["created", "added", "checked"]


def test_the_first_message_is_the_journals_to_tell_and_green_traffic_the_looks(site: Site) -> None:
    assert clock(site.data)["waits_for"] is None
    site.send("partner", message("kycApplication")).raise_for_status()
    assert [each["stage"] for each in clock(site.data)["stages"]] == ["first_message"]
    assert run("channel", "watch", "partner", "--share", "1", "--data", site.data).exit_code == 0
    shown = clock(site.data)
    assert [each["stage"] for each in shown["stages"]] == ["first_message", "first_green"]
    assert (shown["next"], shown["waits_for"]) == ("certified", "us")


def test_a_channel_made_anew_under_its_id_waits_for_a_first_message_of_its_own(site: Site) -> None:
    site.send("partner", message("kycApplication")).raise_for_status()
    reach(site.data / "channels" / "partner", "created", "added")
    shown = clock(site.data)
    assert ([each["stage"] for each in shown["stages"]], shown["next"]) == (["created", "added"], "first_message")
    site.send("partner", message("kycApplication", "CASE-2")).raise_for_status()
    assert clock(site.data)["next"] == "first_green"


def test_an_operator_says_who_is_waited_for_and_people_read_it(site: Site) -> None:
    assert clock(site.data, "partner", "--waiting-for", "partner")["waits_for"] == "partner"
    said = run("channel", "clock", "partner", "--data", site.data).stdout
    assert "等待 waiting for 合作方 partner since" in said


def test_what_somebody_said_holds_until_the_traffic_breaks_something_else(site: Site) -> None:
    of_another_case(site)
    assert watch(site)[0] == 1
    assert clock(site.data)["waits_for"] == "partner"
    clock(site.data, "partner", "--waiting-for", "us")
    assert watch(site)[0] == 1
    assert clock(site.data)["waits_for"] == "us"


def test_a_channel_that_is_not_there_has_no_clock(tmp_path: Path) -> None:
    assert isinstance(run("channel", "clock", "nobody", "--data", tmp_path).exception, UnknownChannel)
