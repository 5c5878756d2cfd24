"""Reading, checking and writing a 2.4 KB KYC, beside what else does that in Python, interleaved in one process."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contenders import BODY, Contender, contenders, is_valid
from xinqiao.message import message_type, read_json, write_json
from xinqiao.rules import findings_of
from xinqiao.testing import vector
from xinqiao.xml_form import read_xml, write_xml

ROUNDS = 40
SLICE = 0.02  # seconds that each has in a round
# At most 40 µs on a machine where pydantic's model_validate_json takes 27.
LIMIT = 40 / 27
PEERS = ("pydantic", "jsonschema", "json_format")


def measure() -> dict[str, Any]:
    """Run all, interleaved; return each one's figures, its speed over three peers', and what our own steps take."""
    entrants, steps = contenders(), _steps()
    found = {each.name: _about(each) for each in entrants}
    times = _interleaved({each.name: _bound(each) for each in entrants} | steps)
    return {
        "rounds": ROUNDS,
        "contenders": {name: about | _figures(name, times) for name, about in found.items()},
        "steps_us": {name: statistics.median(times[name]) for name in steps},
        "time_over_pydantic_read": {"limit": LIMIT, "seen": _ratio(times["xinqiao"], times["pydantic_read"])},
    }


def _about(each: Contender) -> dict[str, Any]:
    return {"library": each.library, "steps": each.steps, "bytes": len(each.content), "refuses": each.refuses()}


def _bound(each: Contender) -> Callable[[], object]:
    run, content = each.run, each.content
    return lambda: run(content)


def _steps() -> dict[str, Callable[[], object]]:
    """Return the steps of our own contenders, each on its own."""
    message = vector(BODY)
    kind, content, markup = message_type(message), write_json(message), write_xml(message)
    return {
        "read_json": lambda: read_json(content),
        "schema": lambda: is_valid(message),
        "rules": lambda: findings_of(message, kind),
        "write_json": lambda: write_json(message),
        "read_xml": lambda: read_xml(markup),
        "write_xml": lambda: write_xml(message),
    }


def _interleaved(calls: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return for each the microseconds of a call in every round; rounds go to and fro, so that none is always last."""
    repeats = {name: max(1, int(SLICE / _once(call, 10))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    # What was imported is not collected again and again, as it is not in a gateway; what calls leave behind is.
    gc.collect()
    gc.freeze()
    for number in range(ROUNDS):
        for name in list(calls)[:: -1 if number % 2 else 1]:
            times[name].append(_once(calls[name], repeats[name]) * 1e6)
    gc.unfreeze()
    return times


def _once(call: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


def _figures(name: str, times: dict[str, list[float]]) -> dict[str, Any]:
    median = statistics.median(times[name])
    return {
        "median_us": median,
        "best_us": min(times[name]),
        "per_second": 1e6 / median,
        "speed_over": {peer: _ratio(times[peer], times[name]) for peer in PEERS},
    }


def _ratio(peer: list[float], own: list[float]) -> float:
    """Return the median of the rounds' ratios: what disturbs a round disturbs both."""
    return statistics.median(theirs / ours for theirs, ours in zip(peer, own, strict=True))


def report(console: Console, result: dict[str, Any]) -> None:
    """Print what was measured."""
    console.print(f"\n[bold]standard[/bold]: one KYC, one thread, {ROUNDS} rounds; ×: speed over that library's")
    table = Table("library", "steps", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("µs", "best", "1/s", "×pydantic", "×jsonschema", "×protobuf"):
        table.add_column(heading, justify="right")
    table.add_column("refuses")
    for each in result["contenders"].values():
        figures = (f"{each['median_us']:.1f}", f"{each['best_us']:.1f}", f"{each['per_second']:,.0f}")
        ratios = (f"{each['speed_over'][peer]:.2f}" for peer in PEERS)
        table.add_row(each["library"], each["steps"], *figures, *ratios, " ".join(each["refuses"]))
    console.print(table)
    steps = ", ".join(f"{name} {median:.1f}" for name, median in result["steps_us"].items())
    console.print(f"our steps, µs: {steps}")
    target = result["time_over_pydantic_read"]
    console.print(
        f"time of xinqiao (schema) over pydantic's model_validate_json: [bold]{target['seen']:.2f}[/bold], "
        f"at most {target['limit']:.2f} wanted"
    )
