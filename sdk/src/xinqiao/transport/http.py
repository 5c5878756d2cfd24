"""REST: sealed messages as bodies of HTTP, pages of what waits."""

import base64
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from xinqiao.errors import MalformedJson, Rejected
from xinqiao.message import Json, read_json
from xinqiao.seal import SIGNATURE_HEADER, Sealed
from xinqiao.transport import Answer, Fetch, NoAnswer, Pulled

__all__ = ["AsyncHttpTransport", "HttpTransport", "retry_after"]

_DAY = 86_400.0


class HttpTransport:
    """Over ``httpx.Client``."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self._url, self._http = url, http

    def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        return self._call(_submission(self._url, sealed))

    def submit_many(self, inputs: Iterable[Sealed]) -> Iterator[tuple[Sealed, Answer | None]]:
        """Send one after the other."""
        for each in inputs:
            try:
                answer = self.submit(each)
            except NoAnswer:
                yield each, None
            else:
                yield each, answer

    def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for a page."""
        return _pulled(self._call(_query(self._url, fetch)))

    def follow(self) -> Self:
        """Return itself: REST is asked for page after page."""
        return self

    def end(self) -> None:
        """Nothing is open between two pages."""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(self, call: dict[str, Any]) -> Answer:
        try:
            return _answer(self._http.request(**call))
        except httpx.TransportError as error:
            raise _none(error) from error


class AsyncHttpTransport:
    """Over ``httpx.AsyncClient``."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http

    async def submit(self, sealed: Sealed) -> Answer:
        """Send one input."""
        return await self._call(_submission(self._url, sealed))

    async def submit_many(self, inputs: Iterable[Sealed]) -> AsyncIterator[tuple[Sealed, Answer | None]]:
        """Send one after the other."""
        for each in inputs:
            try:
                answer = await self.submit(each)
            except NoAnswer:
                yield each, None
            else:
                yield each, answer

    async def fetch(self, fetch: Fetch) -> Pulled | Answer:
        """Ask for a page."""
        return _pulled(await self._call(_query(self._url, fetch)))

    def follow(self) -> Self:
        """Return itself: REST is asked for page after page."""
        return self

    def end(self) -> None:
        """Nothing is open between two pages."""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(self, call: dict[str, Any]) -> Answer:
        try:
            return _answer(await self._http.request(**call))
        except httpx.TransportError as error:
            raise _none(error) from error


def retry_after(header: str | None, at: datetime | None = None) -> float | None:
    """Return the seconds to wait that a ``Retry-After`` header asks for, from 0 to a day.

    It is whole seconds or a date (RFC 9110 §10.2.3); a date without a zone is UTC and counts from ``at``, now by
    default. None where there is no header, or where it says neither.
    """
    said = (header or "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), _DAY)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max((aware - (at or datetime.now(UTC))).total_seconds(), 0.0), _DAY)


def _submission(url: str, sealed: Sealed) -> dict[str, Any]:
    headers = {"Content-Type": sealed.content_type, SIGNATURE_HEADER: sealed.signature}
    return {"method": "POST", "url": url, "content": sealed.content, "headers": headers}


def _query(url: str, fetch: Fetch) -> dict[str, Any]:
    parameters = {"limit": str(fetch.limit)} | ({"after": fetch.after} if fetch.after is not None else {})
    return {"method": "GET", "url": url, "params": parameters, "headers": {"Authorization": f"Bearer {fetch.token}"}}


def _answer(response: httpx.Response) -> Answer:
    headers = response.headers
    asked = retry_after(headers.get("Retry-After")) or 0.0
    return Answer(response.status_code, response.content, headers.get("Content-Type", ""), asked)


def _none(error: httpx.TransportError) -> NoAnswer:
    return NoAnswer(str(error), was_connected=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout))


def _pulled(answer: Answer) -> Pulled | Answer:
    """Return the page of an answer, or the answer where it is none."""
    try:
        listed = read_json(answer.content)
    except Rejected:
        return answer
    return _page(listed) if "messages" in listed else answer


def _page(listed: Json) -> Pulled:
    entries, cursor = listed["messages"], listed.get("cursor")
    if not isinstance(entries, list) or not isinstance(cursor, str):
        raise MalformedJson("a page has an array named messages and a text named cursor")
    return Pulled([_sealed(entry, f"messages[{index}]") for index, entry in enumerate(entries)], cursor)


def _sealed(entry: object, place: str) -> Sealed:
    match entry:
        case {"content": str(content), "contentType": str(content_type), "signature": str(signature)}:
            pass
        case _:
            raise MalformedJson(f"{place} is no sealed message: texts named content, contentType, signature")
    try:
        return Sealed(base64.b64decode(content, validate=True), content_type, signature)
    except ValueError as error:  # also binascii.Error; characters beyond ASCII
        raise MalformedJson(f"{place}.content is not base64") from error
