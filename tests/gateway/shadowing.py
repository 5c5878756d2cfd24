"""Recordings for shadow runs: what a bank sent, and what an older system made of it."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from xinqiao.adapter import Decoded
from xinqiao.errors import NotValid
from xinqiao.message import Json, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.loader import shipped_directory
from xinqiao_gateway.shadow import Core, Partner, Recording, Replay, ShadowReport, read_explanations, shadow_run

SAMPLES = shipped_directory() / "demo-bank" / "samples"
# What the bank sends: the samples of its incoming interfaces.
INCOMING = (
    "kyc_apply",
    "kyc_apply-institution",
    "contract_propose",
    "sign_evidence",
    "delivery_instruct",
    "account_entry",
)
TODAY = date(2026, 6, 30)
ACCEPTED = {"acceptedMessageId": "01890a5d-ac96-774b-bcce-b302099a8057", "acceptedAt": "2026-01-15T09:00:00Z"}


class OldSystem:
    """An older system: it reads as the shipped profile does, and writes what a test changes in it."""

    def __init__(self, channel: Channel | None = None) -> None:
        self.channel = channel or load_channel("demo-bank", [])

    def read(self, raw: bytes) -> list[Decoded]:
        """Return what a request says."""
        return [each for each in self.channel.adapter.decode(raw, "") if isinstance(each, Decoded)]

    def forwarded(self, raw: bytes) -> list[Json]:
        """Return the messages that go on to the core."""
        return [self.channel.completed(each.message) for each in self.read(raw)]

    def answer(self, raw: bytes, *, accepted: bool = True) -> bytes:
        """Return what the bank got."""
        decoded = self.read(raw)
        parties = ("913100001000100012", "91110000100000000R")
        yes = receipt(*parties, {**ACCEPTED, "position": "1"})
        outcome = yes if accepted else rejection(*parties, NotValid("1 finding"))
        found = self.channel.adapter.answer(decoded[0].interface if decoded else None, [outcome], decoded)
        assert found is not None
        return found.content


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.xml").read_bytes()


def write_case(
    folder: Path, request: bytes, answer: bytes | None, forwarded: Iterable[bytes], about: str | None = None
) -> Path:
    """Write a case as a folder."""
    folder.mkdir(parents=True)
    (folder / "request.xml").write_bytes(request)
    if answer is not None:
        (folder / "answer.xml").write_bytes(answer)
    for number, each in enumerate(forwarded, 1):
        (folder / f"forwarded-{number}.json").write_bytes(each)
    if about is not None:
        (folder / "about.yaml").write_text(about, encoding="utf-8")
    return folder


def record(folder: Path, names: Sequence[str] = INCOMING, system: OldSystem | None = None) -> Path:
    """Record samples as an older system that does all as the profile does."""
    system = system or OldSystem()
    for number, name in enumerate(names, 1):
        raw = sample(name)
        write_case(folder / f"{number:03}", raw, system.answer(raw), map(write_json, system.forwarded(raw)))
    return folder


def as_line(name: str, request: bytes, answer: bytes, forwarded: Iterable[Json]) -> str:
    """Return a case as a line."""
    line = {
        "case": name,
        "request": {"base64": base64.b64encode(request).decode(), "contentType": "application/xml"},
        "answer": {"base64": base64.b64encode(answer).decode(), "status": 200},
        "forwarded": [{"text": write_json(each).decode()} for each in forwarded],
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def run(
    recording: Path, *, channels: Path | None = None, partner: str = "demo-bank", core: str = "demo-core",
    explained: Path | None = None, answers: bool = False,
) -> ShadowReport:  # fmt: skip
    """Run the shadow of a recording that was made behind the seal."""
    search = [channels] if channels else []
    sides = Partner(load_channel(partner, search)), Core(load_channel(core, search))
    explanations = read_explanations(explained) if explained else []
    return shadow_run(Recording(recording).cases(), Replay(*sides, forwarded=not answers), explanations, TODAY)


def rows(report: ShadowReport) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many differences there are by path and class, and how many of them are explained."""
    return {(row.path, row.kind): (row.count, row.explained) for row in report.rows}
