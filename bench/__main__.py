"""``python -m bench [BENCHMARK] [--json]``: run one benchmark or all, print, write ``build/bench.json``."""

import argparse
import json
import platform
from pathlib import Path

from rich.console import Console

from bench import acceptance, conversion, onboarding, standard

_BENCHMARKS = {
    "standard": (standard.measure, standard.report),
    "acceptance": (acceptance.measure, acceptance.report),
    "conversion": (conversion.measure, conversion.report),
    "onboarding": (onboarding.measure, onboarding.report),
}


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benchmark", nargs="?", choices=_BENCHMARKS, help="all without it")
    parser.add_argument("--json", action="store_true", help="print what build/bench.json holds, and no tables")
    arguments = parser.parse_args()
    console = Console(width=130, highlight=False, quiet=arguments.json)
    results: dict[str, object] = {"python": platform.python_version(), "machine": platform.machine()}
    console.print(f"Python {platform.python_version()}, {platform.machine()}")
    for name in [arguments.benchmark] if arguments.benchmark else _BENCHMARKS:
        measure, report = _BENCHMARKS[name]
        results[name] = result = measure()
        report(console, result)
    written = json.dumps(results, indent=2)
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(written, encoding="utf-8")
    if arguments.json:
        print(written)


if __name__ == "__main__":
    main()
