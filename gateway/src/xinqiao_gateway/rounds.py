"""Work beside the work: what is done again and again for the life of the process, and what becomes of its faults."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from structlog.typing import FilteringBoundLogger

from xinqiao.errors import JournalUnavailable, XinqiaoError

__all__ = ["again_and_again"]


async def again_and_again(
    turn: Callable[[], Awaitable[object]], pause: float, log: FilteringBoundLogger, name: str
) -> NoReturn:
    """Take turns until cancelled, ``pause`` seconds apart. One that fails is logged as ``name failed``; the next comes.

    A journal that is away for many turns is told of once.
    """
    is_away = False
    while True:
        was_away, is_away = is_away, False
        try:
            await turn()
        except XinqiaoError as error:
            is_away = isinstance(error, JournalUnavailable)
            if not (is_away and was_away):
                log.warning(f"{name} failed", reason=error.reason, why=error.detail)
        except Exception:  # the top of a task
            log.exception(f"{name} failed")
        await asyncio.sleep(pause)
