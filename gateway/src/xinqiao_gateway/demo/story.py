"""The story: one family trust with two beneficiaries, from the bank's KYC to a disclosure and its receipt."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.demo.equivalence import digest, facts_in, runs
from xinqiao_gateway.demo.screen import Screen
from xinqiao_gateway.demo.stage import DemoFailed, Stage

__all__ = ["run_demo"]

_PATIENCE = 30.0
_WRONG_AMOUNT = "9999000.00"


def run_demo(keep: Path | None) -> int:
    """Play the whole story and return the exit status; ``keep`` is a folder for its data, else it is removed."""
    screen = Screen()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="xinqiao-demo-") as temporary, _until_terminated():
        stage = Stage(keep or Path(temporary))
        try:
            with stage:
                Story(stage, screen).play()
        except DemoFailed as failure:
            return _failed(screen, str(failure), stage.log(failure.process))
        except (XinqiaoError, OSError, LookupError) as failure:
            return _failed(screen, f"{type(failure).__name__}: {failure}", stage.log("gateway"))
    screen.note(f"{time.monotonic() - started:.1f} s")
    if keep is not None:
        screen.note(f"数据在 data: {stage.data}")
        screen.note(f"查看 look at it: xinqiao-gateway case list --data {stage.data}")
        screen.note(
            f"继续运行 serve it: xinqiao-gateway serve --data {stage.data}  (银行和核心已停止 bank and core are gone)"
        )
    screen.end(ok=True)
    return 0


def _failed(screen: Screen, reason: str, log: Sequence[str]) -> int:
    screen.failure(reason, log)
    screen.end(ok=False)
    return 1


@contextmanager
def _until_terminated() -> Iterator[None]:
    """Make a failure of SIGTERM, so that nobody is left running then either."""

    def terminated(_signal: int, _frame: object) -> None:
        raise DemoFailed("the demo was told to stop (SIGTERM)")

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Story:
    """The acts, in order."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._screen = screen
        self._case = ""
        self._shown = 0

    def play(self) -> None:
        """Play every act and prove what was promised. Raises ``DemoFailed``."""
        self._screen.title("信桥 Xinqiao: 一单家族信托的设立 / the set-up of one family trust")
        self._screen.note(f"gateway {self._stage.gateway_url}; bank and core are processes of their own")
        self._establish()
        self._crash()
        self._deliver()
        self._report()
        self._prove()
        self._dock()
        self._prove_journal()

    def _establish(self) -> None:
        self._act("1. 尽调 KYC", "bank", "kyc", until="kyc_approved")
        self._act("2. 合同 Contract", "bank", "contract", until="signing")
        self._act("3. 签署 Signatures: 委托人 settlor, 受托人 trustee", "bank", "signature", until="signed")

    def _crash(self) -> None:
        self._screen.title("4. 网关断电重启 The gateway is killed (SIGKILL) and started again")
        before = self._messages()
        self._stage.kill_gateway()
        self._stage.start_gateway()
        after = self._messages()
        _require(after == before, "messages changed over the restart")
        self._screen.proof(f"{len(after)} acknowledged messages were there before, and are there after")

    def _deliver(self) -> None:
        self._act("5. 财产交付 Asset delivery", "bank", "delivery", until="delivery_instructed")
        wrong = f"payment?amount={_WRONG_AMOUNT}"
        self._act("6. 金额不符 Money arrives with another amount", "bank", wrong, until="funds_in_suspense")
        self._act("7. 金额相符 The right amount arrives", "bank", "payment", until="effective")

    def _report(self) -> None:
        self._act("8. 净值 NAV", "core", "nav", count=("navReport", 1))
        self._act("9. 信息披露 Disclosure", "core", "disclosure", count=("disclosureReceipt", 1))

    def _act(
        self, title: str, role: str, step: str, *, until: str | None = None, count: tuple[str, int] | None = None
    ) -> None:
        self._screen.title(title)
        done = self._stage.do(role, step)
        self._case = self._case or done.get("caseId") or self._stage.query("/v1/cases")[0]["case_id"]

        def reached() -> bool:
            case = self._show()
            types = [message["message_type"] for message in case["messages"]]
            return case["state"] == until if count is None else types.count(count[0]) >= count[1]

        self._wait(reached, f"{title}: {until or count}")

    def _show(self) -> dict[str, Any]:
        """Print the messages that came since the last look and return the case."""
        case: dict[str, Any] = self._stage.query(f"/v1/cases/{self._case}")
        self._screen.messages([message for message in case["messages"] if message["position"] > self._shown])
        self._shown = max([self._shown, *(message["position"] for message in case["messages"])])
        return case

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not reached():
            _require(time.monotonic() < deadline, f"{what} was not reached within {_PATIENCE:.0f} s")
            time.sleep(0.05)

    def _messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self._stage.query(f"/v1/cases/{self._case}")["messages"]
        return messages

    def _prove(self) -> None:
        self._screen.title("证明 What was proven")
        self._wait(lambda: not self._undelivered(), "every delivery")
        case = self._show()
        positions = [message["position"] for message in case["messages"]]
        _require(positions == list(range(1, len(positions) + 1)), "positions have gaps")
        self._screen.proof(f"{len(positions)} messages, positions 1 to {len(positions)} without a gap, all delivered")
        suspense = [each for each in case["exceptions"] if each["kind"] == "suspense"]
        _require(len(suspense) == 1, "the wrong amount is not in suspense")
        self._screen.proof(f"the payment of {_WRONG_AMOUNT} CNY is in suspense, and the trust waited for the right one")
        _require(case["state"] == "effective", "the trust is not effective")
        self._screen.proof("the trust is effective only after KYC, both signatures, and matched money")
        self._prove_both_sides(case)

    def _dock(self) -> None:
        """Send one recorded business by every package, and compare what the journal holds of it."""
        self._screen.title("五种对接方式 Five packages: one business, the same facts whichever way it comes")
        partner, data = self._stage.partner, self._stage.data
        found: dict[str, set[str]] = {}
        for run in runs(self._stage):
            facts = facts_in(data, partner, run.case_id)
            said = digest(facts)
            found.setdefault(run.story, set()).add(said)
            self._screen.package(run.package.zh, run.package.en, run.case_id, len(facts), said)
        _require(all(len(digests) == 1 for digests in found.values()), "the packages do not lead to the same facts")
        self._screen.proof("API, gRPC, SFTP file, H5, App and manager: byte by byte the same canonical facts")

    def _undelivered(self) -> list[dict[str, Any]]:
        return [each for each in self._stage.query("/v1/deliveries?limit=1000") if each["state"] != "delivered"]

    def _prove_both_sides(self, case: dict[str, Any]) -> None:
        senders = {"bank": "91110000100000000R", "core": "913100001000100012"}
        for role, code in senders.items():
            arrived = [each for each in self._stage.events(role) if each["direction"] == "received"]
            sent_to = [message for message in case["messages"] if message["receiver"] == code]
            once = [each for each in arrived if each["outcome"] == "accepted"]
            _require(len(once) == len(sent_to), f"the {role} got {len(once)} messages, not {len(sent_to)}")
            self._screen.proof(f"the {role} got each of its {len(sent_to)} messages once, in its own format")

    def _prove_journal(self) -> None:
        command = [sys.executable, "-m", "xinqiao_gateway", "journal", "verify", "--data", str(self._stage.data)]
        verified = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our command
        _require(verified.returncode == 0, f"the journal does not verify: {verified.stdout}{verified.stderr}")
        self._screen.proof(f"journal: {verified.stdout.splitlines()[0]} (Merkle trees, signed chain)")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DemoFailed(otherwise)
