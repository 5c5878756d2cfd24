"""The report for people: one page in both languages, whose findings are work orders."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from xinqiao.finding import Text
from xinqiao_conformance.declaration import FEATURES
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.results.model import KitResult, Results
from xinqiao_conformance.results.orders import known, orders_of
from xinqiao_conformance.results.pages import page

__all__ = ["HOW", "html_of"]

# Work orders on one page, and how many of them are spelt out, others in a line; results.json has them all.
_MOST_ORDERS = 300
_SPELT_OUT = 60
HOW: Mapping[str, Text] = {
    "run": Text("测试工具实际运行了被测系统", "the suite ran the system"),
    "recordings": Text("依据报文往来记录判读，未运行被测系统", "judged from recordings; the system was not run"),
    "channel": Text("通过网关渠道测试所连接的地址", "the address that a gateway's channel is set to was tested"),
}


# By kit, the features of which nothing was asked, each with its requirements.
Unasked = Mapping[str, Mapping[str, Sequence[str]]]


def html_of(results: Results, unasked: Unasked | None = MappingProxyType({})) -> str:
    """Return the report as one HTML file.

    ``unasked``: what the verdict is silent on, since it is not declared; None where that is not known.
    """
    orders = orders_of(results)
    must = sum(each.level == "MUST" for each in orders)
    return page(
        "report.html.j2",
        results=results,
        subject=results.declaration.subject,
        how=HOW[results.how],
        unasked=unasked,
        features=FEATURES,
        titles={each.kit: _title(each) for each in results.kits},
        about=known,
        orders=orders[:_SPELT_OUT],
        in_a_line=orders[_SPELT_OUT:_MOST_ORDERS],
        must=must,
        should=len(orders) - must,
        more=len(orders[_MOST_ORDERS:]),
        places={
            (order.kit, each.id): order.number
            for order in reversed(orders[:_MOST_ORDERS])
            for each in order.requirements
        },
        idle=sorted({each.id for kit in results.kits for each in kit.requirements if each.result == "unseen"}),
        cases=[case for kit in results.kits for case in kit.cases],
    )


def _title(kit: KitResult) -> Text:
    """Return the name of a kit; results of another version of the suite may have one that this one does not know."""
    try:
        return kit_named(kit.kit).title
    except ValueError:
        return Text(kit.kit, kit.kit)
