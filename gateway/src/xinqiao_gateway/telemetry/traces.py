"""Traces through the OpenTelemetry API: spans with ids, never with contents.

Where the process has no SDK configured nothing is made, and the cost is one question for each span.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import context, propagate, trace
from opentelemetry.trace import ProxyTracerProvider, Span

__all__ = ["continued", "handed_on", "is_traced", "span"]

_NAME = "xinqiao_gateway"
_NOTHING: AbstractContextManager[Span | None] = nullcontext(None)

Value = str | int


def is_traced() -> bool:
    """Whether somebody configured a tracer provider in this process."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def span(name: str, **attributes: Value) -> AbstractContextManager[Span | None]:
    """Return the context of a span; None stands for one that nobody wants.

    An exception is not recorded: its text could hold a value.
    """
    if not is_traced():
        return _NOTHING
    tracer = trace.get_tracer(_NAME)
    return tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )


def handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the current trace's (``traceparent``), where there is one."""
    found = dict(headers)
    if is_traced():
        propagate.inject(found)
    return found


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """Continue the trace that HTTP headers name for as long as the context lasts."""
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
