"""``xinqiao launch``: the address that opens a gateway's page by hand, as a partner's system would make it."""

import argparse
from pathlib import Path

import orjson

from xinqiao.errors import MalformedRequest
from xinqiao.launch import LOCALES, ROLES, Actor, Launch, launch_token, launch_url
from xinqiao.seal import read_signing_key

__all__ = ["describe_launch", "run_launch"]


def describe_launch(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.epilog = (
        "示例 example:\n  xinqiao launch --flow kyc-person --case CASE-1 --channel my-bank --key my-bank.jwk "
        "--gateway 913100001000100012 --url http://127.0.0.1:8700\n\n"
        "退出码 exit codes: 0 完成 done, 2 无法执行 could not be done"
    )
    for name, metavar, help_text in (
        (
            "--flow",
            "FLOW",
            "流程，如 kyc-person；全部流程见 docs/h5.md，渠道开放的见其配置 h5.flows"
            " / the flow, such as kyc-person; docs/h5.md lists all, h5.flows in the channel's profile those it offers",
        ),
        ("--case", "ID", "业务编号 / the case"),
        ("--channel", "ID", "渠道编号 / the channel's id"),
        ("--gateway", "CODE", "网关所属机构的代码 / code of the institution that runs the gateway"),
        ("--url", "URL", "页面地址 / address of the pages, https://HOST"),
    ):
        command.add_argument(name, metavar=metavar, required=True, help=help_text)
    command.add_argument("--key", type=Path, required=True, metavar="JWK", help="私钥文件 / file with the private key")
    command.add_argument("--role", choices=ROLES, default=ROLES[0], help="操作人角色 / who comes; default %(default)s")
    command.add_argument("--actor", metavar="ID", default="tester", help="操作人编号 / the person's id")
    command.add_argument("--entry", metavar="ID", default="", help="同一业务中的笔次 / tells entries of one case apart")
    command.add_argument("--locale", choices=LOCALES, default=LOCALES[0], help="语言 / language")
    command.add_argument("--origin", metavar="URL", help="嵌入页面的来源 / origin of the page that embeds it")
    command.add_argument("--return", dest="return_url", metavar="URL", help="完成后返回的地址 / where to go afterwards")
    command.add_argument(
        "--facts", type=Path, metavar="FILE", help="机构陈述的内容，JSON / what is stated, a JSON object of paths"
    )
    command.add_argument("--json", action="store_true", help="输出 JSON，供程序读取 / print JSON for machines")


def run_launch(options: argparse.Namespace) -> int:
    """Print the address, and nothing else: it is there to be copied. Raises ``KeyUnusable`` or ``MalformedRequest``."""
    launch = Launch(
        flow=options.flow,
        case_id=options.case,
        actor=Actor(options.role, options.actor),
        entry=options.entry,
        locale=options.locale,
        origin=options.origin,
        return_url=options.return_url,
        facts=_facts(options.facts),
    )
    key = read_signing_key(options.key)
    token = launch_token(key, launch, gateway_code=options.gateway, channel=options.channel)
    url = launch_url(options.url, options.channel, token)
    print(orjson.dumps({"url": url, "token": token}).decode() if options.json else url)
    return 0


def _facts(path: Path | None) -> dict[str, str | int | bool]:
    if path is None:
        return {}
    try:
        facts = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise MalformedRequest(f"{path} is no JSON") from error
    if not isinstance(facts, dict):
        raise MalformedRequest(f"{path} is no JSON object of paths and values")
    return facts
