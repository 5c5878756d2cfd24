"""Pages as HTTP has them: rendered from templates, always escaped, with the headers that keep them to themselves.

No cookies: in an iframe of another site browsers refuse them. The address is the capability, so no page may be kept in
a cache, told to another site in a Referer, or embedded but where the channel's profile says.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from xinqiao.errors import (
    Conflict,
    ContentGone,
    NotAuthorized,
    NotFound,
    Rejected,
    SealExpired,
    SealInvalid,
    XinqiaoError,
)
from xinqiao.finding import Text
from xinqiao_gateway.fronts.h5.model import Problem, Row, Shown, Visit
from xinqiao_gateway.fronts.h5.words import Language, said, word
from xinqiao_gateway.journal.visits import Door

__all__ = ["STATIC", "bare_page", "error_page", "launch_page", "redirect", "static_file", "visit_page"]

STATIC = "/h5/static"
_TYPES = {
    "h5.css": "text/css; charset=utf-8",
    "h5.js": "text/javascript; charset=utf-8",
    "sign.js": "text/javascript; charset=utf-8",
    "embed.js": "text/javascript; charset=utf-8",
    "embed.d.ts": "text/plain; charset=utf-8",
}
_YEAR = "public, max-age=31536000, immutable"
_HOUR = "public, max-age=3600"
# What the pages of errors say, by the error.
_ERRORS: Mapping[type[XinqiaoError], str] = {
    Conflict: "used", ContentGone: "gone", NotFound: "not_found", NotAuthorized: "forged", SealInvalid: "forged",
    SealExpired: "expired", Rejected: "not_opened",
}  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("xinqiao_gateway.fronts.h5", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _file(name: str) -> tuple[bytes, str]:
    """Return a static file and the part of its address that changes with it."""
    content = (files("xinqiao_gateway.fronts.h5") / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def visit_page(
    visit: Visit, shown: Shown, *, title: Text, address: str, status: int = 200, progress: Text | None = None,
    event: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return a page of a visit. ``event`` is what the host page is told."""
    language = visit.language
    origin = visit.door.host.get("origin")
    values = {
        **_common(language, large=visit.content["large"]),
        **shown.values,
        "title": title,
        "flow_title": visit.flow.title,
        "address": address,
        "version": visit.stored.version,
        "problems": [(each, _place(each, address)) for each in shown.problems],
        "progress": progress,
        "event": event,
        "origin": origin,
        "return_url": visit.door.host.get("return"),
    }
    html = _environment().get_template(shown.template).render(values)
    return _response(html, status, [origin] if origin else [], shown.policy)


def launch_page(token: str, ancestors: Sequence[str]) -> Response:
    """Return the page that uses a launch: looking at an address must not, so a form does."""
    values = {**_both(), "title": word("open_title"), "token": token}
    return _response(_environment().get_template("launch.html.j2").render(values), 200, ancestors)


def bare_page(template: str, values: Mapping[str, Any], title: Text, language: Language) -> Response:
    """Return a page of no visit, which nobody may embed."""
    html = _environment().get_template(template).render({**_common(language, large=False), **values, "title": title})
    return _response(html, 200, [])


def error_page(
    error: XinqiaoError, ancestors: Sequence[str] = (), *, detailed: bool = False, door: Door | None = None
) -> Response:
    """Return what somebody reads who cannot be let in, in both languages; the reason is that of the error table.

    ``detailed`` pages are for the engineers of a test channel. ``door`` is the launch of a visit that was there.
    """
    key = next((each for kind, each in _ERRORS.items() if isinstance(error, kind)), "error")
    values: dict[str, Any] = {
        **_both(),
        "title": word(f"{key}_title"),
        "note": word(f"{key}_note"),
        "reason": error.reason,
    }
    origin = door.host.get("origin") if door else None
    values |= {
        "reason": error.reason,
        "detail": error.detail if detailed else "",
        "event": {"event": "expired" if key == "gone" else "error", "reason": error.reason},
        "origin": origin,
        "return_url": door.host.get("return") if door else None,
    }
    html = _environment().get_template("error.html.j2").render(values)
    return _response(html, error.http_status, [origin] if origin else ancestors)


def redirect(address: str) -> Response:
    """Send the browser on by GET, so that going back or reloading posts nothing again."""
    return Response(status_code=303, headers={**_headers([], ""), "Location": address})


async def static_file(request: Request) -> Response:
    """Serve the style sheet, the scripts and their types; whose address says its content is kept for good."""
    name = request.path_params["name"]
    if name not in _TYPES:
        return error_page(NotFound("no such file"))
    content, version = _file(name)
    kept = _YEAR if request.query_params.get("v") == version else _HOUR
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff", "Content-Type": _TYPES[name]}
    return Response(content, 200, headers)


def _common(language: Language, *, large: bool) -> dict[str, Any]:
    return {
        "language": language,
        "large": large,
        "t": lambda text: said(text, language),
        "w": lambda key, **names: said(word(key), language).format(**names),
        "css": f"{STATIC}/h5.css?v={_file('h5.css')[1]}",
        "js": f"{STATIC}/h5.js?v={_file('h5.js')[1]}",
        "script": lambda name: f"{STATIC}/{name}?v={_file(name)[1]}",
        "shown": lambda row, full: said(_value(row, full=full), language),
    }


def _both() -> dict[str, Any]:
    """Return what a page needs whose reader's language is not known."""
    return {**_common("zh", large=False), "en": lambda text: said(text, "en")}


def _value(row: Row, *, full: bool) -> str | Text:
    return row.full if full else row.masked


def _place(problem: Problem, address: str) -> str:
    """Return where a problem can be mended: a field of the page, or another step's page."""
    if problem.field is None:
        return ""
    step, _, name = problem.field.partition(":")
    if name:
        return f"{address}/{name}" if step == "step" else ""
    return "#f-" + problem.field.replace("[", "-").replace("]", "")


def _response(html: str, status: int, ancestors: Sequence[str], policy: str = "") -> Response:
    return Response(html, status, _headers(ancestors, policy), media_type="text/html")


def _headers(ancestors: Sequence[str], policy: str) -> dict[str, str]:
    policies = [
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "form-action 'self'", "base-uri 'none'",
        f"frame-ancestors {' '.join(ancestors) or chr(39) + 'none' + chr(39)}",
        *([policy] if policy else []),
    ]  # fmt: skip
    return {
        "Content-Security-Policy": "; ".join(policies),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
