"""From a recording to the masked one that may be given away."""

from dataclasses import replace
from pathlib import Path

from xinqiao.recording.file import Recording
from xinqiao.recording.masks import Masker

__all__ = ["masked"]


def masked(recording: Recording, to: Path) -> Recording:
    """Write a masked copy of a recording to a new file and return it closed; one exchange at a time.

    Raises ``Conflict`` where the file is there already, and what reading raises; then nothing is left behind.
    """
    masker = Masker()
    with Recording.create(to, replace(recording.head, masked=True)) as copy:
        try:
            for each in recording:
                copy.append(masker.mask(each))
        except BaseException:
            to.unlink()
            raise
    return copy
