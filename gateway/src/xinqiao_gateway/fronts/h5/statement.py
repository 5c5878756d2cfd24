"""What the pages show of products: holdings, NAVs, what a product is. From the journal, as tables that people read.

Only what reached this channel's institution, of this case or of none, in this environment; the latest of each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from xinqiao.finding import Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao_gateway.fronts.h5.display import stated_row
from xinqiao_gateway.fronts.h5.model import Context, Row, Section, Visit
from xinqiao_gateway.fronts.h5.money import amount_text, money_text
from xinqiao_gateway.fronts.h5.tree import value_at
from xinqiao_gateway.fronts.h5.words import said_with, word
from xinqiao_gateway.journal.shown import Address, delivered_to

__all__ = ["Table", "address_of", "available_of", "holdings", "navs", "product"]

_MOST = 200
# What is said of a product, by the paths of ``ProductInfo``.
_OF_PRODUCT = (
    "kindName", "riskLevel", "state", "openDays.rule", "openDays.nextOpenOn", "cutOff", "pricing",
    "subscriptionConfirmationDays", "redemptionConfirmationDays", "redemptionSettlementDays", "minimumHoldingUnits",
    "lockUpDays", "endDate",
)  # fmt: skip
_IDS = ("code", "registrationCode", "isin")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first cell of each row says what the row is about."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[str | Text, ...], ...]
    note: Text | None = None


def address_of(visit: Visit, context: Context) -> Address:
    """Return whose messages a visit may show."""
    channel = context.channel
    return Address(
        channel.channel_id, visit.stored.case_id, channel.institution_code, context.gateway.code, channel.test
    )


def holdings(visit: Visit, context: Context) -> list[Table]:
    """Return a table for each account, of its latest statement. Reads the journal."""
    found = _reached(visit, context, "positionStatement")
    return [_account(pages) for pages in _latest_statements(found)]


def navs(visit: Visit, context: Context, instrument: Json | None = None) -> Table | None:
    """Return the latest NAV of each product, or of one; None where there is none. Reads the journal."""
    latest: dict[str, Json] = {}
    for each in _reached(visit, context, "navReport"):
        report = each["navReport"]
        if instrument is None or _same(report.get("instrument", {}), instrument):
            known = latest.get(_key(report))
            # The latest date counts; of one date what came last, which corrects what was before.
            if known is None or report["navDate"] > known["navDate"]:
                latest[_key(report)] = report
    if not latest:
        return None
    columns = _titles("navReport", "instrument", "navDate", "unitNav", "cumulativeNav", "state")
    rows = tuple(_nav(each) for each in sorted(latest.values(), key=_key))
    return Table(word("view_navs"), columns, rows)


def product(visit: Visit, context: Context, instrument: Json) -> Section | None:
    """Return what is known of a product; None where nothing is. Reads the journal."""
    found = (each["productInfo"] for each in _reached(visit, context, "productInfo"))
    info = next((each for each in found if _same(each["instrument"], instrument)), None)
    if info is None:
        return None
    rows = [Row(word("view_product"), _name(info["instrument"]), _name(info["instrument"]))]
    for path in _OF_PRODUCT:
        field, value = field_at("productInfo", f"productInfo.{path}"), value_at(info, path)
        if field is not None and value is not None:
            rows.append(stated_row(field, value))
    return Section(word("view_product"), tuple(rows))


def available_of(visit: Visit, context: Context, instrument: Json) -> str | None:
    """Return the units of a product that can be redeemed, after the latest statement; None where it is not known."""
    for pages in _latest_statements(_reached(visit, context, "positionStatement")):
        for position in _positions(pages):
            if _same(position.get("instrument", {}), instrument):
                return str(position.get("available") or position["quantity"])
    return None


def _reached(visit: Visit, context: Context, kind: str) -> list[Json]:
    """Return what reached the channel, the latest first: of the case, then of no case."""
    address, reading = address_of(visit, context), context.gateway.journal.reading
    of_case = delivered_to(reading, address, kind, _MOST, of_case=True)
    return of_case + (delivered_to(reading, address, kind, _MOST, of_case=False) if kind != "positionStatement" else [])


def _latest_statements(found: Iterable[Json]) -> list[list[Json]]:
    """Return the pages of the latest statement of each account; of one page sent twice the last."""
    latest: dict[str, list[Json]] = {}
    for each in found:
        statement = each["positionStatement"]
        pages = latest.setdefault(statement.get("accountNo", ""), [])
        numbers = [page.get("page", {}).get("number") for page in pages]
        same = not pages or all(statement.get(name) == pages[0].get(name) for name in ("statementNo", "asOf"))
        if same and statement.get("page", {}).get("number") not in numbers:
            pages.append(statement)
    return [sorted(pages, key=lambda page: page.get("page", {}).get("number", 0)) for pages in latest.values()]


def _positions(pages: Iterable[Json]) -> Iterator[Json]:
    for page in pages:
        yield from page.get("positions", [])


def _account(pages: Sequence[Json]) -> Table:
    first = pages[0]
    columns = _titles(
        "positionStatement", "positions[0].instrument", "positions[0].quantity", "positions[0].available",
        "positions[0].frozen", "positions[0].price", "positions[0].cost", "positions[0].marketValue",
    )  # fmt: skip
    rows = tuple(_position(each) for each in _positions(pages))
    total = next((page["totalMarketValue"] for page in pages if "totalMarketValue" in page), None)
    account = mask(first["accountNo"], "C2") if "accountNo" in first else ""
    title = said_with("view_account", account=account, date=first["asOf"])
    return Table(title, columns, rows, _with(word("view_total"), money_text(total)) if total else None)


def _position(position: Json) -> tuple[str | Text, ...]:
    numbers = [amount_text(position[name]) if name in position else "–" for name in ("quantity", "available", "frozen")]
    price = amount_text(position["price"]) if "price" in position else "–"
    money = [money_text(position[name]) if name in position else "–" for name in ("cost", "marketValue")]
    return (_name(position.get("instrument", {})), *numbers, price, *money)


def _nav(report: Json) -> tuple[str | Text, ...]:
    state = field_at("navReport", "navReport.state")
    shown = stated_row(state, report["state"]).full if state else str(report["state"])
    name = _name(report["instrument"]) if "instrument" in report else str(report.get("contractNo", ""))
    cumulative = amount_text(report["cumulativeNav"]) if "cumulativeNav" in report else "–"
    return (name, report["navDate"], amount_text(report["unitNav"]), cumulative, shown)


def _titles(body: str, *paths: str) -> tuple[Text, ...]:
    fields = (field_at(body, f"{body}.{path}") for path in paths)
    return tuple(field.title for field in fields if field is not None)


def _with(before: Text, after: Text) -> Text:
    return Text(f"{before.zh} {after.zh}", f"{before.en} {after.en}")


def _name(instrument: Json) -> str:
    code = next((str(instrument[name]) for name in _IDS if name in instrument), "")
    return " ".join(filter(None, (str(instrument.get("name", "")), code)))


def _same(one: Json, other: Json) -> bool:
    return any(name in one and one[name] == other.get(name) for name in _IDS)


def _key(report: Json) -> str:
    instrument = report.get("instrument", {})
    return next((str(instrument[name]) for name in _IDS if name in instrument), str(report.get("contractNo", "")))
