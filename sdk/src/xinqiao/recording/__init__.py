"""Recordings of exchanges, their masks, and the passive checks that judge them without taking part."""

from xinqiao.recording.checking import NOT_OBSERVABLE, Check, Context, Found, Judged, State
from xinqiao.recording.file import Recording
from xinqiao.recording.masking import masked
from xinqiao.recording.masks import Masker
from xinqiao.recording.model import Answer, By, Head, Recorded, Transport, body_of, header_of
from xinqiao.recording.quoting import is_token

__all__ = [
    "NOT_OBSERVABLE",
    "Answer",
    "By",
    "Check",
    "Context",
    "Found",
    "Head",
    "Judged",
    "Masker",
    "Recorded",
    "Recording",
    "State",
    "Transport",
    "body_of",
    "header_of",
    "is_token",
    "masked",
]
