"""The contract of adapters that ask: a profile's adapter keeps it, and each law has an adapter that breaks it."""

from collections.abc import Callable

import pytest

from tests.adapters.conftest import HEAD, Load
from tests.adapters.test_unknown import ASKING, short_of_units
from xinqiao.adapter import Encoded, QueryingAdapter, Reply
from xinqiao.message import Json
from xinqiao.testing import vector
from xinqiao.testing.querying_adapter_contract import QueryingAdapterContract
from xinqiao.testing.samples import Sample

SAMPLE = Sample("nav", b"", "", (short_of_units(vector("navReport")),), "out")
LAWS = ("test_a_query_is_pure_and_tells_messages_apart", "test_answers_to_queries_are_read")
Make = Callable[[], QueryingAdapter]


class Asking:
    """An adapter of a profile, some of whose methods a test may replace."""

    def __init__(self, adapter: QueryingAdapter) -> None:
        self.adapter = adapter
        self.encode = adapter.encode
        self.decode = adapter.decode
        self.answer = adapter.answer

    def query(self, interface: str, sent: Json) -> Encoded:
        return self.adapter.query(interface, sent)

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        return self.adapter.read_reply(interface, status, content, sent)


class AskingAlike(Asking):
    def query(self, interface: str, sent: Json) -> Encoded:
        return Encoded(interface, b"what became of it?", "text/plain")


class AskingByAnother(Asking):
    def query(self, interface: str, sent: Json) -> Encoded:
        return self.adapter.query("nav_query", sent).__class__("nav", str(sent).encode(), "text/plain")


class ReadingAYesEverywhere(Asking):
    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        return Reply(True)


class ReadingCutAnswers(Asking):
    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        return Reply(None, missing=b"4040" in content and status == 200) if b"0000" not in content else Reply(True)


def contract_of(make: Make, knows: bytes | None = None) -> QueryingAdapterContract:
    class Contract(QueryingAdapterContract):
        samples = (SAMPLE,)
        queries = {"nav": "nav_query"}  # noqa: RUF012 -- as an author writes it

        def adapter(self) -> QueryingAdapter:
            return make()

        def knows(self, sent: Json) -> bytes:
            return knows or b"<Answer><RetCode>0000</RetCode><Body><State>1</State></Body></Answer>"

        def misses(self, sent: Json) -> bytes:
            return b"<Answer><RetCode>4040</RetCode></Answer>"

    return Contract()


@pytest.fixture
def adapter(load: Load) -> QueryingAdapter:
    channel = load(HEAD + ASKING.replace(", encoding: GB18030", ""))
    assert isinstance(channel.adapter, QueryingAdapter)
    return channel.adapter


@pytest.mark.parametrize("law", LAWS)
def test_the_adapter_of_a_profile_keeps_the_laws(adapter: QueryingAdapter, law: str) -> None:
    getattr(contract_of(lambda: Asking(adapter)), law)(SAMPLE)


@pytest.mark.parametrize(
    ("wrong", "law", "said"),
    [
        (AskingAlike, LAWS[0], "does not tell two messages apart"),
        (AskingByAnother, LAWS[0], "the query is of nav"),
        (ReadingAYesEverywhere, LAWS[1], "that it is missed is read as accepted=True"),
        (ReadingCutAnswers, LAWS[1], "that it is known, with status 500 is read as accepted=True"),
    ],
)
def test_an_adapter_that_breaks_a_law_is_told(
    adapter: QueryingAdapter, wrong: type[Asking], law: str, said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        getattr(contract_of(lambda: wrong(adapter)), law)(SAMPLE)


def test_an_interface_without_a_query_is_left_out(adapter: QueryingAdapter) -> None:
    contract = contract_of(lambda: Asking(adapter))
    type(contract).queries = {}
    for law in LAWS:
        getattr(contract, law)(SAMPLE)


@pytest.mark.parametrize("name", ["adapter", "knows", "misses"])
def test_what_a_subclass_has_to_give_is_said(name: str) -> None:
    arguments: tuple[Json, ...] = () if name == "adapter" else ({},)
    with pytest.raises(NotImplementedError, match=f"{name}\\(\\) of the contract's subclass"):
        getattr(QueryingAdapterContract(), name)(*arguments)
