"""The passive checks of the standard over manifests, and over the records of files that the suite can read.

One case for each requirement: the standard leaves it to the partner what a batch holds, and where nothing of it occurs
there is nothing to show. A trust company sends files, too, so that checks of its messages are among them.
"""

from collections.abc import Sequence
from itertools import groupby

from xinqiao.recording import Check
from xinqiao.recording.checks import checks
from xinqiao_conformance.benches.files import FilesBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.files import case
from xinqiao_conformance.passive import look, named

# Judged against the files themselves.
_SEEN_OTHERWISE = frozenset({"manifests"})


def _case_of(requirement: str, of_it: Sequence[Check]) -> Test:
    def test(bench: FilesBench) -> None:
        _ = bench.several
        for check in of_it:
            look(check, bench)

    name = f"messages_in_files_meet_{requirement.lower().replace('-', '_')}"
    return named(test, name, __name__, "; ".join(each.title.en for each in of_it))


_OURS = [each for each in checks().values() if "file-partner" in each.roles and each.id not in _SEEN_OTHERWISE]
for _requirement, _group in groupby(_OURS, key=lambda each: each.requirement):
    case(_requirement, last=True)(_case_of(_requirement, tuple(_group)))
