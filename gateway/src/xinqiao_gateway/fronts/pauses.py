"""How long a front that looks for input by itself waits after a look that failed."""

from xinqiao.errors import ConfigurationError
from xinqiao_gateway.delivery.schedule import spread

__all__ = ["pause_after"]

_LONGEST = 900.0


def pause_after(error: Exception, every: float, failures: int) -> float:
    """Return the seconds until the next look: twice as many for each failure in a row, up to a quarter of an hour.

    At once so long after a login that was refused, a server that is not the one it should be and the like: repeated
    logins with a wrong password lock accounts.
    """
    longest = max(_LONGEST, every)
    if isinstance(error, ConfigurationError):
        return longest
    return spread(min(every * 2.0 ** min(failures - 1, 20), longest))
