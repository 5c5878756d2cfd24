"""Pages that need nothing else: styles inside, no scripts, nothing fetched; whatever a subject said is escaped."""

from datetime import datetime, timedelta, timezone

import orjson
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from xinqiao.finding import Text

__all__ = ["page"]

# Whose time pages tell.
_CHINA = timezone(timedelta(hours=8))
_MOST_SHOWN = 12_000
# Lines of JSON that are printed on paper.
_MOST_PRINTED = 18


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


def _shown(value: object) -> str:
    """Return JSON as people read it; of a long one the beginning."""
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}\n… results.json"


def _is_long(value: object) -> bool:
    return _shown(value).count("\n") > _MOST_PRINTED


def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(f"xinqiao_conformance.{name}") for name in ("results", "certificates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"said": _said, "moment": _moment, "day": _day, "shown": _shown, "is_long": _is_long}
    environment.globals["label"] = _label
    return environment


_ENVIRONMENT = _environment()
