"""A mail is taken apart as people's programs write it, and hostile ones are refused with their reason."""

from base64 import b64encode
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.gateway.mail.letters import NOTICE, WORKBOOK, mail, section
from xinqiao.errors import (
    BodyTooLarge,
    ContentRefused,
    FileRefused,
    ProfileInvalid,
    Rejected,
    SenderMismatch,
    WrongEncoding,
)
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.head import read_head
from xinqiao_gateway.fronts.mail.inputs import Input, inputs_of
from xinqiao_gateway.fronts.mail.letter import read_letter
from xinqiao_gateway.fronts.mail.sender import known_sender, proved_sender

TEXT = "text/plain; charset=UTF-8"
HEAD = b"From: nav@custodian.example\r\nSubject: =?utf-8?B?5YeA5YC85YWs5ZGK?=\r\nMIME-Version: 1.0\r\n"


def opened(content: EmailMessage | bytes, said: Mail | None = None) -> list[Input]:
    raw = content if isinstance(content, bytes) else content.as_bytes()
    return inputs_of(read_letter(raw), said or section())


def multipart(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    """Return a mail of parts, each with its headers."""
    body = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts)
    return HEAD + b"Content-Type: multipart/" + kind + b"; boundary=limit\r\n\r\n" + body + b"--limit--\r\n"


def attachment(disposition: str, content: bytes = b"x", encoding: str = "utf-8") -> bytes:
    head = f"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n\r\n"
    return head.encode(encoding) + b64encode(content)


# --- texts and names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "encoding"),
    [("utf-8", "utf-8"), ("gb2312", "gbk"), ("GBK", "gb18030"), ("", "gb18030"), ("us-ascii", "utf-8"), ("x-y", "gbk")],
)
def test_a_body_is_read_in_the_charset_that_it_says_or_that_it_is_of(said: str, encoding: str) -> None:
    charset = f"; charset={said}" if said else ""
    raw = HEAD + f"Content-Type: text/plain{charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    (found,) = opened(raw + "单位净值：1.0234\r\n".encode(encoding))
    assert found == Input("body", "单位净值：1.0234\r\n".encode(), TEXT)


def test_a_charset_that_no_mail_is_written_in_is_not_read_with_it() -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 200_000 + b"-" + b"bcd" * 100_000
    (found,) = opened(raw)  # Python's own reading of it would take hours
    assert found.content.endswith(b"a-" + b"bcd" * 100_000)


def test_a_body_of_no_known_charset_is_refused() -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xff\xff\xff\r\n"
    with pytest.raises(WrongEncoding):
        opened(raw)


@pytest.mark.parametrize(
    ("disposition", "encoding"),
    [
        ('Content-Disposition: attachment; filename="=?gb2312?B?ucDWtbHtLnhsc3g=?="', "ascii"),
        ("Content-Disposition: attachment; filename*=UTF-8''%E4%BC%B0%E5%80%BC%E8%A1%A8.xlsx", "ascii"),
        ("Content-Disposition: attachment; filename*0*=gb18030''%B9%C0;\r\n filename*1*=%D6%B5%B1%ED.xlsx", "ascii"),
        ('Content-Disposition: attachment; filename="估值表.xlsx"', "gb18030"),
        ('Content-Disposition: attachment; filename="估值表.xlsx"', "utf-8"),
        ('Content-Disposition: attachment; filename="C:\\\\exports\\\\估值表.XLSX"', "utf-8"),
    ],
    ids=["rfc2047", "rfc2231", "rfc2231 in pieces", "raw gb18030", "raw utf-8", "with folders"],
)
def test_a_file_name_is_read_however_it_was_encoded(disposition: str, encoding: str) -> None:
    found = opened(multipart(attachment(disposition, WORKBOOK, encoding)))
    assert [each for each in found if each.name != "body"] == [
        Input("attachment 1 (.xlsx)", WORKBOOK, "application/octet-stream")
    ]


def test_an_alternative_within_a_mixed_mail_is_one_body_and_images_of_its_look_are_none() -> None:
    message = mail(html="<p>单位净值：1.0234</p><img src='cid:logo'>", attached=[("估值表.xlsx", WORKBOOK)])
    body = message.get_body(("html",))
    assert isinstance(body, EmailMessage)
    body.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo>")
    assert [each.name for each in opened(message)] == ["attachment 1 (.xlsx)", "body"]


def test_a_body_of_html_alone_is_the_text_that_a_person_reads() -> None:
    message = mail()
    message.set_content(
        "<html><head><title>x</title><style>p {}</style></head><body><p>产品代码：<b>TC1</b></p>"
        "<table><tr><td><p>单位净值</p></td><td>1.0234</td></tr><tr><td colspan=2>净值日期</td><td>2026-11-20</td></tr>"
        "</table><script>净值</script><pre>总份额：1\n状态：正式</pre></body></html>",
        subtype="html",
    )
    (found,) = opened(message)
    assert found.content.decode() == (
        "产品代码：TC1\n单位净值\t1.0234\n净值日期\t\t2026-11-20\n总份额：1\n状态：正式\n"
    )


def test_the_largest_table_of_a_body_is_its_rows_and_no_other_words() -> None:
    message = mail(subject="净值表")
    inner = "<table><tr><th>代码</th><th>净值</th></tr><tr><td>A</td><td>1.0</td></tr></table>"
    message.set_content(
        f"<table><tr><td>你好{inner}</td></tr></table><table><tr><td>部门</td></tr></table>", subtype="html"
    )
    (found,) = opened(message)
    assert found == Input("body", "代码\t净值\nA\t1.0\n".encode(), TEXT)


# --- what is not taken -----------------------------------------------------------------------------------------


def _nested(depth: int) -> bytes:
    content = b"Content-Type: text/plain\r\n\r\nx\r\n"
    for number in range(depth):
        limit = f"b{number}".encode()
        begin = b"Content-Type: multipart/mixed; boundary=" + limit + b"\r\n\r\n--" + limit + b"\r\n"
        content = begin + content + b"\r\n--" + limit + b"--\r\n"
    return HEAD + content


HOSTILE: dict[str, tuple[bytes, type[Rejected], str]] = {
    "parts within parts": (_nested(12), FileRefused, "deeper than 10"),
    "a thousand parts within parts": (_nested(1000), FileRefused, "parts within parts"),
    "many parts": (multipart(*[b"Content-Type: text/plain\r\n\r\nx"] * 150), FileRefused, "more than 100 parts"),
    "a million parts": (
        HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 1_000_000 + b"--a--\r\n",
        FileRefused,
        "more than 5000 lines",
    ),
    "an endless page": (
        HEAD + b"Content-Type: text/html\r\n\r\n" + b"<p>x</p>" * 600_000,
        BodyTooLarge,
        "longer than 4194304 characters",
    ),
    "mails within mails": (
        HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 500 + b"x",
        FileRefused,
        "parts within parts",
    ),
    "parts within parts by carriage returns": (
        HEAD + b"\r".join(_nested(1000)[len(HEAD) :].splitlines()) + b"\r\r\n\r\nx",
        ContentRefused,
        "control character stands",
    ),
    "parts within a part by carriage returns": (
        multipart(_nested(1000)[len(HEAD) :].replace(b"\r\n", b"\r")),
        FileRefused,
        "parts within parts",
    ),
    "a mail attached": (
        multipart(b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\n\r\nx"),
        FileRefused,
        "attachment 1 (.eml) is neither",
    ),
    "a long header": (HEAD + b"Content-Type: text/plain; x=" + b"y" * 9000 + b"\r\n\r\nx", FileRefused, "longer than"),
    "an endless head": (HEAD + b"X: y\r\n" * 20_000 + b"\r\nx", ContentRefused, "does not end within"),
    "masses of short lines": (HEAD + b"\r\n" + b"a\n" * 500_000, FileRefused, "more lines than any mail"),
    "an archive": (
        multipart(attachment("Content-Disposition: attachment; filename=nav.zip", b"PK\3\4")),
        FileRefused,
        "attachment 1 (.zip) is an archive",
    ),
    "winmail.dat": (
        multipart(attachment("Content-Disposition: attachment; filename=winmail.dat")),
        FileRefused,
        "is an archive",
    ),
    "an attachment that nobody expects": (
        multipart(attachment("Content-Disposition: attachment; filename=nav.docx")),
        FileRefused,
        "attachment 1 (.docx) is neither",
    ),
    "an empty attachment": (
        multipart(attachment('Content-Disposition: attachment; filename="估值表.xlsx"', b"")),
        ContentRefused,
        "attachment 1 (.xlsx) is empty",
    ),
    "a cut mail": (multipart(attachment("X: y"))[:-20], ContentRefused, "cut"),
    "cut base64": (
        multipart(b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDR"),
        ContentRefused,
        "base64",
    ),
    "nothing to take": (HEAD.replace(b"5YeA5YC8", b"5YiG6YWN") + b"\r\nx", ContentRefused, "nothing in the mail"),
    "a cell over several rows": (
        HEAD + b"Content-Type: text/html\r\n\r\n<table><tr><td rowspan=2>x</td></tr></table>",
        ContentRefused,
        "spans several rows",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_broken_mail_is_refused_with_its_reason(name: str) -> None:
    raw, error, said = HOSTILE[name]
    with pytest.raises(error) as caught:
        opened(raw)
    assert said in caught.value.detail


def test_a_body_that_is_indented_is_no_header() -> None:
    lines = "   某某产品净值公告，敬请查收。\n" * 1000
    assert [each.name for each in opened(mail(f"\n{lines}{NOTICE}"))] == ["body"]


def test_what_a_profile_says_to_ignore_is_ignored_even_an_archive() -> None:
    raw = multipart(attachment("Content-Disposition: attachment; filename=photos.zip"), b"\r\n" + NOTICE.encode())
    assert [each.name for each in opened(raw, section(ignore=["*.zip"]))] == ["body"]


# --- senders ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "known"),
    [
        ("nav@custodian.example", True),
        ("托管行 <NAV@Custodian.Example>", True),
        ('"nav@stranger.example" <nav@custodian.example>', True),
        ('"nav@custodian.example" <nav@stranger.example>', False),
        ("nav@custodian.example <nav@stranger.example>", False),
        ("nav@custodian.example, nav@stranger.example", False),
        ('"x@custodian.example"@stranger.example', False),
        ("nav@sub.custodian.example", False),
        ("nav@custodian.example.stranger.example", False),
        ("only@bank.example", True),
        ("other@bank.example", False),
        ("", False),
    ],
)
def test_an_allow_list_names_addresses_and_domains(sender: str, known: bool) -> None:
    said = section(senders=["custodian.example", "only@bank.example"])
    raw = f"From: {sender}\r\n\r\nx".encode()
    if known:
        known_sender(said, read_head(raw))
    else:
        with pytest.raises((SenderMismatch, ContentRefused)):
            known_sender(said, read_head(raw))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"From: a@custodian.example\r\nFrom: b@stranger.example\r\n\r\nx", "from stands 2 times"),
        (b"X: y\rFrom: a@custodian.example\r\nFrom: b@stranger.example\r\n\r\nx", "control character stands"),
        (b"Subject: x\r\n\r\nFrom: a@custodian.example\r\n\r\n", "does not name one sender"),
        (b"From: a@custodian.exam\x0bple\r\n\r\nx", "control character stands"),
    ],
)
def test_a_head_that_others_may_read_otherwise_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(ContentRefused, match=said):
        known_sender(section(), read_head(raw))


@pytest.mark.parametrize(
    ("results", "proved"),
    [
        (["mx.trust.example; dkim=pass header.d=custodian.example header.s=a"], "dkim"),
        (["mx.trust.example 1; spf=pass; dmarc=pass (p=reject) header.from=custodian.example"], "dmarc"),
        (["other.example; dkim=fail", "mx.trust.example; dkim=pass header.d=custodian.example"], "dkim"),
        ([], None),
        (["mx.trust.example; none"], None),
        (["mx.trust.example; dkim=pass header.d=stranger.example"], None),
        (["mx.trust.example; dkim=fail header.d=custodian.example"], None),
        (["mx.trust.example; spf=pass smtp.mailfrom=custodian.example"], None),
        (['mx.trust.example; spf=pass smtp.mailfrom="a; dkim=pass header.d=custodian.example"@x.example'], None),
        (["mx.trust.example; dkim=fail (; dkim=pass header.d=custodian.example)"], None),
        (["mx.trust.example.evil.example; dkim=pass header.d=custodian.example"], None),
        (["mx.trust.example; dkim=pass-not header.d=custodian.example"], None),
        (["mx.trust.example; dkim=pass header.d=custodian.example/evil"], None),
        (["mx.trust.example; dkim=pass(good) header.d = custodian.example ; spf=none"], "dkim"),
        (["mx.trust.example; dkim=fail", "mx.trust.example; dkim=pass header.d=custodian.example"], None),
    ],
)
def test_what_the_trusted_server_said_topmost_proves_the_domain(results: list[str], proved: str | None) -> None:
    lines = "".join(f"Authentication-Results: {each}\r\n" for each in results)
    head = read_head(f"{lines}From: nav@custodian.example\r\n\r\nx".encode())
    said = section(authenticated_by="mx.trust.example")
    if proved:
        assert proved_sender(said, head).known_by == f"{proved} by mx.trust.example"
    else:
        with pytest.raises(SenderMismatch, match=r"mx\.trust\.example does not say that custodian\.example signed"):
            proved_sender(said, head)


# --- profiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"from": "imap://u@h.example/INBOX", "password": "p"}, "write imaps://"),
        ({"from": "imaps://u:secret@h.example/INBOX", "password": "p"}, "write imaps://"),
        ({"from": "imaps://u@h.example/INBOX"}, "password go together"),
        ({"from": "folder:../etc"}, "write imaps://"),
        ({"from": "folder:done"}, "three folders"),
        ({"after": "flag"}, "can be moved only"),
        ({"senders": ["*@bank.example"]}, "is no sender"),
        ({"senders": []}, "at least 1 item"),
        ({"parts": [{"attachment": "*.xlsx", "body": "text"}]}, "attachment or body"),
        ({"parts": [{"body": "text", "type": "text/*"}]}, "type is that of an attachment"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_a_section_that_would_not_do_what_it_says_is_refused(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        section(**said)


@pytest.mark.parametrize(
    ("said", "others", "problem"),
    [
        ("", "", "mail.from: in is files.inbox as well"),
        ("from: folder:mail", "inbox: mail", "mail.from: mail is files.inbox as well"),
        ("from: folder:mail, done: in", "", "mail.done: in is files.inbox as well"),
        ("from: folder:result", "", "mail.from: result is files.results as well"),
        ("from: folder:archive", "inbox: orders", "mail.from: archive is files.archive as well"),
    ],
)
def test_a_folder_is_not_looked_into_for_mails_and_for_files(
    tmp_path: Path, said: str, others: str, problem: str
) -> None:
    profile = f"channel: both\nextends: nav-mail\nmail: {{{said}}}\nfiles: {{{others}}}\n"
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "channel.yaml").write_text(profile, encoding="utf-8")
    with pytest.raises(ProfileInvalid, match=rf"channel\.yaml:\d+: {problem}"):
        load_channel("both", [tmp_path])


def test_mails_and_files_in_folders_of_their_own_go_together(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    profile = "channel: both\nextends: nav-mail\nmail: {from: folder:mail}\nfiles: {}\n"
    (tmp_path / "both" / "channel.yaml").write_text(profile, encoding="utf-8")
    assert load_channel("both", [tmp_path]).profile.files is not None
