"""The core as a process: what the engine does for every institution, and the core's own decisions on family trusts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from xinqiao.client import Client
from xinqiao.message import Json
from xinqiao.seal import KeyRing
from xinqiao_conformance.clock import Clock
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.core.core import Behaviour, Core
from xinqiao_conformance.simulators.engine import Engine
from xinqiao_conformance.simulators.rules import Rule
from xinqiao_conformance.simulators.script import Script, script_of
from xinqiao_conformance.simulators.steering import Outcome

__all__ = ["CoreSystem"]


class CoreSystem(Engine):
    """Serves a ``Core``: see ``Engine``. ``nav`` and ``disclosure`` are steps of its own, of the latest trust."""

    def __init__(
        self,
        core: Core,
        behaviour: Behaviour,
        client: Client,
        gateway_keys: KeyRing,
        wait: timedelta,
        *,
        clock: Clock | None = None,
        rules: Sequence[Rule] = (),
        test: bool = False,
        script: Script | None = None,
    ) -> None:
        script = script or replace(script_of("core"), institution=behaviour["institution"])
        super().__init__(script, client, gateway_keys, wait, clock=clock, rules=rules, test=test)
        self._core = core
        self._steps: Mapping[str, Callable[[str | None], Json]] = {
            "nav": core.report_nav,
            "disclosure": core.disclose,
        }

    def do(self, step: str, options: Mapping[str, str]) -> Outcome:
        """Send a NAV report or a disclosure notice for ``case``, or what the script sends."""
        if step in self._steps:
            return self.sent(lambda: self._steps[step](options.get("case")))
        return super().do(step, options)

    def react(self, message: Json, file: CaseFile) -> None:
        """Send what the core decides, then what its script adds."""
        for answer in self._core.react(message):
            self.post(answer, file, self.clock.now())
        super().react(message, file)
