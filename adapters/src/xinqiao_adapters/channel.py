"""A channel, loaded: its profile and the adapter that speaks the partner's format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path

from xinqiao.adapter import Adapter, Encoded, QueryingAdapter
from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.standard import message_types
from xinqiao_adapters.answers import Answers, compile_answers
from xinqiao_adapters.compilation import compile_interface
from xinqiao_adapters.docking.mail_standing import check_mail
from xinqiao_adapters.docking.tcp_standing import check_tcp
from xinqiao_adapters.formats.canonical import CanonicalAdapter
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.loader import LoadedProfile, load_profile, shipped_channels
from xinqiao_adapters.problems import Problems
from xinqiao_adapters.profile import Profile, WhenUnknown
from xinqiao_adapters.profile_adapter import ProfileAdapter, Query
from xinqiao_adapters.replies import REPLIES, compile_query_reply
from xinqiao_adapters.standing import check_queried, check_standing

__all__ = ["Channel", "compile_channel", "load_channel", "shipped_channels"]

_ENTRY_POINTS = "xinqiao.adapters"


@dataclass(frozen=True)
class Channel:
    """A configured connection with one institution's system.

    ``compiled`` are the interfaces that carry messages by a mapping, ``queries`` those that ask about messages; both
    are empty for a partner that speaks the standard and for adapters of third parties. ``folders`` are where the
    profile came from, its own first.
    """

    profile: Profile
    adapter: Adapter
    folders: tuple[Path, ...]
    compiled: Mapping[str, CompiledInterface] = field(default_factory=dict)
    queries: Mapping[str, CompiledInterface] = field(default_factory=dict)

    @property
    def channel_id(self) -> str:
        """The channel's id."""
        return self.profile.channel

    @property
    def speaks_canonical(self) -> bool:
        """Whether the partner's format is the standard itself."""
        return isinstance(self.adapter, CanonicalAdapter)

    @cached_property
    def incoming(self) -> dict[str, list[str]]:
        """Names of the interfaces that bring each message type in, by its body key."""
        return self._by_body("in")

    @cached_property
    def outgoing(self) -> dict[str, list[str]]:
        """Names of the interfaces that send each message type out, by its body key."""
        return self._by_body("out")

    def atomic(self, interface: str) -> bool:
        """Whether a raw input of several messages is all or nothing."""
        found = self.profile.interfaces.get(interface)
        return found.atomic if found is not None else True

    def when_unknown(self, interface: str) -> WhenUnknown:
        """What to do where nobody knows whether what was sent by an interface has arrived."""
        found = self.profile.interfaces.get(interface)
        return found.when_unknown if found is not None else "repeat"

    def query(self, interface: str, sent: Json) -> Encoded:
        """Return what asks the partner about ``sent``, a message that went out by ``interface``.

        Its answer is read by ``adapter.read_reply`` with the interface that the query names. Raises ``ContentRefused``
        where the message lacks what the partner tells messages by, ``ValueError`` where the profile has no query.
        """
        asked_by = self.profile.interfaces[interface].asked_by
        if asked_by is None or not isinstance(self.adapter, QueryingAdapter):
            raise ValueError(f"{self.channel_id}.{interface} has no query: its profile says unknown: repeat or hold")
        return self.adapter.query(asked_by, sent)

    def completed(self, message: Json) -> Json:
        """Return a decoded message with the id and time that a partner without its own leaves to us.

        A partner that speaks the standard gives both; what it leaves out stays out, for the schema to say.
        """
        header = message.get("header")
        if self.speaks_canonical or not isinstance(header, dict):
            return message
        return {**message, "header": {"messageId": new_message_id(), "createdAt": timestamp(), **header}}

    def _by_body(self, direction: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, interface in self.profile.interfaces.items():
            if interface.direction in (direction, "both"):
                for body in message_types() if interface.message == "*" else (interface.message,):
                    found.setdefault(body, []).append(name)
        return found


def load_channel(channel_id: str, directories: Sequence[Path]) -> Channel:
    """Load and compile a channel; ``directories`` are searched before the shipped channels.

    Raises ``UnknownChannel``, ``ProfileInvalid`` with file and line.
    """
    return compile_channel(load_profile(channel_id, directories))


def compile_channel(loaded: LoadedProfile) -> Channel:
    """Compile a channel whose profile is loaded. Raises ``ProfileInvalid`` with file and line."""
    profile = loaded.profile
    check_standing(loaded)
    check_tcp(loaded)
    check_mail(loaded)
    if profile.adapter is not None:
        return Channel(profile, _third_party(loaded), loaded.folders)
    kinds = {name: interface.format.kind for name, interface in profile.interfaces.items()}
    if "canonical" in kinds.values():
        return Channel(profile, _canonical(loaded, kinds), loaded.folders)
    problems = Problems()
    tried = {name: problems.attempt(compile_interface, loaded, name) for name in profile.interfaces}
    problems.check()
    every = {name: each for name, each in tried.items() if each is not None}
    compiled = {name: each for name, each in every.items() if each.spec.direction != "query"}
    queries = {name: each for name, each in every.items() if name not in compiled}
    _check_outgoing(loaded)
    adapter = ProfileAdapter(compiled, dict(_answers(loaded)), dict(_queries(loaded, queries)))
    return Channel(profile, adapter, loaded.folders, compiled, queries)


def _queries(loaded: LoadedProfile, interfaces: Mapping[str, CompiledInterface]) -> Iterator[tuple[str, Query]]:
    for name, each in interfaces.items():
        if each.spec.reply is not None:
            replies = compile_query_reply(loaded, ("interfaces", name, "reply"), each.spec.reply, each.spec.format)
            yield name, Query(each, replies)


def _canonical(loaded: LoadedProfile, kinds: Mapping[str, str]) -> CanonicalAdapter:
    for name, interface in loaded.profile.interfaces.items():
        if kinds[name] != "canonical" or interface.map:
            loaded.fail(("interfaces", name), "a channel that speaks the standard has no other format and no map")
        if interface.message != "*" and interface.message not in message_types():
            loaded.fail(("interfaces", name, "message"), f"unknown message type {interface.message!r}")
    return CanonicalAdapter(loaded.profile.interfaces)


def _check_outgoing(loaded: LoadedProfile) -> None:
    """Refuse a way out for a message type behind one that takes all of them: which one counts would be a guess."""
    seen: dict[str, str] = {}
    for name, interface in loaded.profile.interfaces.items():
        if not interface.goes_out:
            continue
        if interface.message in seen:
            where = ("interfaces", name, "message")
            problem = f"{interface.message} goes out by {seen[interface.message]} already; say there when"
            loaded.fail(where, problem)
        if not interface.when:
            seen[interface.message] = name


def _answers(loaded: LoadedProfile) -> Iterator[tuple[str | None, Answers]]:
    """Yield the answers of each interface, and under None those for input that no interface takes.

    Files (a workbook) are answered in the format of the channel's first interface of documents.
    """
    profile = loaded.profile
    formats = [each.format for each in profile.interfaces.values()]
    first = next((each for each in formats if isinstance(each, REPLIES)), formats[0])
    if profile.answer is not None:
        yield None, compile_answers(loaded, ("answer",), profile.answer, first)
    for name, interface in profile.interfaces.items():
        table = interface.answer or profile.answer
        if table is not None and interface.direction != "query":
            where = ("interfaces", name, "answer") if interface.answer else ("answer",)
            form = interface.format if isinstance(interface.format, REPLIES) else first
            yield name, compile_answers(loaded, where, table, form)


def _third_party(loaded: LoadedProfile) -> Adapter:
    """Return an adapter found by entry point; it is made by calling what the entry point names with the profile."""
    name = str(loaded.profile.adapter)
    found = {entry.name: entry for entry in entry_points(group=_ENTRY_POINTS)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        loaded.fail(("adapter",), f"no adapter {name!r} is installed (entry points {_ENTRY_POINTS}); known: {known}")
    adapter: Adapter = found[name].load()(loaded.profile)
    check_queried(loaded, adapter)
    return adapter
