"""The passive checks of the standard, one module for each theme; each check names the requirement that it is of."""

from collections.abc import Iterator, Mapping

from xinqiao.recording.checking import REGISTERED, Check, Context, Judged, judged
from xinqiao.recording.checks import (  # noqa: F401 -- importing a theme registers its checks
    acceptance,
    batches,
    carrying,
    cases,
    content,
    envelope,
    orders,
    privacy,
    retrying,
    seals,
)
from xinqiao.recording.file import Recording

__all__ = ["checks", "judge"]


def checks() -> Mapping[str, Check]:
    """Return every passive check by its id, in the order of their requirements."""
    return dict(sorted(REGISTERED.items(), key=lambda item: (item[1].requirement, item[0])))


def judge(recording: Recording, context: Context) -> Iterator[Judged]:
    """Run the checks of the context's role, each over the whole recording."""
    for each in checks().values():
        if context.role in each.roles:
            yield judged(each, recording, context)
