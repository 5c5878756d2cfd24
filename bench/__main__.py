"""``python -m bench [BENCHMARK]``: run one benchmark or all, print, write ``build/bench.json``; ``--plots`` draws."""

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import batches, conversion, endpoints, grpc, h5, isolation, onboarding, sftp, standard

_BENCHMARKS: dict[str, tuple[Callable[..., Any], Callable[[Console, Any], None]]] = {
    "standard": (standard.measure, standard.report),
    "gateway": (endpoints.measure, endpoints.report),
    "isolation": (isolation.measure, isolation.report),
    "conversion": (conversion.measure, conversion.report),
    "onboarding": (onboarding.measure, onboarding.report),
    "grpc": (grpc.measure, grpc.report),
    "sftp": (sftp.measure, sftp.report),
    "batches": (batches.measure, batches.report),
    "h5": (h5.measure, h5.report),
}


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benchmark", nargs="?", choices=_BENCHMARKS, help="all without it")
    parser.add_argument("--json", action="store_true", help="print what build/bench.json holds, and no tables")
    parser.add_argument("--quick", action="store_true", help="gateway: short rounds, for a look and not for figures")
    parser.add_argument("--plots", action="store_true", help="gateway: write docs/images/bench-*.svg")
    arguments = parser.parse_args()
    console = Console(width=130, highlight=False, quiet=arguments.json)
    results: dict[str, object] = {"python": platform.python_version(), "machine": platform.machine()}
    console.print(f"Python {platform.python_version()}, {platform.machine()}")
    for name in [arguments.benchmark] if arguments.benchmark else _BENCHMARKS:
        measure, report = _BENCHMARKS[name]
        is_quick = arguments.quick and name == "gateway"
        results[name] = result = endpoints.measure(endpoints.QUICK) if is_quick else measure()
        report(console, result)
        if arguments.plots and name == "gateway":
            _plot(result)
    written = json.dumps(results, indent=2)
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(written, encoding="utf-8")
    if arguments.json:
        print(written)


def _plot(result: dict[str, Any]) -> None:
    from bench.endpoints.plots import plot  # noqa: PLC0415 -- matplotlib only where something is drawn

    plot(result, Path("docs/images"))


if __name__ == "__main__":
    main()
