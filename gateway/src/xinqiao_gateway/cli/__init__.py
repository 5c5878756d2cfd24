"""``xinqiao-gateway``: the command of those who run a gateway."""

import sys

import typer

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.cli import (
    batch,
    case,
    channel,
    config,
    document,
    journal,
    key,
    obligations,
    operator,
    outgoing,
    policy,
    recording,
    replay,
    resolution,
    schema,
    serve,
    sftp,
    upkeep,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="xinqiao-gateway",
    help="信桥网关：运行、接入渠道、查看流水库、处理异常 / "
    "Run a Xinqiao gateway: serve it, onboard channels, read and replay its journal, resolve exceptions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="serve")(serve.serve)
app.command(name="demo")(serve.demo)
app.command(name="replay")(replay.replay)
app.command(name="backup")(upkeep.backup)
app.command(name="restore")(upkeep.restore)
app.command(name="retention")(upkeep.retention)
app.add_typer(batch.app, name="batch")
app.add_typer(case.app, name="case")
app.add_typer(channel.app, name="channel")
app.add_typer(config.app, name="config")
app.add_typer(document.app, name="document")
app.add_typer(journal.app, name="journal")
app.add_typer(key.app, name="key")
app.add_typer(resolution.exceptions, name="exception")
app.add_typer(resolution.proposals, name="proposal")
app.add_typer(obligations.app, name="obligation")
app.add_typer(operator.app, name="operator")
app.add_typer(outgoing.app, name="outgoing")
app.add_typer(policy.app, name="policy")
app.add_typer(recording.app, name="recording")
app.add_typer(schema.app, name="schema")
app.add_typer(sftp.app, name="sftp")


def main() -> None:
    """Run the command; what keeps it from working is said on standard error, with exit status 1."""
    try:
        app()
    except XinqiaoError as error:
        sys.stderr.write(f"{error.reason}: {error.detail or error.text.en}\n{error.fix.zh} / {error.fix.en}\n")
        sys.exit(1)
    except FileExistsError as error:
        sys.stderr.write(
            f"{error.filename}: 已存在，不覆盖；请换一个名称 / is there already, never overwritten: name another\n"
        )
        sys.exit(1)
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'input or output'}: {error.strerror or error}\n")
        sys.exit(1)
