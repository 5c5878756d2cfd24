"""One run: load from several channels, blows, recovery, and the verdict."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.blows import KINDS, Blows
from tests.crash.load import Load
from tests.crash.receiver import Receivers, receiving
from tests.crash.site import EAST, TRUST, WEST, Node, Site
from tests.crash.verdict import Verdict, judge
from tests.postgres import Postgres
from xinqiao.errors import SealInvalid
from xinqiao.evidence import verify_receipt

__all__ = ["Report", "conclude", "crash_run", "examine", "stage"]

_SECONDS = 180.0
_SECONDS_OF_A_KILL = 30.0
# Before a blow: what must move first, so that it strikes under load, and how long to wait for that.
_ACCEPTED, _APPLIED, _WARM = 30, 10, 5.0
# The database crashes before every third kill, beginning with the second; those are never the kind "starting".
_EVERY = 3
_REPEATED = 500


@dataclass(slots=True)
class Report:
    """What a run did and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    database_crashes: int = 0
    acknowledged: int = 0
    applied: int = 0
    verdict: Verdict = field(default_factory=Verdict)


@contextmanager
def stage(seed: int, journal_url: str | None = None) -> Iterator[tuple[Site, Receivers]]:
    """Set up an installation in a temporary folder with receivers that its channels are pushed to."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-crash-") as folder:
        site = Site(Path(folder), journal_url)
        codes = {"/core": TRUST, "/east": EAST, "/west": WEST}
        receivers = Receivers(codes, site.gateway_keys, _chance(seed))
        with receiving(receivers) as address:
            site.add_partners(address)
            yield site, receivers


def crash_run(kills: int, seed: int, postgres: Postgres | None, tell: Callable[[str], None]) -> Report:
    """Kill a gateway under load ``kills`` times, on SQLite or on ``postgres``, which is crashed now and then too."""
    with stage(seed, postgres.url() if postgres else None) as (site, receivers):
        node = Node(site)
        try:
            node.spawn()
            node.wait_until_healthy()
            load = Load(site, [node], receivers, seed, _SECONDS + kills * _SECONDS_OF_A_KILL)
            run = _Run(node, load, receivers, _chance(seed), postgres, tell)
            load.start()
            run.strike(kills)
            tell("waiting until everything arrives")
            conclude(site, [node], load, receivers, run.report)
        finally:
            node.stop()
    run.report.verdict.breaches += _idle(run.report, kills, is_crashed=postgres is not None)
    return run.report


def _idle(report: Report, kills: int, *, is_crashed: bool) -> list[str]:
    """Return what a run was for and did not do: it would prove nothing."""
    crashes = len(range(2, kills + 1, _EVERY)) if is_crashed else 0
    counted = {"kills": (report.kills.total(), kills), "crashes of the database": (report.database_crashes, crashes)}
    idle = [f"{done} {what}, {due} were to be" for what, (done, due) in counted.items() if done != due]
    return idle if report.acknowledged else [*idle, "nothing was acknowledged"]


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- repeatable, no secret


@dataclass(slots=True)
class _Run:
    node: Node
    load: Load
    receivers: Receivers
    chance: random.Random
    postgres: Postgres | None
    tell: Callable[[str], None]
    report: Report = field(default_factory=Report)

    def strike(self, kills: int) -> None:
        """Kill and start, until it was killed ``kills`` times and is there again."""
        blows = Blows(self.node, self.receivers, self.load.post, self.load.prober, self.chance)
        for number in range(1, kills + 1):
            kind = KINDS[(number - 1) % len(KINDS)]
            if kind != "starting":
                self.node.wait_until_healthy()
                blows.settle()
                self._warm_up(number)
            hit = blows.strike(kind)
            self.report.kills[hit] += 1
            accepted, applied = self.load.progress()
            self.tell(f"kill {number}/{kills} {hit}: {accepted} acknowledged, {applied} applied")
            self.node.spawn()
        self.node.wait_until_healthy()
        blows.settle()

    def _warm_up(self, number: int) -> None:
        """Let the load run, and crash the database under it every few times."""
        if self.postgres and number % _EVERY == 2:
            time.sleep(self.chance.uniform(0.1, 0.5))
            self.postgres.crash()
            time.sleep(self.chance.uniform(0.0, 0.5))
            self.postgres.start()
            self.report.database_crashes += 1
        self.load.wait_for_progress(_ACCEPTED, _APPLIED, _WARM)


def conclude(site: Site, nodes: list[Node], load: Load, receivers: Receivers, report: Report) -> None:
    """End the load, let everything arrive, and examine it."""
    receivers.calm = True
    load.finish()
    load.wait_until_applied()
    examine(site, nodes, load, receivers, report)


def examine(site: Site, nodes: list[Node], load: Load, receivers: Receivers, report: Report) -> None:
    """Judge what is there now. ``nodes`` are the gateways that run; they are stopped."""
    for node in nodes:
        node.check_alive()
    kept = site.stored()
    breaches = [*_unproven(site, load), *_unrepeated(load)]
    for node in nodes:
        node.stop()
    held = load.acknowledged
    report.acknowledged, report.applied = len(held), len(receivers.applied)
    report.verdict = judge(held, kept, receivers.applied)
    breaches += [] if site.stored() == kept else ["repeats changed the journal"]
    breaches += [each for sender in load.everybody for each in sender.breaches]
    breaches += [f"a receiver answered {each}" for each in sorted(set(receivers.statuses) - {200, 202, 503})]
    report.verdict.breaches += breaches + site.verify()


def _unproven(site: Site, load: Load) -> Iterator[str]:
    """Name each receipt that does not prove that its message, as it was sent, is in a signed batch."""
    for sender in load.everybody:
        for held in sender.acknowledged:
            try:
                if held.receipt:
                    verify_receipt(held.receipt, site.gateway_keys, sender.sent[held.serial].message)
            except SealInvalid as error:
                yield f"{held.serial}: {error.detail}"


def _unrepeated(load: Load) -> Iterator[str]:
    """Send some of the acknowledged messages once more: each must get its first receipt again."""
    every = [(sender, held) for sender in load.everybody for held in sender.acknowledged]
    for sender, held in every[:: max(1, len(every) // _REPEATED)]:
        again = sender.receipt_of(sender.sent[held.serial])
        sender.hang_up()
        if again != held:
            yield f"{held.serial}: first {held.receipt}, at the end {again and again.receipt}"
