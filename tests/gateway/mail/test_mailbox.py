"""Mails in a mailbox on a real IMAP server become messages, and each mail ends where it belongs."""

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from pymap.backend.dict import Config
from sqlalchemy import select
from structlog.testing import capture_logs
from typer.testing import CliRunner

from tests.gateway.mail.letters import NOTICE, SAMPLES, WORKBOOK, mail
from tests.gateway.mail.mailboxes import Box, eventually, install, say, serving, taken, told
from xinqiao.errors import KeyUnusable
from xinqiao.message import Json
from xinqiao_adapters.profile_adapter import ProfileAdapter
from xinqiao_gateway.cli import app
from xinqiao_gateway.fronts.mail.mail_front import MailFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal import tables


def expected(name: str) -> list[Json]:
    """Return the bodies that a sample becomes."""
    found = orjson.loads((SAMPLES / f"{name}.json").read_bytes())
    return [
        {kind: part for kind, part in each.items() if kind != "header"}
        for each in (found if isinstance(found, list) else [found])
    ]


def evidence(gateway: Gateway) -> list[str]:
    """Return what the journal keeps in the place of signatures."""
    with gateway.journal.reading.engine.begin() as connection:
        return list(connection.execute(select(tables.raws.c.signature)).scalars())


async def test_a_notice_and_an_attached_valuation_table_become_messages_and_the_mail_is_done(
    box: Box, tmp_path: Path
) -> None:
    sent = mail(attached=[("估值表_20260227.xlsx", WORKBOOK), ("声明.pdf", b"%PDF-1.7")])
    box.put(sent)
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 1, 0))
        assert taken(gateway) == expected("valuation-plain") + expected("nav-notice")
        assert (box.counts(), told(gateway)) == ((0, 1, 0), [])
        (said,) = set(evidence(gateway))
    digest = hashlib.sha256(b"<1@custodian.example>").hexdigest()
    assert said.startswith(f"mail {digest} from custodian.example (From only), SHA-256 of the mail ")
    assert "nav@" not in said


async def test_a_table_in_a_body_becomes_a_message_for_each_row(box: Box, tmp_path: Path) -> None:
    rows = [line.split("\t") for line in (SAMPLES / "navs-table.tsv").read_text(encoding="utf-8").splitlines()]
    cells = "".join(f"<tr>{''.join(f'<td><p>{each}</p></td>' for each in row)}</tr>" for row in rows)
    html = f"<html><body><p>各位好：</p><table>{cells}</table><table><tr><td>托管部</td></tr></table></body></html>"
    box.put(mail("见表", "【净值表】2026-11-20", html=html))
    async with serving(install(tmp_path, **box.section)) as gateway:
        assert await eventually(lambda: taken(gateway)) == expected("navs-table")


async def test_a_mail_that_comes_again_is_done_and_nothing_comes_of_it(box: Box, tmp_path: Path) -> None:
    box.put(mail(), mail())
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 2, 0))
        assert taken(gateway) == expected("nav-notice")
        assert told(gateway) == []


async def test_a_mail_that_was_journalled_before_a_crash_is_a_repeat_to_the_next_start(
    box: Box, tmp_path: Path
) -> None:
    data = install(tmp_path, **box.section)
    box.put(mail())
    async with serving(data):
        await eventually(lambda: box.counts() == (0, 1, 0))
    # What a crash after the journal's commit leaves: the mail still lies where it came in.
    box.put(mail())
    async with serving(data) as gateway:
        await eventually(lambda: box.counts() == (0, 2, 0))
        assert taken(gateway) == expected("nav-notice")


async def test_a_known_notice_with_another_value_is_a_conflict_that_a_person_sees(box: Box, tmp_path: Path) -> None:
    box.put(mail(), mail(NOTICE.replace("1.0234", "1.0243"), identity="<2@custodian.example>"))
    async with serving(install(tmp_path, **box.section)) as gateway:
        (said,) = await eventually(lambda: told(gateway))
        assert ": body: conflict: " in said
        assert taken(gateway) == expected("nav-notice")
        await eventually(lambda: box.counts() == (0, 1, 1))


async def test_a_mail_of_a_stranger_is_put_aside_unread_and_counted(box: Box, tmp_path: Path) -> None:
    box.put(mail(sender="nav@stranger.example"), b"no mail at all", mail())
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 1, 2))
        assert told(gateway) == []
        counted = gateway.metrics.exposition().decode()
        for reason in ("sender_mismatch", "content_refused"):
            assert f'{{channel="nav",outcome="refused",reason="{reason}",type="unknown"}} 1.0' in counted


async def test_a_mail_that_cannot_be_taken_is_on_the_list_of_exceptions_with_ids_and_reasons_only(
    box: Box, tmp_path: Path
) -> None:
    data = install(tmp_path, **box.section)
    box.put(mail(NOTICE.replace("1.0234", "一元"), "净值公告 李某"))
    async with serving(data) as gateway:
        await eventually(lambda: box.counts() == (0, 0, 1))
        (said,) = told(gateway)
    digest = hashlib.sha256(b"<1@custodian.example>").hexdigest()[:16]
    which = f"mail {digest} from custodian.example"
    assert said == f"{which}: body: content_refused: mapping.decimal at 单位净值"
    shown = CliRunner().invoke(app, ["exception", "list", "--data", str(data), "--json"], catch_exceptions=False)
    (listed,) = json.loads(shown.output)
    assert (listed["kind"], listed["channel"], listed["position"]) == ("mail_unreadable", "nav", None)
    assert listed["title"]["zh"] == "邮件未能接收"
    assert listed["detail"] == said


async def test_a_mail_at_which_an_adapter_fails_is_put_aside_and_those_after_it_are_taken(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = ProfileAdapter.decode

    def failing(adapter: ProfileAdapter, raw: bytes, content_type: str) -> Any:
        if b"1.0000" in raw:
            raise KeyError("a fault")
        return decode(adapter, raw, content_type)

    monkeypatch.setattr(ProfileAdapter, "decode", failing)
    box.put(mail(NOTICE.replace("1.0234", "1.0000")), mail(identity="<2@custodian.example>"))
    with capture_logs() as logged:
        async with serving(install(tmp_path, **box.section)) as gateway:
            await eventually(lambda: box.counts() == (0, 1, 1))
            assert taken(gateway) == expected("nav-notice")
            (said,) = told(gateway)
    assert said.endswith(" from custodian.example: internal_error: KeyError")
    assert [each["channel"] for each in logged if each["event"] == "mail failed"] == ["nav"]


async def test_the_same_unreadable_mail_is_told_once(box: Box, tmp_path: Path) -> None:
    box.put(mail("没有标签"), mail("没有标签"))
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 0, 2))
        assert len(told(gateway)) == 1


async def test_a_mail_over_the_limit_is_not_fetched(box: Box, tmp_path: Path) -> None:
    box.put(mail(attached=[("估值表.xlsx", WORKBOOK * 20)]))
    async with serving(install(tmp_path, **box.section, largest=20_000)) as gateway:
        (said,) = await eventually(lambda: told(gateway))
    assert "body_too_large: the mail has " in said


async def test_only_what_the_trusted_server_authenticated_is_taken(box: Box, tmp_path: Path) -> None:
    box.put(
        mail(results="mx.trust.example; dmarc=pass header.from=custodian.example"),
        mail(identity="<2@custodian.example>", results="mx.trust.example; dkim=fail header.d=custodian.example"),
        mail(identity="<3@custodian.example>", results="mx.evil.example; dmarc=pass header.from=custodian.example"),
    )
    async with serving(install(tmp_path, **box.section, authenticated_by="mx.trust.example")) as gateway:
        await eventually(lambda: box.counts() == (0, 1, 2))
        assert told(gateway) == ["mx.trust.example does not say that custodian.example signed the mail"]
        (said,) = evidence(gateway)
        assert " from custodian.example (dmarc by mx.trust.example), " in said


async def test_a_password_that_others_may_read_is_refused_at_the_start(box: Box, tmp_path: Path) -> None:
    data = install(tmp_path, **box.section)
    (data / "channels" / "nav" / "keys" / "mail-password").chmod(0o644)
    with pytest.raises(KeyUnusable):
        async with serving(data):
            pass


async def test_a_mailbox_that_cannot_be_looked_at_leaves_none_looked_at(box: Box, tmp_path: Path) -> None:
    data = install(tmp_path, **box.section)
    for name in ("mobile", "zeta"):
        shutil.copytree(data / "channels" / "nav", data / "channels" / name)
        profile = data / "channels" / name / "channel.yaml"
        profile.write_text(profile.read_text(encoding="utf-8").replace("channel: nav", f"channel: {name}"), "utf-8")
    (data / "channels" / "zeta" / "keys" / "mail-password").unlink()
    gateway = Gateway(open_installation(data))
    await gateway.start()
    with pytest.raises(KeyUnusable, match="zeta"):
        await MailFront(gateway).start()
    assert not [each for each in asyncio.all_tasks() if each.get_name().startswith("mail ")]
    await gateway.stop()


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"password": "wrong.password"}, "key_unusable"),
        ({"authority": None}, "host_untrusted"),
        ({"after": "flag"}, "settings_invalid"),
    ],
    ids=["password", "authority", "flags"],
)
async def test_a_mailbox_that_cannot_be_entered_says_why_and_stops_nobody(
    box: Box, tmp_path: Path, section: dict[str, object], reason: str
) -> None:
    data = install(tmp_path, **(box.section | section))
    wrong = data / "channels" / "nav" / "keys" / "wrong.password"
    wrong.touch(0o600)
    wrong.write_text("wrong")
    box.put(mail())
    with capture_logs() as logged:
        async with serving(data) as gateway:
            said = await eventually(lambda: [each for each in logged if each["event"] == "mailbox cannot be looked at"])
            assert [(each["channel"], each["reason"]) for each in said] == [("nav", reason)]
            assert gateway.journal.healthy()
            assert taken(gateway) == []
    assert box.counts() == (1, 0, 0)


async def test_a_mail_for_which_there_is_no_room_now_waits_for_a_later_look(box: Box, tmp_path: Path) -> None:
    data = install(tmp_path, **box.section)
    profile = data / "channels" / "nav" / "channel.yaml"
    profile.write_text(profile.read_text(encoding="utf-8") + "limits: {rate: 2, burst: 1}\n", encoding="utf-8")
    box.put(mail(), mail(NOTICE.replace("2026-11-20", "2026-11-21"), identity="<2@custodian.example>"))
    async with serving(data) as gateway:
        await eventually(lambda: box.counts() == (0, 2, 0))
        assert (len(taken(gateway)), told(gateway)) == (2, [])


def without(*capabilities: bytes) -> property:
    """Return what a server without these capabilities says of itself."""
    whole = Config.login_capability
    return property(lambda config: [each for each in whole.__get__(config) if each not in capabilities])


async def test_a_server_that_cannot_move_copies_and_removes_that_one_mail(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Config, "login_capability", without(b"MOVE"))
    box.put(mail("没有标签"), mail())
    box.client.select_folder(box.folder)
    box.put(mail("没有标签", identity="<2@custodian.example>"))
    box.client.add_flags([box.client.search()[-1]], [rb"\Deleted"])
    async with serving(install(tmp_path, **box.section)):
        await eventually(lambda: box.counts() == (1, 1, 1))


async def test_a_server_that_can_neither_is_not_used(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "login_capability", without(b"MOVE", b"UIDPLUS"))
    with capture_logs() as logged:
        async with serving(install(tmp_path, **box.section)):
            (said,) = await eventually(lambda: [each for each in logged if each.get("reason") == "settings_invalid"])
    assert "cannot move one mail alone (MOVE, UIDPLUS); write after: flag" in said["why"]


async def test_a_reload_moves_on_to_another_mailbox(box: Box, tmp_path: Path) -> None:
    data = install(tmp_path)
    box.put(mail())
    async with serving(data) as gateway:
        say(data, **box.section)
        await gateway.reload()
        assert await eventually(lambda: taken(gateway)) == expected("nav-notice")
        say(data, **{"from": "folder:in", "password": None, "authority": None})
        await gateway.reload()
        box.put(mail(NOTICE.replace("2026-11-20", "2026-11-21")))
    assert box.counts() == (1, 1, 0)
