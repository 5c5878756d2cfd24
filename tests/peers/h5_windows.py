"""Windows of a browser: a phone's, a desktop's, a WebView's; and whatever goes wrong in any of them."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

__all__ = ["CANARY", "DESKTOP", "PHONE", "Windows"]

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# What Android's WebView of a bank's App says of itself.
_WEBVIEW = (
    "Mozilla/5.0 (Linux; Android 13; V2227A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 "
    "Mobile Safari/537.36"
)
# No window of its own, no storage: what many Apps leave of the web.
_POOR = """
window.open = function () { return null };
for (const name of ["localStorage", "sessionStorage", "indexedDB"])
  Object.defineProperty(window, name, { get() { throw new DOMException("no storage here", "SecurityError") } });
Object.defineProperty(document, "cookie", { get() { return "" }, set() {} });
"""
CANARY = "window.canary"


class Windows:
    """Opens windows and keeps what their consoles complain of: errors, faults, dialogs, what a policy forbade."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def phone(self, **about: Any) -> Page:
        """Open a window of a phone; ``about`` are options of the browser's context."""
        return self.tab(self.context(**{"viewport": PHONE, "has_touch": True, **about}))

    def desktop(self, **about: Any) -> Page:
        """Open a window on a desktop."""
        return self.tab(self.context(**{"viewport": DESKTOP, **about}))

    def webview(self) -> Page:
        """Open what an App shows pages in: no window of its own, no storage, no cookies."""
        context = self.context(viewport=PHONE, user_agent=_WEBVIEW, is_mobile=True, has_touch=True)
        context.add_init_script(_POOR)
        return self.tab(context)

    def context(self, **about: Any) -> BrowserContext:
        """Return a context of its own: it shares nothing with others."""
        context = self._browser.new_context(locale="zh-CN", **about)
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        return context

    def tab(self, context: BrowserContext) -> Page:
        """Open another tab of a context."""
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"fault: {error}"))
        page.on("dialog", self._dialog)
        return page

    def expect(self, part: str) -> None:
        """Take a complaint back that the test is about; there has to be one."""
        found = [each for each in self.complaints if part in each]
        assert found, f"nobody complained of {part}: {self.complaints}"
        self.complaints = [each for each in self.complaints if part not in each]

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        # That a page itself came with 422 or 409 is what the page says; the browser notes it, too.
        is_page = "/h5/" in message.location["url"] and "/h5/static/" not in message.location["url"]
        if is_page and message.text.startswith("Failed to load resource: the server responded with a status of 4"):
            return
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()
