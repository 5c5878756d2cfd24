"""The rules of the standard: what no schema says.

Each is a plain function, registered by its id; what it says to people, its level and its source are in
``schemas/requirements/rules``, a kept and a broken example in ``schemas/vectors/rules``.
"""

from xinqiao.rules import (
    annuity,
    assets,
    collateral,
    contract,
    control,
    delivery,
    disclosure,
    distribution,
    header,
    identity,
    insurance,
    kyc,
    lending,
    pages,
    party,
    payment,
    periods,
    person,
    prepaid,
    reconciliation,
    registry,
    resolution,
    securitisation,
    trade,
    valuation,
    values,
)
from xinqiao.rules.rule import CODE_RULES, CURRENCY_RULES, PART_RULES, VALUE_RULES, metadata
from xinqiao.rules.walk import findings_of

__all__ = ["families", "findings_of", "metadata", "registered"]

# Importing a family registers its rules.
families = (
    annuity,
    assets,
    collateral,
    contract,
    control,
    delivery,
    disclosure,
    distribution,
    header,
    identity,
    insurance,
    kyc,
    lending,
    pages,
    party,
    payment,
    periods,
    person,
    prepaid,
    reconciliation,
    registry,
    resolution,
    securitisation,
    trade,
    valuation,
    values,
)


def registered() -> frozenset[str]:
    """Return the ids of the rules that have a function."""
    return frozenset().union(PART_RULES, VALUE_RULES, CODE_RULES, CURRENCY_RULES)
