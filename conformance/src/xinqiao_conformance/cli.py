"""The command ``xinqiao-conformance``."""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from xinqiao.errors import ConfigurationError
from xinqiao_conformance.plugin import RESULTS
from xinqiao_conformance.report import print_requirements, print_results
from xinqiao_conformance.requirements import requirements
from xinqiao_conformance.runner import CouldNotRun, Order, run
from xinqiao_conformance.simulate import simulate
from xinqiao_conformance.simulators.framed import framed

__all__ = ["main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="与信桥标准的一致性 / Conformance with the Xinqiao standard."
)
app.add_typer(simulate, name="simulate")
app.add_typer(framed, name="framed")

AsJson = Annotated[bool, typer.Option("--json", help="For machines: JSON on standard output.")]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the requirements."""
    rows = requirements()
    if as_json:
        print(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=2))
    else:
        print_requirements(rows, Console())


@app.command("run")
def run_command(
    *,
    target: Annotated[str, typer.Option(help="Base address of the gateway under test.")],
    channel: Annotated[str, typer.Option(help="Channel under which the gateway knows the suite.")],
    key: Annotated[Path, typer.Option(help="Private JWK whose public part the channel trusts.")],
    receiver: Annotated[str, typer.Option(help="Institution code that messages are for.")],
    sender: Annotated[str, typer.Option(help="Institution code of the channel's institution.")],
    test: Annotated[bool, typer.Option("--test", help="Mark messages as test traffic.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for results.json.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the suite. Exit code 0: all passed, 1: a requirement failed, 2: could not run."""
    order = Order(target.rstrip("/"), channel, key.absolute(), sender, receiver, test)
    try:
        results = run(order, output)
    except CouldNotRun as error:
        _stop(str(error))
    if as_json:
        print(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        print_results(results, Console())
        if output is not None:
            print(f"全部内容 in full: {output / RESULTS}")
    raise typer.Exit(0 if results["verdict"] == "passed" else 1)


def _stop(said: str) -> NoReturn:
    print(f"could not run: {said}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Run the command line. What keeps a command from running at all ends it with exit code 2."""
    try:
        app()
    except ConfigurationError as error:
        _stop(str(error))
