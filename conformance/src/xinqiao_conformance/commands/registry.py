"""The command ``registry``: the signed file of who conforms to what, and its page."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import SettingsInvalid
from xinqiao.keys import KeyRing, SigningKey, read_signing_key, read_verifying_key
from xinqiao.signed import Issuer
from xinqiao_conformance.certificates.registry import Registry, read_registry, write_registry
from xinqiao_conformance.certificates.registry_page import registry_page
from xinqiao_conformance.commands.certifying import IssuerKeys
from xinqiao_conformance.commands.running import AsJson
from xinqiao_conformance.results.files import read_within, write_whole

__all__ = ["registry"]

_MOST_CERTIFICATE = 128_000

registry = typer.Typer(no_args_is_help=True, help="名录：谁符合什么 / The registry: who conforms to what.")

RegistryFile = Annotated[Path, typer.Argument(metavar="REGISTRY", help="名录文件 / The registry's file.")]
Key = Annotated[Path, typer.Option(help="名录管理机构的私钥 / Private JWK of who keeps the registry.")]
KeeperKeys = Annotated[
    list[Path], typer.Option("--keeper-key", help="名录管理机构的公钥 / Public JWK of who keeps it; repeatable.")
]
FormerKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--keeper-key", help="换钥时：此前的公钥 / Where the key changed: the public JWK of before; repeatable."
    ),
]


@registry.command()
def add(
    file: RegistryFile,
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="certificate.json")],
    *,
    issuer_key: IssuerKeys,
    key: Key,
    keeper: Annotated[str, typer.Option(help="新建时：管理机构名称 / Of a new registry: who keeps it.")] = "",
    institution: Annotated[str, typer.Option(help="新建时：其机构代码 / Of a new registry: their code.")] = "",
    as_json: AsJson = False,
) -> None:
    """登记一份有效的证书 / Add a certificate that is valid now; the file is made where there is none."""
    signing = read_signing_key(key)
    if file.exists():
        known = read_registry(file, KeyRing([signing.public()]))
    elif keeper and institution:
        known = Registry(Issuer(keeper, institution))
    else:
        raise SettingsInvalid(f"{file} is not there yet: say with --keeper and --institution who keeps it")
    trusted = KeyRing(read_verifying_key(each) for each in issuer_key)
    _write(known.add(read_within(certificate, _MOST_CERTIFICATE), trusted), file, signing, as_json=as_json)


@registry.command()
def revoke(
    file: RegistryFile,
    serial: Annotated[str, typer.Argument(metavar="SERIAL", help="证书编号 / The certificate's serial.")],
    *,
    reason: Annotated[str, typer.Option(help="原因，公开 / Why; everybody sees it.")],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """吊销一份证书 / Revoke a certificate, in the registry and in the list of revocations beside it."""
    signing = read_signing_key(key)
    known = read_registry(file, KeyRing([signing.public()]))
    _write(known.revoke(serial, reason), file, signing, as_json=as_json)


@registry.command()
def refresh(file: RegistryFile, *, key: Key, keeper_key: FormerKeys = None, as_json: AsJson = False) -> None:
    """重新签署名录和吊销名单 / Sign the registry and its list of revocations anew, each month and with each new key."""
    signing = read_signing_key(key)
    former = [read_verifying_key(each) for each in keeper_key or ()]
    _write(read_registry(file, KeyRing([signing.public(), *former])), file, signing, as_json=as_json)


@registry.command("page")
def page_command(
    file: RegistryFile,
    *,
    keeper_key: KeeperKeys,
    to: Annotated[Path, typer.Option(metavar="FILE", help="网页文件 / Where to.")] = Path("registry.html"),
    as_json: AsJson = False,
) -> None:
    """生成名录网页 / Make the page."""
    known = _read(file, keeper_key)
    write_whole(to, registry_page(known).encode())
    print(json.dumps({"page": str(to), "certificates": len(known.entries)}) if as_json else to)


@registry.command("list")
def list_command(file: RegistryFile, *, keeper_key: KeeperKeys, as_json: AsJson = False) -> None:
    """列出名录 / List who conforms to what, now."""
    said = _read(file, keeper_key).as_json(datetime.now(UTC))
    if as_json:
        print(json.dumps(said, ensure_ascii=False, indent=2))
        return
    for row in said["entries"]:
        kits = ", ".join(kit["kit"] for kit in row["kits"])
        print(f"{row['standing']}  {row['serial']}  {row['subject']['name']}  {kits}  {row['expiresAt'][:10]}")


def _read(file: Path, keeper_keys: list[Path]) -> Registry:
    return read_registry(file, KeyRing(read_verifying_key(each) for each in keeper_keys))


def _write(changed: Registry, file: Path, key: SigningKey, *, as_json: bool) -> None:
    revocations = write_registry(changed, file, key)
    if as_json:
        counts = {"certificates": len(changed.entries), "revoked": len(changed.revoked)}
        print(json.dumps({"registry": str(file), "revocations": str(revocations), **counts}))
    else:
        print(
            f"{file}  {len(changed.entries)} 份证书 certificates\n{revocations}  {len(changed.revoked)} 份吊销 revoked"
        )
