"""``schemas/vectors/forms`` and ``schemas/vectors/sealed.json``: what any implementation of the standard can run.

The sources are written by hand: valid messages (``vectors/messages``) and what keeps and breaks each rule
(``vectors/rules``). From them come, for each message type, valid and invalid messages in JSON, XML and binary, and
sealed messages with their keys. The format of every file is in ``schemas/vectors/README.md``.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import orjson
from lxml import etree

from generate.jsonschema import GENERATED
from generate.plain_xml import as_element
from generate.sealed import sealed_vectors
from xinqiao.errors import NotValid
from xinqiao.message import Json, content_digest
from xinqiao.rules import metadata
from xinqiao.standard import message_types
from xinqiao.testing import faults_of, patched, rule_vectors, vector, vectors
from xinqiao.typed import from_canonical

# Of the sorts of fault that a message has room for, as many as show the three encodings; the property test has all.
_FAULTS = 4


def write_vectors(folder: Path) -> None:
    """Write the forms of every message type and the sealed messages; remove what is stale."""
    forms = folder / "forms"
    forms.mkdir(parents=True, exist_ok=True)
    fresh = {f"{body}.json": _forms(body) for body in message_types()}
    for stale in forms.glob("*.json"):
        if stale.name not in fresh:
            stale.unlink()
    for name, content in fresh.items():
        _write(forms / name, content)
    _write(folder / "sealed.json", sealed_vectors())


def _write(path: Path, content: Json) -> None:
    """Write a file with a line for each case: a change of one is a change of one line."""
    lines = [f"{_text(key)}: {_cases(value) if key == 'cases' else _text(value)}" for key, value in content.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _cases(cases: list[Json]) -> str:
    return "[\n" + ",\n".join(_text(case) for case in cases) + "\n]"


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _forms(body: str) -> Json:
    return {"$comment": GENERATED, "body": body, "cases": [*_valid(body), *_faulty(body), *_breaking(body)]}


def _valid(body: str) -> Iterator[Json]:
    for each in vectors(body):
        message = each["message"]
        digest = {"contentDigest": content_digest(message)}
        yield {"name": each["name"], "valid": True} | digest | _encoded(message, xml=True)


def _faulty(body: str) -> Iterator[Json]:
    for fault in list(faults_of(vector(body), body))[:_FAULTS]:
        finding = {"rule": fault.finding[0], "path": fault.finding[1]}
        yield {"name": fault.name, "valid": False, "findings": [finding]} | _encoded(fault.message, xml=fault.xml)


def _breaking(body: str) -> Iterator[Json]:
    """Yield what breaks a rule whose examples start from this type; a rule that only warns leaves it valid."""
    for rule, each in sorted(rule_vectors().items()):
        for case in each["broken"] if each["base"] == body else ():
            message = patched(vector(body), case["patch"])
            findings = [{"rule": rule, "path": path} for path in case["paths"]]
            named = {
                "name": f"{rule}: {case['name']}",
                "valid": metadata()[rule].level_on(message_types()[body].message_class) != "ERROR",
                "findings": findings,
            }
            yield named | _encoded(message, xml=True)


def _encoded(message: Json, *, xml: bool) -> Json:
    """Return the message in the encodings that can hold it; null for one that cannot."""
    return {
        "json": message,
        "xml": etree.tostring(as_element(message), encoding="unicode") if xml else None,
        "binary": _binary(message),
    }


def _binary(message: Json) -> str | None:
    try:
        typed = from_canonical(message)
    except NotValid:
        return None
    return base64.b64encode(typed.to_binary()).decode()
