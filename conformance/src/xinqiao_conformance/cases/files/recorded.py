"""The passive checks of the standard over manifests, and over the records of files that the suite can read.

One case for each requirement. What no manifest shows is asked of those alone whose files the suite reads: of the others
it would say that something is met which nobody saw. Beyond what each of a type's examples holds, the standard leaves it
to the partner what a batch holds, and where nothing of it occurs there is nothing to show.
"""

from collections.abc import Sequence
from itertools import groupby

from xinqiao.recording import Check
from xinqiao.recording.checks import checks
from xinqiao_conformance.benches.files import FilesBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.files import case
from xinqiao_conformance.passive import is_always_shown, named, require_shown

_MANIFEST = "batchManifest"
# Judged against the files themselves.
_SEEN_OTHERWISE = frozenset({"manifests"})


def _case_of(requirement: str, of_it: Sequence[Check]) -> Test:
    def test(bench: FilesBench) -> None:
        _ = bench.several
        for check in of_it:
            require_shown(check, bench, _types(bench))

    name = f"messages_in_files_meet_{requirement.lower().replace('-', '_')}"
    return named(test, name, __name__, "; ".join(each.title.en for each in of_it))


def _types(bench: FilesBench) -> tuple[str, ...]:
    """Return the message types that the suite reads."""
    return (_MANIFEST, *bench.kit.types) if bench.reads_lines else (_MANIFEST,)


_OURS = [each for each in checks().values() if "file-partner" in each.roles and each.id not in _SEEN_OTHERWISE]
for _requirement, _group in groupby(_OURS, key=lambda each: each.requirement):
    _of_it = tuple(_group)
    _needs = () if any(is_always_shown(each, [_MANIFEST]) for each in _of_it) else {"lines"}
    case(_requirement, needs=_needs, last=True)(_case_of(_requirement, _of_it))
