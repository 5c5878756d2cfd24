"""What an interface may say as one that comes in, goes out or asks; each doubt an error with its line."""

from xinqiao.adapter import Adapter, QueryingAdapter
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.profile import Interface
from xinqiao_adapters.replies import REPLIES

__all__ = ["check_queried", "check_standing"]

# What belongs to messages; a query carries none.
_OF_MESSAGES = ("match", "when", "records", "atomic", "key", "case", "dropped", "answer", "changed", "unknown")


def check_standing(loaded: LoadedProfile) -> None:
    """Refuse what does not belong to an interface's direction, and queries that lead nowhere.

    Raises ``ProfileInvalid`` with file and line.
    """
    for name, interface in loaded.profile.interfaces.items():
        where, said = ("interfaces", name), interface.model_fields_set
        if interface.direction == "query":
            for key in _OF_MESSAGES:
                if key in said:
                    loaded.fail((*where, key), "a query carries no message of its own: this key has no meaning here")
            if loaded.profile.adapter is None:
                _check_query(loaded, name, interface)
        elif interface.reply is not None:
            loaded.fail((*where, "reply"), "only the answer to a query is read so; say direction: query, or answer")
        if "changed" in said and not interface.comes_in:
            loaded.fail((*where, "changed"), "what goes out is not changed by the partner: for direction in or both")
        if "unknown" in said and not interface.goes_out:
            loaded.fail((*where, "unknown"), "nothing is sent by this interface: for direction out or both")
        _check_asked_by(loaded, name, interface)


def _check_query(loaded: LoadedProfile, name: str, interface: Interface) -> None:
    where = ("interfaces", name)
    if interface.format.kind == "canonical":
        problem = "the standard has no queries: a receiver answers a repeat with its first receipt; say unknown: repeat"
        loaded.fail((*where, "direction"), problem)
    if not isinstance(interface.format, REPLIES):
        loaded.fail((*where, "format"), "a query is one document: xml, json or form")
    if interface.reply is None:
        loaded.fail(where, "a query needs reply: what the partner answers where it has a message, and where it has not")


def _check_asked_by(loaded: LoadedProfile, name: str, interface: Interface) -> None:
    if interface.asked_by is None:
        return
    where = ("interfaces", name, "unknown")
    interfaces = loaded.profile.interfaces
    queries = [each for each, other in interfaces.items() if other.direction == "query"]
    if interface.asked_by not in queries:
        known = ", ".join(queries) or "none"
        loaded.fail(where, f"no interface {interface.asked_by!r} with direction: query; known: {known}")
    message = interfaces[interface.asked_by].message
    if message != interface.message:
        loaded.fail(where, f"{interface.asked_by} asks about {message}, this interface sends {interface.message}")


def check_queried(loaded: LoadedProfile, adapter: Adapter) -> None:
    """Refuse queries of a profile whose adapter, one in Python, knows none. Raises ``ProfileInvalid``."""
    for name, interface in loaded.profile.interfaces.items():
        if interface.asked_by is not None and not isinstance(adapter, QueryingAdapter):
            problem = f"the adapter {loaded.profile.adapter!r} has no method query: say repeat or hold"
            loaded.fail(("interfaces", name, "unknown"), problem)
