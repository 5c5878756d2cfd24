"""The command ``xinqiao-conformance``."""

import signal
import sys
import traceback
from typing import NoReturn

import typer

from xinqiao.errors import SettingsInvalid, XinqiaoError
from xinqiao_conformance.commands.certifying import certify_command, verify_command
from xinqiao_conformance.commands.judging import judge_command
from xinqiao_conformance.commands.mutants import mutants_command
from xinqiao_conformance.commands.registry import registry
from xinqiao_conformance.commands.reporting import compare_command, report_command
from xinqiao_conformance.commands.running import explain_command, list_command, run_command
from xinqiao_conformance.observing import CouldNotRun
from xinqiao_conformance.simulate import simulate
from xinqiao_conformance.simulators.framed import framed

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="与信桥标准的一致性 / Conformance with the Xinqiao standard.",
)
app.command("list")(list_command)
app.command("explain")(explain_command)
app.command("run")(run_command)
app.command("judge")(judge_command)
app.command("report")(report_command)
app.command("compare")(compare_command)
app.command("certify")(certify_command)
app.command("verify")(verify_command)
app.add_typer(registry, name="registry")
app.command("mutants")(mutants_command)
app.add_typer(simulate, name="simulate")
app.add_typer(framed, name="framed")


def _stop(said: str) -> NoReturn:
    print(f"无法运行 could not run: {said}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Run the command line. What keeps a command from running at all ends it with exit code 2; 1 is a verdict."""
    # Who is told to end takes down what it has started, as after an interrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except XinqiaoError as error:
        # What to do about a setting its own text says.
        fix = "" if isinstance(error, SettingsInvalid) else f"\n修正 fix: {error.fix.zh} / {error.fix.en}"
        _stop(f"{error.text.zh} {error}{fix}")
    except (CouldNotRun, OSError) as error:
        _stop(str(error))
    except Exception:  # noqa: BLE001 -- a traceback is printed
        # A fault of the suite says nothing about a subject either.
        traceback.print_exc()
        sys.exit(2)
