"""File partners that break one requirement each, made from the members of a manifest, the header of records, and what
a result has to be compared with: each wrong, or left out.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

from xinqiao.message import Json
from xinqiao.seal import Sealed
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners_of_files import mutant_partner
from xinqiao_conformance.references.files import Known, ReferencePartner

__all__ = ["MUTANTS"]


def _plus_one(value: str) -> str:
    return str(int(value) + 1)


def _flipped(value: str) -> str:
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def _cent_more(value: str) -> str:
    whole, _, part = value.partition(".")
    return f"{int(whole) + 1}.{part}" if part else str(int(whole) + 1)


# What the manifest says, where (all places together, or it would not agree with itself), and how it is wrong.
_FILE = "files.0.file"
_MANIFEST: dict[str, tuple[tuple[str, ...], Callable[[str], Any]]] = {
    "name of the file": ((f"{_FILE}.name",), lambda name: f"x{name}"),
    "name, with its folder": ((f"{_FILE}.name",), lambda name: f"in/{name}"),
    "size of the file": ((f"{_FILE}.size",), _plus_one),
    "digest of the file": ((f"{_FILE}.digest.value",), _flipped),
    "algorithm of the digest": ((f"{_FILE}.digest.algorithm",), lambda _: "SM3"),
    "count of records": (("recordCount", "files.0.recordCount"), _plus_one),
    "count of records in a total": (
        ("controlTotals.0.recordCount", "files.0.controlTotals.0.recordCount"),
        _plus_one,
    ),
    "amount of a total": (("controlTotals.0.amount", "files.0.controlTotals.0.amount"), _cent_more),
    "currency of a total": (("controlTotals.0.currency", "files.0.controlTotals.0.currency"), lambda _: "USD"),
}
# Header members of records: the requirement that is broken, what is wrong, and requirements that it breaks as well.
_HEADER: dict[str, tuple[str, Callable[[Any], Any], tuple[str, ...]]] = {
    "messageId": ("ENV-005", lambda _: str(uuid4()), ("MSG-002",)),
    "standardVersion": ("ENV-006", lambda _: "one", ("MSG-002",)),
    "sender": ("ENV-007", lambda code: f"{code[:-1]}0", ("MSG-002", "MSG-003")),
    "receiver": ("ENV-007", lambda code: f"{code[:-1]}9", ("MSG-002", "MSG-003")),
    "test": ("ENV-016", lambda _: False, ()),
}
_FLAWS = ("sender", "receiver", "number", "count", "sum")


def _place(content: Any, path: str) -> tuple[Any, str | int]:  # noqa: ANN401 -- any part of a message
    *parents, last = [int(each) if each.isdigit() else each for each in path.split(".")]
    for name in parents:
        content = content[name]
    return content, last


def _of_manifest(places: Sequence[str], wrong: Callable[[str], Any]) -> type[ReferencePartner]:
    class Changed(ReferencePartner):
        def manifest(self, number: str, name: str, lines: Sequence[bytes], replaces: str) -> Json:
            manifest = copy.deepcopy(super().manifest(number, name, lines, replaces))
            for path in places:
                part, last = _place(manifest["batchManifest"], path)
                part[last] = wrong(part[last])
            return manifest

    return Changed


def _without_totals() -> type[ReferencePartner]:
    class Changed(ReferencePartner):
        def manifest(self, number: str, name: str, lines: Sequence[bytes], replaces: str) -> Json:
            manifest = copy.deepcopy(super().manifest(number, name, lines, replaces))
            body = manifest["batchManifest"]
            body.pop("controlTotals", None)
            body["files"][0].pop("controlTotals", None)
            return manifest

    return Changed


def _of_header(name: str, wrong: Callable[[Any], Any] | None) -> type[ReferencePartner]:
    class Changed(ReferencePartner):
        def drawn_up(self, records: Sequence[Json], *, replaces: str = "") -> Known:
            first, *others = records
            header = {each: value for each, value in first["header"].items() if each != name or wrong is not None}
            if wrong is not None:
                header[name] = wrong(header[name])
            return super().drawn_up([{**first, "header": header}, *others], replaces=replaces)

    return Changed


def _blind_to(flaw: str) -> type[ReferencePartner]:
    class Changed(ReferencePartner):
        def flaws(self, batch: Known, message: Json) -> set[str]:
            if "batchResult" not in message and "rejection" not in message:
                return {"number"}
            return super().flaws(batch, message) - {flaw}

    return Changed


def _without_seals(*, asks: bool) -> type[ReferencePartner]:
    class Changed(ReferencePartner):
        def verify(self, sealed: Sealed) -> None:
            if asks and not sealed.signature:
                super().verify(sealed)

    return Changed


def _mutants() -> Iterator[Mutant]:
    for what, (places, wrong) in _MANIFEST.items():
        kind = _of_manifest(places, wrong)
        yield mutant_partner(f"has in its manifest another {what}", "PRC-009", kind, mechanical=True)
    yield mutant_partner("has no control totals", "PRC-009", _without_totals(), mechanical=True)
    for name, (requirement, change, also) in _HEADER.items():
        for said, made in (("has a wrong", change), ("leaves out", None)):
            kind = _of_header(name, made)
            yield mutant_partner(f"{said} {name} in a record", requirement, kind, also, mechanical=True)
    for flaw in _FLAWS:
        yield mutant_partner(f"believes results of another {flaw}", "FIL-007", _blind_to(flaw), mechanical=True)
    for said, asks in (("verifies no seals", False), ("verifies no keys of seals", True)):
        yield mutant_partner(said, "FIL-007", _without_seals(asks=asks), mechanical=True)


MUTANTS = tuple(_mutants())
