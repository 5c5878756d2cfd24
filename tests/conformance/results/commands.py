"""The commands over results and certificates, run in this process as the command line runs them."""

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from xinqiao.errors import XinqiaoError
from xinqiao_conformance.cli import app

__all__ = ["Done", "command"]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed; 2 where it could not be done, as the command line ends then."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path) -> Done:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(result.exception, XinqiaoError):
        return Done(2, result.stdout, str(result.exception))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
