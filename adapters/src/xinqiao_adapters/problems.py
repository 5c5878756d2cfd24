"""Problems gathered as they are found, so that whoever corrects a file hears all of them at once."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from xinqiao.errors import ProfileInvalid, XinqiaoError

__all__ = ["Problems"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Problems:
    """What errors said, a line each: ``attempt`` what may raise one, ``note`` what is seen, then ``check``.

    ``kind`` is what ``check`` raises; by default an error of the kind of the first, for notes ``ProfileInvalid``.
    """

    def __init__(self, kind: type[XinqiaoError] | None = None) -> None:
        self.lines: list[str] = []
        self._kind = kind

    def attempt(
        self, act: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result | None:
        """Return what an act returns; None where it fails, and what it said is kept."""
        try:
            return act(*args, **kwargs)
        except XinqiaoError as error:
            self._kind = self._kind or type(error)
            self.note(error.detail or error.text.en)
            return None

    def note(self, text: str) -> None:
        """Keep a problem, or several, one a line."""
        self.lines += text.splitlines()

    def check(self) -> None:
        """Raise all that was kept as one error; nothing happens where there is none."""
        if self.lines:
            raise (self._kind or ProfileInvalid)("\n".join(self.lines))
