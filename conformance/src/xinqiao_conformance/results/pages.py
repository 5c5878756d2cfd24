"""Pages that need nothing else: styles inside, no scripts, nothing fetched; whatever a subject said is escaped."""

from datetime import datetime, timedelta, timezone
from html import escape

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from xinqiao.finding import Text
from xinqiao_conformance.results.quoting import readable, text_in

__all__ = ["page"]

# Whose time pages tell.
_CHINA = timezone(timedelta(hours=8))
# Characters of one value of a difference.
_MOST_VALUE = 400


def page(template: str, **shown: object) -> str:
    """Return a template of this suite, filled in."""
    return _ENVIRONMENT.get_template(template).render(**shown)


def _said(text: Text) -> Markup:
    """Return a text in both languages, Chinese first; once where both say the same."""
    if text.zh == text.en:
        return Markup("<span>{}</span>").format(text.zh)
    return Markup('<span lang="zh-CN">{}</span> <span class="en" lang="en">{}</span>').format(text.zh, text.en)


def _label(zh: str, en: str) -> Markup:
    return _said(Text(zh, en))


def _moment(at: datetime) -> Markup:
    local = at.astimezone(_CHINA)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), f"{local:%Y-%m-%d %H:%M} UTC+8")


def _day(at: datetime) -> Markup:
    local = at.astimezone(_CHINA)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), f"{local:%Y-%m-%d}")


def _value(value: object) -> Markup:
    """Return a value of a difference: a text in both languages line by line, anything else as JSON."""
    if value is None:
        return Markup("—")
    if text := text_in(value):
        lines = ([("zh-CN", text.zh)] if text.zh != text.en else []) + [("en", text.en)]
        return Markup("").join(Markup('<span class="line" lang="{}">{}</span>').format(*each) for each in lines)
    shown = readable(value)
    return Markup("<code>{}</code>").format(
        _verbatim(shown if len(shown) <= _MOST_VALUE else f"{shown[:_MOST_VALUE]}…")
    )


def _verbatim(text: str) -> Markup:
    """Return text for between two tags, where quotation marks, of which JSON is full, may stay as they are."""
    return Markup(escape(text, quote=False))  # noqa: S704 -- escaped


def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(f"xinqiao_conformance.{name}") for name in ("results", "certificates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"said": _said, "moment": _moment, "day": _day, "value": _value, "verbatim": _verbatim}
    environment.globals["label"] = _label
    return environment


_ENVIRONMENT = _environment()
