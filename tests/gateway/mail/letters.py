"""Mails as partners send them, and what a channel says of them."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.docking import Mail

_SHIPPED = load_channel("nav-mail", [])
SAMPLES = _SHIPPED.folders[0] / "samples"
NOTICE = (SAMPLES / "nav-notice.txt").read_text(encoding="utf-8")
WORKBOOK = (SAMPLES / "valuation-plain.xlsx").read_bytes()
SENDER = "nav@custodian.example"


def mail(
    body: str = NOTICE,
    subject: str = "净值公告 2026-11-20",
    *,
    sender: str = SENDER,
    identity: str = "<1@custodian.example>",
    html: str | None = None,
    attached: Sequence[tuple[str, bytes]] = (),
    results: str | None = None,
) -> EmailMessage:
    """Return a mail; ``results`` are its Authentication-Results."""
    message = EmailMessage()
    if results is not None:
        message["Authentication-Results"] = results
    message["From"] = f"托管行净值岗 <{sender}>"
    message["To"] = "nav@trust.example"
    message["Subject"] = subject
    message["Message-ID"] = identity
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, content in attached:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


def section(**said: Any) -> Mail:
    """Return the shipped channel's section ``mail``, which says also this."""
    shipped = _SHIPPED.profile.mail
    assert shipped is not None
    return Mail.model_validate(shipped.model_dump(by_alias=True) | said)
