"""The contract of adapters that ask what became of a message: the laws of the adapter port, and those of a query."""

from collections.abc import Mapping
from typing import ClassVar

from xinqiao.adapter import QueryingAdapter
from xinqiao.message import Json
from xinqiao.testing.adapter_contract import AdapterContract
from xinqiao.testing.observed import completed, encode, require
from xinqiao.testing.samples import Sample

__all__ = ["QueryingAdapterContract"]


class QueryingAdapterContract(AdapterContract):
    """The laws of ``xinqiao.adapter.QueryingAdapter``.

    A subclass gives besides ``queries``, the interface of the query for each interface that has one, and what the
    partner answers with status 200 where it ``knows`` a message and where it ``misses`` one.
    """

    queries: ClassVar[Mapping[str, str]] = {}

    def adapter(self) -> QueryingAdapter:
        """Return a new adapter."""
        raise NotImplementedError("adapter() of the contract's subclass returns the adapter under test")

    def knows(self, sent: Json) -> bytes:
        """Return what the partner answers where it is asked about a message that it accepted."""
        raise NotImplementedError("knows() of the contract's subclass returns the partner's answer")

    def misses(self, sent: Json) -> bytes:
        """Return what the partner answers where it is asked about a message that it does not have."""
        raise NotImplementedError("misses() of the contract's subclass returns the partner's answer")

    def test_a_query_is_pure_and_tells_messages_apart(self, outgoing: Sample) -> None:
        """It gives the same bytes again, other bytes for another message, and names the interface of the query."""
        adapter = self.adapter()
        for message, other in ((completed(each), completed(each)) for each in outgoing.messages):
            interface = self.queries.get(encode(adapter, message).interface)
            if interface is not None:
                asked = [each.query(interface, message) for each in (adapter, adapter, self.adapter())]
                require(asked[0] == asked[1] == asked[2], f"{outgoing.name}: asking again gives other bytes")
                require(asked[0].interface == interface, f"{outgoing.name}: the query is of {asked[0].interface}")
                renamed = {**other, "header": other["header"] | completed({})["header"]}
                same = adapter.query(interface, renamed).content == asked[0].content
                require(not same, f"{outgoing.name}: the query does not tell two messages apart")

    def test_answers_to_queries_are_read(self, outgoing: Sample) -> None:
        """A partner has a message, or misses it; an error, an empty and a cut answer prove neither."""
        for message in map(completed, outgoing.messages):
            interface = self.queries.get(encode(self.adapter(), message).interface)
            if interface is None:
                continue
            known, missed = self.knows(message), self.misses(message)
            for what, status, answer, expected in (
                ("that it is known", 200, known, (True, False)),
                ("that it is missed", 200, missed, (None, True)),
                ("that it is known, with status 500", 500, known, (None, False)),
                ("that it is missed, with status 500", 500, missed, (None, False)),
                ("nothing", 200, b"", (None, False)),
                ("that it is known, cut", 200, known.rstrip()[:-1], (None, False)),
                ("that it is missed, cut", 200, missed.rstrip()[:-1], (None, False)),
            ):
                reply = self.adapter().read_reply(interface, status, answer, message)
                found = (reply.accepted, reply.missing)
                said = f"accepted={found[0]}, missing={found[1]}, expected {expected[0]}, {expected[1]}"
                require(found == expected, f"{outgoing.name}: an answer that says {what} is read as {said}")
