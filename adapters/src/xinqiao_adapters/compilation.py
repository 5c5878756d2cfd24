"""From an interface of a loaded profile to one that runs: its format, its plan, its key and match."""

from xinqiao.message import Json
from xinqiao.standard import STANDARD_VERSION, message_types
from xinqiao_adapters.formats.fixed.format import fixed_format
from xinqiao_adapters.formats.form import form_format
from xinqiao_adapters.formats.format import Format, FormatMaker
from xinqiao_adapters.formats.json.format import json_format
from xinqiao_adapters.formats.labels import labels_format
from xinqiao_adapters.formats.ofd.ofd_format import ofd_format
from xinqiao_adapters.formats.spec import JsonSpec, XmlSpec
from xinqiao_adapters.formats.table.csv import csv_format
from xinqiao_adapters.formats.table.excel import excel_format
from xinqiao_adapters.formats.xml.format import xml_format
from xinqiao_adapters.interface import CompiledInterface, Match
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.compiled import Mapping
from xinqiao_adapters.mapping.plan import Source
from xinqiao_adapters.mapping.rows import conditions_of, plan_of
from xinqiao_adapters.profile import Interface

__all__ = ["compile_interface"]

_FORMATS: dict[str, FormatMaker] = {
    "xml": xml_format,
    "json": json_format,
    "form": form_format,
    "labels": labels_format,
    "csv": csv_format,
    "excel": excel_format,
    "fixed": fixed_format,
    "ofd": ofd_format,
}


def compile_interface(loaded: LoadedProfile, name: str) -> CompiledInterface:
    """Compile one interface of a profile.

    Raises ``ProfileInvalid`` with file and line.
    """
    interface = loaded.profile.interfaces[name]
    where = ("interfaces", name)
    if interface.message not in message_types():
        known = ", ".join(message_types())
        loaded.fail((*where, "message"), f"unknown message type {interface.message!r}; known: {known}")
    if not interface.map:
        loaded.fail(where, "a mapping is needed: map")
    if interface.comes_in and not interface.key:
        loaded.fail(where, "incoming messages need a key: the partner's own, so that repeats are recognised")
    when = tuple(conditions_of(loaded, name, interface))
    form = _FORMATS[interface.format.kind](loaded, name, interface)
    plan = plan_of(loaded, name, interface)
    try:
        plan = form.located(plan)
        key = tuple(_located(path, form, plan.records) for path in interface.key)
        match = tuple(
            Match(*_located(path, form, plan.records), frozenset(values)) for path, values in interface.match.items()
        )
    except KeyError as error:
        loaded.fail((*where, "format"), f"the prefix {error.args[0]!r} is not declared under namespaces")
    except ValueError as error:
        loaded.fail((*where, "map"), str(error))
    totals = _totals(interface, form, plan.records)
    mapping = Mapping(f"{loaded.profile.channel}.{name}", plan, form.access)
    return CompiledInterface(name, interface, form, mapping, _header(loaded, name, interface), key, match, totals, when)


def _steps(path: str) -> Source:
    return tuple(step for step in path.split("/") if step not in ("", "."))


def _located(path: str, form: Format, records: Source) -> tuple[bool, Source]:
    """Return whether a path starts at the record (``./``), and the path as the access wants it."""
    inner = path.startswith("./") and bool(records)
    return inner, form.path(_steps(path), records if inner else ())


def _totals(interface: Interface, form: Format, records: Source) -> dict[str, Source]:
    """Return the paths of control totals in a document and of what they sum up in its records."""
    spec = interface.format
    if not isinstance(spec, (XmlSpec, JsonSpec)):
        return {}
    whole = [path for path in (spec.totals.count, *spec.totals.sums.values()) if path is not None]
    outer = {path: form.path(_steps(path)) for path in whole}
    return outer | {path: form.path(_steps(path), records) for path in spec.totals.sums}


def _header(loaded: LoadedProfile, name: str, interface: Interface) -> Json:
    """Return what the profile knows of a message's header."""
    profile = loaded.profile
    mapped = {key.removeprefix("header.") for key in interface.map if key.startswith("header.")}
    if profile.receiver is None and "receiver" not in mapped and interface.comes_in:
        loaded.fail(("interfaces", name), "who receives? say receiver in the profile, or map header.receiver")
    ends = (profile.institution.code, profile.receiver)
    sender, receiver = ends if interface.comes_in else reversed(ends)
    header = {
        "standardVersion": STANDARD_VERSION,
        "sender": sender,
        "receiver": receiver,
        "channelId": profile.channel,
        "test": True if profile.test else None,
    }
    return {key: part for key, part in header.items() if part is not None}
