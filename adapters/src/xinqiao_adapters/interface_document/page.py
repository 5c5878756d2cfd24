"""The interface document as one HTML file that needs nothing else: styles inside, no scripts, fit for A4."""

from functools import partial
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from xinqiao.finding import Text
from xinqiao_adapters.interface_document.build import InterfaceDocument
from xinqiao_adapters.interface_document.presence import Presence

__all__ = ["Language", "html_of"]

Language = Literal["zh", "en", "both"]

_ENVIRONMENT = Environment(
    loader=PackageLoader("xinqiao_adapters.interface_document", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PRESENCES = {
    "always": Text("必填", "required"),
    "with": Text("条件", "conditional"),
    "optional": Text("可选", "optional"),
}


def html_of(document: InterfaceDocument, language: Language = "both") -> str:
    """Return the document in Chinese, in English, or in both with Chinese first."""
    said = partial(_said, language=language)
    return _ENVIRONMENT.get_template("document.html.j2").render(
        document=document,
        profile=document.profile,
        language=language,
        said=said,
        label=lambda zh, en: said(Text(zh, en)),
        presence=lambda each: said(_presence(each)),
        style=Markup(_style()),  # noqa: S704 -- a file of this package
    )


def _style() -> str:
    source, _, _ = PackageLoader("xinqiao_adapters.interface_document", ".").get_source(_ENVIRONMENT, "style.css")
    return source


def _said(text: Text, *, language: Language) -> Markup:
    """Return a text as HTML; of both languages one where they say the same."""
    if language == "both" and text.zh != text.en and text.zh and text.en:
        return Markup('<span lang="zh">{}</span> <span class="en" lang="en">{}</span>').format(text.zh, text.en)
    return escape((text.en or text.zh) if language == "en" else (text.zh or text.en))


def _presence(presence: Presence) -> Text:
    return _PRESENCES[presence.need]
