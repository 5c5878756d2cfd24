"""The commands ``certify`` and ``verify``: a signed certificate over results, and whether one is to be relied on."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao.certificate import Certificate, verify
from xinqiao.errors import CertificateInvalid, NotValid, SettingsInvalid
from xinqiao.finding import Text
from xinqiao.keys import KeyRing, read_signing_key, read_verifying_key
from xinqiao.message import timestamp
from xinqiao.revocation import Revocations, read_revocations
from xinqiao.signed import Issuer
from xinqiao_conformance.certificates.auditing import require_derived
from xinqiao_conformance.certificates.issuing import certify
from xinqiao_conformance.commands.running import EVIDENCE, AsJson
from xinqiao_conformance.declaration import read_declaration
from xinqiao_conformance.results.files import read_within, write_whole
from xinqiao_conformance.results.model import MOST_BYTES, parse_results

__all__ = ["IssuerKeys", "certify_command", "verify_command"]

_MOST_SIGNED = 8_000_000
# Whose day it is.
_CHINA = timezone(timedelta(hours=8))
_REFUSALS: Mapping[str, Text] = {
    "malformed": Text("不是证书，或被改写", "it is no certificate, or was written anew"),
    "foreign_key": Text("不是所信任的机构签发", "no issuer who is trusted here signed it"),
    "tampered": Text("内容被篡改", "its content was changed"),
    "revoked": Text("已被吊销", "it was revoked"),
    "not_yet_valid": Text("尚未生效", "it is not valid yet"),
    "expired": Text("已过期", "it has expired"),
    "other_results": Text("不是这份结果的证书", "it is of other results"),
}

IssuerKeys = Annotated[
    list[Path],
    typer.Option("--issuer-key", help="签发机构的公钥，可多个 / Public JWK of an issuer you trust; repeatable."),
]


def certify_command(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="results.json")],
    *,
    key: Annotated[Path, typer.Option(help="签发机构的私钥 / Private JWK of the issuer.")],
    issuer: Annotated[str, typer.Option(help="签发机构名称 / Name of the issuer.")],
    institution: Annotated[str, typer.Option(help="签发机构的统一社会信用代码 / Its institution code.")],
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="证据，默认在结果旁 / Evidence of the run; beside the results.")
    ] = None,
    declaration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="声明，用于核对 / declaration.yaml, to be held against.")
    ] = None,
    channel: Annotated[
        bool,
        typer.Option("--channel", help="经网关渠道测试 / The run went to the address of a channel of your gateway."),
    ] = False,
    days: Annotated[int, typer.Option(help="有效天数 / Days until it expires.", min=1, max=1095)] = 365,
    to: Annotated[Path, typer.Option(metavar="FILE", help="证书文件 / Where to.")] = Path("certificate.json"),
    as_json: AsJson = False,
) -> None:
    """为通过的结果签发证书 / Issue a certificate over results that passed. Exit code 1: they failed, or are altered."""
    _require_new(to)
    signing = read_signing_key(key)
    raw = read_within(results, MOST_BYTES)
    declared = read_declaration(declaration, to_run=False) if declaration else None
    try:
        made = certify(raw, Issuer(issuer, institution), signing, channel=channel, lasting=timedelta(days=days))
        require_derived(parse_results(raw, str(results)), evidence or results.with_name(EVIDENCE), declared)
    except NotValid as error:
        print(f"不予签发 not certified: {error.detail}", file=sys.stderr)
        raise typer.Exit(1) from error
    write_whole(to, made)
    certificate = verify(made, KeyRing([signing.public()]))
    if as_json:
        print(
            json.dumps({"certificate": str(to), **_told(certificate, datetime.now(UTC))}, ensure_ascii=False, indent=2)
        )
    else:
        print(f"{to}  {certificate.serial}\n{certificate.claims.zh}\n{certificate.claims.en}")


def _require_new(path: Path) -> None:
    """Keep a certificate that was signed: its serial may be in a registry. Raises ``SettingsInvalid``."""
    if path.exists():
        raise SettingsInvalid(
            f"{path} 已存在，证书不会被覆盖，请用 --to 另指定文件或先移走 is there already, and no certificate is "
            "overwritten: name another file with --to, or move this one away first"
        )


def verify_command(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="certificate.json")],
    *,
    issuer_key: IssuerKeys,
    revocations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="吊销名单 / Signed list of revocations.")
    ] = None,
    keeper_key: Annotated[
        list[Path] | None,
        typer.Option("--keeper-key", help="名录管理机构的公钥，可多个 / Public JWK of who keeps the list; repeatable."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="应对应的结果 / results.json that it should be of.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="截至某日，默认现在 / As of the end of a day (UTC+8), not now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """离线验证证书 / Verify a certificate offline. Exit code 1: it is refused, with the reason."""
    keys = KeyRing(read_verifying_key(each) for each in issuer_key)
    keepers = KeyRing(read_verifying_key(each) for each in keeper_key or ())
    then = _end_of(at) if at else datetime.now(UTC)
    try:
        listed = _listed(revocations, KeyRing([*keys, *keepers]))
        found = verify(
            read_within(certificate, _MOST_SIGNED),
            keys,
            at=then,
            revocations=listed,
            keepers=keepers,
            results=read_within(results, MOST_BYTES) if results else None,
        )
    except CertificateInvalid as error:
        _refuse(error, as_json=as_json)
        raise typer.Exit(1) from error
    if as_json:
        looked = {"at": timestamp(then), "revocations": _about(listed, then) if listed else None}
        said = {"valid": True, **_told(found, then), **looked}
        print(json.dumps(said, ensure_ascii=False, indent=2))
        return
    print(f"有效 valid  {found.serial}  {found.seen.subject.name}\n{found.claims.zh}\n{found.claims.en}")
    print(f"签发 signed by {found.issuer.name} ({found.issuer.institution}), key {found.kid} {found.thumbprint}")
    for kit in found.seen.kits:
        print(
            f"  {kit.kit}: {kit.requirements} 条要求 requirements, {kit.cases} 个用例 cases ({kit.negative} negative)"
        )
    print(f"  所声明的功能 features declared: {', '.join(found.seen.supports) or '—'}")
    print(f"有效至 until {timestamp(found.expires_at)}" + (f"，截至 as of {timestamp(then)}" if at else ""))
    print(_checked(listed, then))


def _end_of(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time.max, _CHINA).astimezone(UTC)
    except ValueError as error:
        raise typer.BadParameter(f"{day}: 日期写作 a day is written 2027-12-01", param_hint="--at") from error


def _listed(path: Path | None, keys: KeyRing) -> Revocations | None:
    return read_revocations(read_within(path, _MOST_SIGNED), keys) if path else None


def _checked(listed: Revocations | None, then: datetime) -> str:
    if listed is None:
        return "未查吊销名单 no list of revocations was looked at (--revocations)"
    said = f"不在吊销名单中 not on the list of revocations of {timestamp(listed.issued_at)}"
    if not listed.is_stale(then):
        return said
    return f"{said}\n注意 note: 名单已过时，请取新的 it is old, get the one of after {timestamp(listed.next_update)}"


def _about(listed: Revocations, then: datetime) -> dict[str, Any]:
    moments = {"issuedAt": timestamp(listed.issued_at), "nextUpdate": timestamp(listed.next_update)}
    return {**moments, "stale": listed.is_stale(then)}


def _refuse(error: CertificateInvalid, *, as_json: bool) -> None:
    text = _REFUSALS[error.because]
    detail = error.detail.partition(": ")[2]
    if as_json:
        said = {"valid": False, "reason": error.because, "text": text.as_json(), "detail": detail}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        print(f"不可信 refused: {error.because}\n{text.zh} {text.en}\n{detail}", file=sys.stderr)


def _told(certificate: Certificate, then: datetime) -> dict[str, Any]:
    left = certificate.expires_at - then
    return {
        "serial": certificate.serial,
        "subject": certificate.seen.subject.name,
        "institution": certificate.seen.subject.institution,
        "kits": [each.as_json() for each in certificate.seen.kits],
        "supports": list(certificate.seen.supports),
        "how": certificate.seen.how,
        "issuer": certificate.issuer.name,
        "key": {"kid": certificate.kid, "thumbprint": certificate.thumbprint},
        "expiresAt": timestamp(certificate.expires_at),
        "daysLeft": left.days,
        "claims": certificate.claims.as_json(),
    }
