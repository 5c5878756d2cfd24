"""A browser without JavaScript: opens pages, types into forms, presses buttons, as somebody at the page could."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2 as httpx
from lxml import html
from starlette.testclient import TestClient

__all__ = ["Browser"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Browser:
    """One window. ``typed`` is what was typed into the form that is shown, and not sent yet."""

    http: TestClient
    answer: httpx.Response | None = None
    typed: dict[str, str | list[str]] = field(default_factory=dict)

    def open(self, address: str) -> "Browser":
        """Go to an address; redirects are followed."""
        return self._shown(self.http.get(address))

    def launch(self, address: str) -> "Browser":
        """Open a launch's address and press its button."""
        self.open(address)
        return self.press() if self.document.xpath("//form[@id='launch']") else self

    @property
    def shown(self) -> httpx.Response:
        """The answer that the page came in."""
        assert self.answer is not None, "nothing was opened"
        return self.answer

    @property
    def status(self) -> int:
        return self.shown.status_code

    @property
    def path(self) -> str:
        """Where the window is."""
        return self.shown.url.path

    @property
    def step(self) -> str:
        """The name of the step that is shown; empty where none is."""
        parts = self.path.split("/")
        return parts[4] if len(parts) > 4 else ""

    @property
    def document(self) -> html.HtmlElement:
        return html.fromstring(self.shown.text)

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return " ".join(self.document.find("body").text_content().split())

    @property
    def problems(self) -> list[str]:
        """What the summary of problems says, one by one."""
        return [" ".join(each.text_content().split()) for each in self.document.xpath("//*[@id='problems']//li")]

    def problem_beside(self, name: str) -> str:
        """Return what is said beside a field, by the way of its own description."""
        field = self.document.xpath("//*[@name=$name]", name=name)[0]
        holder = field if field.get("aria-describedby") else field.xpath("ancestor::fieldset")[0]
        ids = holder.get("aria-describedby").split()
        found = [self.document.get_element_by_id(each) for each in ids]
        return " ".join(each.text_content().strip() for each in found if "problem" in (each.get("class") or ""))

    def names(self) -> list[str]:
        """Return the names of the fields that can be typed into or chosen from, in order."""
        fields = self.document.xpath("//form[@id='main']//*[self::input or self::select or self::textarea]")
        return list(dict.fromkeys(each.get("name") for each in fields if each.get("type") != "hidden"))

    def value(self, name: str) -> str | list[str] | None:
        """Return what a field holds."""
        values = [value for key, value in self._successful(self._form("main")) if key == name]
        return (values[0] if len(values) == 1 else values) if values else None

    def type(self, fields: dict[str, str | list[str]]) -> "Browser":
        """Type into fields, or choose; each must be on the page."""
        known = set(self.names())
        assert not fields.keys() - known, f"not on the page: {fields.keys() - known}"
        self.typed |= fields
        return self

    def press(self, act: str = "") -> "Browser":
        """Press a button by what it says to the gateway (``do``); without one the main button."""
        button = self._button(act)
        form = self._form(button.get("form") or button.xpath("ancestor::form")[0].get("id"))
        pairs = [(name, value) for name, value in self._successful(form) if name not in self.typed]
        for name, value in self.typed.items():
            pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
        if button.get("name"):
            pairs.append((button.get("name"), button.get("value") or ""))
        return self.post(form.get("action") or str(self.shown.url), pairs)

    def post(self, address: str, pairs: list[tuple[str, str]]) -> "Browser":
        """Send a form."""
        return self._shown(self.http.post(address, content=urlencode(pairs), headers=FORM))

    def copy(self) -> "Browser":
        """Return another window at the same page."""
        return Browser(self.http, self.answer)

    def _shown(self, answer: httpx.Response) -> "Browser":
        self.answer = answer
        self.typed = {}
        return self

    def _form(self, name: str) -> html.HtmlElement:
        (form,) = self.document.xpath("//form[@id=$name]", name=name)
        return form

    def _button(self, act: str) -> html.HtmlElement:
        wanted = "//button[@value=$act]" if act else "//button[contains(@class, 'main')]"
        buttons = self.document.xpath(wanted, act=act)
        assert buttons, f"no button {act or 'main'}: {self.text[:500]}"
        return buttons[0]

    def _successful(self, form: html.HtmlElement) -> list[tuple[str, str]]:
        """Return what a form would send, but for buttons."""
        pairs = []
        for each in form.xpath(".//*[self::input or self::select or self::textarea]"):
            if each.tag == "select":
                chosen = each.xpath("./option[@selected]") or each.xpath("./option")
                pairs.append((each.get("name"), chosen[0].get("value")))
            elif each.tag == "textarea":
                pairs.append((each.get("name"), (each.text or "").removeprefix("\n")))
            elif each.get("type") not in {"radio", "checkbox"} or each.get("checked") is not None:
                pairs.append((each.get("name"), each.get("value") or ""))
        return pairs
