"""Rules on collateral: what covers a claim, what replaces it, and what its disposal brings."""

from xinqiao.message import Json
from xinqiao.rules.amounts import balances, is_percentage_of, makes_up
from xinqiao.rules.exact import scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-400")
def check_total_value(total_value: Json, collateral: list[Json]) -> Breach | None:
    """The total value is that of the items."""
    if makes_up(total_value, (each["value"] for each in collateral)):
        return None
    return Breach(("totalValue", "value"), expected="the sum of the items' value")


@rule("XQ-R-401")
def check_coverage_ratio(coverage_ratio: str, total_value: Json, secured_claim: Json) -> Breach | None:
    """The coverage ratio is the total value over the amount of the claim."""
    if is_percentage_of(coverage_ratio, total_value, secured_claim["amount"]):
        return None
    return Breach(("coverageRatio",), expected="totalValue over the claim's amount, per cent")


@rule("XQ-R-402")
def check_minimum_coverage(coverage_ratio: str, minimum_coverage: str) -> Breach | None:
    """What is pledged covers the claim as agreed."""
    if scaled(coverage_ratio) >= scaled(minimum_coverage):
        return None
    return Breach(("coverageRatio",), expected="at least minimumCoverage")


@rule("XQ-R-403")
def check_items_once(
    collateral: list[Json] | None = None, added: list[Json] | None = None, released: list[Json] | None = None
) -> list[Breach] | None:
    """Each item of collateral stands once, and what is given back is not added too."""
    seen: set[str] = set()
    breaches = []
    for name, items in {"collateral": collateral, "released": released, "added": added}.items():
        for index, each in enumerate(items or ()):
            if each["collateralNo"] in seen:
                breaches.append(Breach((name, index, "collateralNo"), expected="each item once"))
            seen.add(each["collateralNo"])
    return breaches or None


@rule("XQ-R-404")
def check_kind_of_replacement(kind: str, released: list[Json] | None = None) -> Breach | None:
    """A substitution gives something back, a top-up nothing."""
    if (kind == "SUBSTITUTION") == (released is not None):
        return None
    expected = "what is given back" if kind == "SUBSTITUTION" else "none in a top-up"
    return Breach(("released",), expected=expected)


@rule("XQ-R-405")
def check_value_after(
    value_before: Json, value_after: Json, added: list[Json], released: list[Json] | None = None
) -> Breach | None:
    """The value after is that before, with what is added and without what is given back."""
    came = [each["value"] for each in added]
    went = [each["value"] for each in released or ()]
    if balances((value_before, *came), (value_after, *went)):
        return None
    return Breach(("valueAfter", "value"), expected="valueBefore with what is added, without what is released")


@rule("XQ-R-406")
def check_coverage_after(
    secured_balance: Json,
    value_before: Json | None = None,
    coverage_before: str | None = None,
    value_after: Json | None = None,
    coverage_after: str | None = None,
) -> list[Breach] | None:
    """The coverage before and after is the value over the balance secured."""
    pairs = {"coverageBefore": (coverage_before, value_before), "coverageAfter": (coverage_after, value_after)}
    return [
        Breach((name,), expected="the value over securedBalance, per cent")
        for name, (coverage, value) in pairs.items()
        if coverage is not None and value is not None and not is_percentage_of(coverage, value, secured_balance)
    ] or None


@rule("XQ-R-407")
def check_proceeds(proceeds: Json, collateral: list[Json]) -> Breach | None:
    """The proceeds are those of the items."""
    if makes_up(proceeds, (each["proceeds"] for each in collateral)):
        return None
    return Breach(("proceeds", "value"), expected="the sum of the items' proceeds")


@rule("XQ-R-408")
def check_net_proceeds(proceeds: Json, net_proceeds: Json, costs: list[Json] | None = None) -> Breach | None:
    """The net proceeds are the proceeds less the costs."""
    if balances((proceeds,), (net_proceeds, *(each["amount"] for each in costs or ()))):
        return None
    return Breach(("netProceeds", "value"), expected="proceeds less costs")


@rule("XQ-R-409")
def check_application(net_proceeds: Json, applications: list[Json], surplus: Json | None = None) -> Breach | None:
    """What a disposal brings goes to the creditors and, what is left, back to the provider."""
    back = () if surplus is None else (surplus,)
    if balances((net_proceeds,), (*(each["amount"] for each in applications), *back)):
        return None
    return Breach(("netProceeds", "value"), expected="what is applied to the claims, and the surplus")


@rule("XQ-R-410")
def check_scope_of_release(scope: str, collateral_nos: list[str] | None = None) -> Breach | None:
    """A release in part names what it releases."""
    if scope == "PARTIAL" and collateral_nos is None:
        return Breach(("collateralNos",), expected="the items released")
    return None
