"""A browser window without JavaScript, for whoever is played at the pages: opens, types what a body says, presses."""

from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html

from xinqiao.message import Json
from xinqiao_gateway.demo.stage import DemoFailed
from xinqiao_gateway.fronts.h5.tree import value_at

__all__ = ["Window"]

_MOST_PAGES = 40


class Window:
    """One window. Raises ``DemoFailed`` where a page says that something is wrong, or does not go on."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._at = ""
        self._page: Any = None

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return " ".join(self._page.find("body").text_content().split())

    def open(self, address: str) -> None:
        """Open the address of a launch, and use it."""
        self._show(self._http.get(address, follow_redirects=True))
        self._press(self._form("launch"), {})

    def enter(self, body: Json, end: str) -> None:
        """Type what a body says, page by page, until there is what the XPath ``end`` finds."""
        for _ in range(_MOST_PAGES):
            if self._page.xpath(end):
                return
            self._enter_page(body)
        raise DemoFailed(f"the pages came to no end: {self.text[:300]}")

    def _enter_page(self, body: Json) -> None:
        form = self._form("main")
        missing = self._missing_part(body)
        typed = {name: _typed(name, body) for name in self._names(form)}
        self._press(form, {name: said for name, said in typed.items() if said}, f"add:{missing}" if missing else "")
        problems = self._page.xpath("//*[@id='problems']//li")
        if problems:
            raise DemoFailed("; ".join(" ".join(each.text_content().split()) for each in problems)[:500])

    def _missing_part(self, body: Json) -> str:
        """Return the list of which the page has fewer items than the body, empty where there is none."""
        for button in self._page.xpath("//button[starts-with(@value, 'add:')]"):
            path = button.get("value").removeprefix("add:")
            shown = {each.partition("]")[0] for each in self._names(self._form("main")) if each.startswith(f"{path}[")}
            if len(shown) < len(value_at(body, path) or ()):
                return str(path)
        return ""

    def _names(self, form: Any) -> list[str]:  # noqa: ANN401 -- lxml's
        fields = form.xpath(".//*[self::input or self::select or self::textarea]")
        return list(dict.fromkeys(each.get("name") for each in fields if each.get("type") != "hidden"))

    def _form(self, name: str) -> Any:  # noqa: ANN401 -- lxml's
        found = self._page.xpath("//form[@id=$name]", name=name)
        if not found:
            raise DemoFailed(f"the page has no form {name}: {self.text[:300]}")
        return found[0]

    def _press(self, form: Any, typed: dict[str, Any], act: str = "") -> None:  # noqa: ANN401 -- lxml's
        hidden = {each.get("name"): each.get("value") for each in form.xpath(".//input[@type='hidden']")}
        buttons = form.xpath(".//button[@value=$act]" if act else ".//button[contains(@class, 'main')]", act=act)
        said = {each.get("name"): each.get("value") or "" for each in buttons[:1] if each.get("name")}
        self._show(
            self._http.post(
                urljoin(self._at, form.get("action") or ""), data=hidden | typed | said, follow_redirects=True
            )
        )

    def _show(self, answer: httpx.Response) -> None:
        self._at, self._page = str(answer.url), html.fromstring(answer.text)
        if answer.is_error and not self._page.xpath("//*[@id='problems']"):
            raise DemoFailed(f"{answer.status_code}: {self.text[:300]}")


def _typed(name: str, body: Json) -> Any:  # noqa: ANN401 -- what httpx takes as a value of a form
    """Return what somebody types into a field so that the body comes of it."""
    if name.startswith("q."):
        given = {each["question"]: each["answer"] for each in body.get("riskAssessment", {}).get("answers", ())}
        return given.get(name.removeprefix("q."))
    if name == "declared":
        return "yes"
    value = value_at(body, name)
    if isinstance(value, bool):
        return str(value).lower()
    return value["value"] if isinstance(value, dict) else value
