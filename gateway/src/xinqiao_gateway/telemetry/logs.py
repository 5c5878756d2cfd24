"""Logs: one JSON object a line on standard error, without contents.

An exception is shown by its classes and places in code alone: its text may quote what it failed on.
"""

import logging
import sys
import traceback
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

__all__ = ["configure", "show_exception"]

_DEEPEST = 30


def configure(stream: TextIO | None = None) -> None:
    """Log to a stream (standard error by default); libraries say warnings only, and in the same form."""
    shared: list[Any] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        show_exception,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                render,
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )


def show_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its classes, from the outermost to its cause, and where it was raised."""
    found = event.pop("exc_info", None)
    if not found:
        return event
    given = found[1] if isinstance(found, tuple) else found
    error = given if isinstance(given, BaseException) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = [_shown(each) for each in _chain(error)]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return chain


def _shown(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
