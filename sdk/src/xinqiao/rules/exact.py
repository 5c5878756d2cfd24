"""Exact arithmetic on the standard's decimal strings: whole numbers of 10⁻⁸, the most digits that one may have."""

__all__ = ["HUNDRED", "decimals", "plain", "scaled"]

_DIGITS = 8
HUNDRED = 100 * 10**_DIGITS


def scaled(value: str) -> int:
    """Return a decimal string in units of 10⁻⁸."""
    whole, _, fraction = value.partition(".")
    return int(whole + fraction.ljust(_DIGITS, "0"))


def plain(number: int) -> str:
    """Return a number of units of 10⁻⁸ as a decimal string without needless zeros."""
    whole, fraction = divmod(abs(number), 10**_DIGITS)
    digits = f"{whole}.{fraction:0{_DIGITS}}".rstrip("0").rstrip(".")
    return f"-{digits}" if number < 0 else digits


def decimals(value: str) -> int:
    """Return how many digits a decimal string has after its point."""
    return len(value.partition(".")[2])
