"""The shadow run: recorded traffic of a partner, replayed through a channel profile and held against an older system.

A recording is read (``recording``), each case is replayed (``replay``) and compared (``comparison``), what differs is
explained or not (``explanations``) and counted (``report``). Nothing is stored, and nothing is sent.
"""

from xinqiao_gateway.shadow.explanations import Explanation, read_explanations
from xinqiao_gateway.shadow.recording import Broken, Case, Part, Recording
from xinqiao_gateway.shadow.replay import Replay
from xinqiao_gateway.shadow.report import Row, ShadowReport
from xinqiao_gateway.shadow.run import shadow_run
from xinqiao_gateway.shadow.sides import Core, Partner

__all__ = [
    "Broken",
    "Case",
    "Core",
    "Explanation",
    "Part",
    "Partner",
    "Recording",
    "Replay",
    "Row",
    "ShadowReport",
    "read_explanations",
    "shadow_run",
]
