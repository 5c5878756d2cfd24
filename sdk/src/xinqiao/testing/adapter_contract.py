"""The contract of the adapter port as tests: subclass it, give it the adapter and its samples, run pytest.

``xinqiao.pytest_plugin``, which pytest loads by itself, runs each law on each sample. Nothing here needs pytest.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from xinqiao.adapter import Adapter, Decoded, Encoded
from xinqiao.errors import UnknownMessageType, UnsupportedVersion
from xinqiao.finding import errors_in
from xinqiao.message import Json, new_message_id, write_json
from xinqiao.standard import Field, field_at, message_types
from xinqiao.testing.examples import example
from xinqiao.testing.io_watch import FILES, NETWORK, watched
from xinqiao.testing.observed import (
    During,
    Reading,
    body_of,
    completed,
    decode,
    differences,
    encode,
    encode_or_findings,
    is_below,
    leaves,
    read,
    receipt,
    rejection,
    require,
    substance,
    told,
)
from xinqiao.testing.samples import Sample
from xinqiao.testing.strain import altered, cuts, foreign, strained
from xinqiao.validation import check

__all__ = ["AdapterContract"]

# As long as the gateway's journal holds.
_LONGEST_KEY = 400
# Shorter values may be part of any text.
_SHORTEST_SECRET = 4
_NOT_SAID = "it gives a message that the sample does not say"
_INDEX = re.compile(r"\[\d+\]")


class AdapterContract:
    """The laws of ``xinqiao.adapter.Adapter``. A subclass named ``Test…`` gives ``adapter`` and ``samples``.

    ``lost`` are canonical paths without indices that the partner's format does not carry, by decision. ``end_shows``
    says whether the format shows where an input ends, by a length, a count or a last tag, so that a cut is noticed
    (lines do not). Each law raises ``AssertionError`` with what was expected.
    """

    samples: ClassVar[Sequence[Sample]] = ()
    lost: ClassVar[frozenset[str]] = frozenset()
    end_shows: ClassVar[bool] = True

    def adapter(self) -> Adapter:
        """Return a new adapter."""
        raise NotImplementedError("adapter() of the contract's subclass returns the adapter under test")

    def accepting_reply(self, sent: Json) -> bytes:
        """Return what the partner answers, with status 200, where it takes a message: by default as we answer it."""
        return self._reply(sent, receipt(sent["header"]["messageId"]))

    def refusing_reply(self, sent: Json) -> bytes:
        """Return what the partner answers, with status 200, where it refuses a message."""
        return self._reply(sent, rejection(sent["header"]["messageId"]))

    @classmethod
    def samples_by_way(cls) -> dict[str, list[Sample]]:
        """Return the samples that come in and those that go out, for the pytest plugin."""
        return {
            "incoming": [each for each in cls.samples if each.direction != "out"],
            "outgoing": [each for each in cls.samples if each.direction != "in"],
        }

    # --- in -------------------------------------------------------------------------------------------------------

    def test_there_are_samples_of_two_messages(self) -> None:
        """One message alone would not show whether a key tells it from another."""
        messages = [message for sample in self.samples for message in sample.messages]
        said = "samples: two messages or more are needed that differ"
        require(any(substance(each) != substance(messages[0]) for each in messages), said)

    def test_an_input_becomes_its_messages(self, incoming: Sample) -> None:
        """All of them, in order, exactly as expected."""
        found = decode(self.adapter(), incoming)
        count = f"{incoming.name} gives {len(found)} messages, expected {len(incoming.messages)}"
        require(len(found) == len(incoming.messages), count)
        for number, (each, expected) in enumerate(zip(found, incoming.messages, strict=True), 1):
            differing = ", ".join(differences(each.message, expected))
            require(not differing, f"{incoming.name}, message {number} differs from what is expected at {differing}")

    def test_decoding_is_pure(self, incoming: Sample) -> None:
        """It gives the same by another adapter, between the records of another call, and after messages are changed."""
        adapter = self.adapter()
        expected = [told(each) for each in decode(self.adapter(), incoming)]
        calls = (adapter.decode(incoming.content, incoming.content_type) for _ in "ab")
        said = f"{incoming.name}: two readings at the same time disturb each other; keep no state in the adapter"
        found = [told(each) for pair in zip(*calls, strict=True) for each in pair if isinstance(each, Decoded)]
        require(found == [each for each in expected for _ in "ab"], said)
        for each in decode(adapter, incoming):
            each.message.get("header", {}).clear()
            each.message.clear()
        said = f"{incoming.name}: decoding again gives something else; a message may share nothing with the adapter"
        require([told(each) for each in decode(adapter, incoming)] == expected, said)

    def test_decoded_messages_are_valid(self, incoming: Sample) -> None:
        """They keep the schema and the rules, and hold no field that the standard does not have."""
        for each in decode(self.adapter(), incoming):
            try:
                findings = errors_in(check(completed(each.message), strict=True))
            except (UnknownMessageType, UnsupportedVersion) as error:
                raise AssertionError(f"{incoming.name} gives no message of the standard: {error}") from error
            said = "; ".join(f"{finding.path}: {finding.text.en}" for finding in findings)
            require(not findings, f"{incoming.name} gives a message that is not valid: {said}")

    def test_keys_tell_messages_apart(self) -> None:
        """A key is the partner's own identity of a message: there, short enough, another for another message."""
        known: dict[tuple[str, str], Json] = {}
        for sample in self.samples_by_way()["incoming"]:
            for each in decode(self.adapter(), sample):
                said = f"{sample.name}: the key {each.key!r} has to hold 1 to {_LONGEST_KEY} characters"
                require(0 < len(each.key.strip()) <= _LONGEST_KEY, said)
                other = known.setdefault((each.interface, each.key), each.message)
                said = f"{sample.name}: the key {each.key!r} is that of another message too"
                require(substance(other) == substance(each.message), said)

    def test_places_are_the_partners(self, incoming: Sample) -> None:
        """Fields have names of the partner's own, or none; what is not there has none."""
        for each in decode(self.adapter(), incoming):
            body = body_of(each.message)
            paths = [path for path in leaves(each.message) if path.startswith(body)]
            places = {path: each.place(path) for path in paths}
            require(any(places.values()), f"{incoming.name}: place() names no field of {body}, such as {paths[:1]}")
            ours = [path for path, place in places.items() if place in ("", path)]
            require(not ours, f"{incoming.name}: place() names {ours} otherwise than the partner does")
            for path in (f"{body}.noSuchField", "", "header.noSuchField[3].x"):
                require(each.place(path) is None, f"{incoming.name}: place({path!r}) is None, for it is not there")
            require(all(leaf.path for leaf in each.unmapped()), f"{incoming.name}: unmapped() names each leaf")

    def test_what_is_not_the_partners_is_rejected(self, incoming: Sample) -> None:
        """Empty, foreign or wrongly encoded: a ``Rejected``, or records that could not be read, never a message."""
        adapter = self.adapter()
        expected = [told(each) for each in decode(adapter, incoming)]
        for what, raw in foreign(incoming.content):
            with During(f"{incoming.name}: {what}"):
                reading = _read(adapter, raw, incoming.content_type)
                require(reading.refused, "nothing was refused; expected a Rejected with what is wrong")
                require(all(each in expected for each in reading.told), _NOT_SAID)

    def test_a_cut_input_is_rejected(self, incoming: Sample) -> None:
        """What arrived in part counts as a whole as nothing, and never as another message."""
        adapter = self.adapter()
        expected = [told(each) for each in decode(adapter, incoming)]
        for what, raw in cuts(incoming.content):
            with During(f"{incoming.name}: {what}"):
                reading = _read(adapter, raw, incoming.content_type)
                require(reading.told == expected[: len(reading.told)], _NOT_SAID)
                noticed = reading.error is not None or reading.told == expected or not self.end_shows
                require(noticed, "the cut goes unnoticed; expected a Rejected")

    def test_an_altered_input_raises_nothing_else(self, incoming: Sample) -> None:
        """Whatever one changed byte does, it is no other exception than a ``Rejected``."""
        adapter = self.adapter()
        for what, raw in altered(incoming.content):
            with During(f"{incoming.name}: {what}"):
                _read(adapter, raw, incoming.content_type)
        with During(f"{incoming.name}: another content type"):
            _read(adapter, incoming.content, "application/x-no-such-type; charset=x")

    # --- out ------------------------------------------------------------------------------------------------------

    def test_what_goes_out_comes_back(self, outgoing: Sample) -> None:
        """Decoding what was encoded gives the message and its key; what only goes out is the sample itself."""
        adapter = self.adapter()
        for message in outgoing.messages:
            encoded = encode(adapter, completed(message))
            if outgoing.direction == "out":
                require(encoded.content == outgoing.content, f"{outgoing.name}: encoding gives other bytes")
            else:
                differing = ", ".join(self._changes(adapter, encoded, message))
                require(not differing, f"{outgoing.name}: decoding what was encoded differs at {differing}")

    def test_encoding_is_pure(self, outgoing: Sample) -> None:
        """It gives the same bytes again and leaves the message as it was."""
        adapter = self.adapter()
        for message in map(completed, outgoing.messages):
            before = copy.deepcopy(message)
            first, second, other = (encode(each, message) for each in (adapter, adapter, self.adapter()))
            require(first == second == other, f"{outgoing.name}: encoding again gives other bytes")
            require(message == before, f"{outgoing.name}: encoding changes the message at hand")

    def test_what_the_format_cannot_hold_is_refused(self, outgoing: Sample) -> None:
        """Each value goes out whole, or is refused with a finding at its path: never cut, rounded, replaced or lost."""
        adapter = self.adapter()
        for path, message in self._strained(outgoing):
            with During(f"{outgoing.name}: {path} with another value"):
                encoded = encode_or_findings(adapter, message)
                if not isinstance(encoded, Encoded):
                    named = any(is_below(each.path, path) or is_below(path, each.path) for each in encoded)
                    require(named, f"no finding names {path}, only {', '.join(each.path for each in encoded)}")
                elif outgoing.direction == "both":
                    differing = ", ".join(self._changes(adapter, encoded, message))
                    require(not differing, f"{differing} does not come back as it went out; refuse what does not fit")

    def test_findings_show_no_personal_data(self, outgoing: Sample) -> None:
        """Where a value is refused, it is masked in all that is said of it."""
        adapter = self.adapter()
        for path, message in self._strained(outgoing):
            value = leaves(message).get(path)
            if not isinstance(value, str) or not _is_secret(value, field_at(body_of(message), path)):
                continue
            encoded = encode_or_findings(adapter, message)
            for finding in () if isinstance(encoded, Encoded) else encoded:
                with During(f"{outgoing.name}: a finding on {finding.path}"):
                    require(value not in f"{finding}", "the value is there unmasked; use xinqiao.masking.mask")

    def test_a_message_of_no_interface_is_refused(self) -> None:
        """A type that no sample sends out is refused with a ``Rejected``."""
        sent = {body for sample in self.samples_by_way()["outgoing"] for each in sample.messages for body in each}
        other = next(body for body in message_types() if body not in sent)
        with During(f"{other}, of which there is no outgoing sample"):
            reading = read(lambda: self.adapter().encode([example(other)]))
            require(reading.error is not None, "it went out; expected InterfaceUnknown")

    # --- answers --------------------------------------------------------------------------------------------------

    def test_answers_tell_yes_from_no(self, incoming: Sample) -> None:
        """The partner sees whether its input was taken, also where it could not be read at all."""
        adapter = self.adapter()
        request = decode(adapter, incoming)
        ids = [completed(each.message)["header"]["messageId"] for each in request] or [new_message_id()]
        interface = request[0].interface if request else None
        yes = adapter.answer(interface, [receipt(each) for each in ids], request)
        no = adapter.answer(interface, [rejection(each) for each in ids], request)
        require((yes is None) == (no is None), f"{incoming.name}: one of yes and no has an answer of the partner's own")
        require(yes is None or yes != no, f"{incoming.name}: a yes and a no are answered alike")
        adapter.answer(None, [rejection(None)], [])

    def test_replies_are_read(self, outgoing: Sample) -> None:
        """A yes and a no are told apart; an error, a cut reply and one of no known format prove neither."""
        for message in map(completed, outgoing.messages):
            yes, no = self.accepting_reply(message), self.refusing_reply(message)
            cut = yes.rstrip()[:-1]
            for what, status, reply, expected in (
                ("a yes", 200, yes, (True,)),
                ("a no", 200, no, (False,)),
                ("a yes with status 500", 500, yes, (None, False)),
                ("a yes without its last byte", 200, cut, (None, False)),
                ("an empty reply", 200, b"", (None,)),
                ("a page for people", 502, b"<html>Bad gateway</html>", (None,)),
            ):
                found = self.adapter().read_reply(self._interface(message), status, reply, message).accepted
                said = (
                    f"{outgoing.name}: {what} is read as accepted={found}, expected {' or '.join(map(str, expected))}"
                )
                require(found in expected, said)

    # --- no I/O ---------------------------------------------------------------------------------------------------

    def test_no_call_does_io(self, incoming: Sample) -> None:
        """No network and no process ever; no file but what a first call reads once and keeps."""
        adapter = self.adapter()
        for kinds in (NETWORK, NETWORK + FILES):
            with watched(kinds) as seen:
                read(lambda: adapter.decode(incoming.content, incoming.content_type))
            require(not seen, f"{incoming.name}: decoding does I/O: {', '.join(seen)}")
            messages = [completed(each.message) for each in decode(adapter, incoming)]
            with watched(kinds) as seen:
                adapter.answer(None, [rejection(None)], [])
                for message in messages if incoming.direction == "both" else ():
                    adapter.read_reply(encode(adapter, message).interface, 200, b"", message)
            require(not seen, f"{incoming.name}: encoding or answering does I/O: {', '.join(seen)}")

    # --- how ------------------------------------------------------------------------------------------------------

    def _interface(self, message: Json) -> str:
        return encode(self.adapter(), message).interface

    def _reply(self, sent: Json, outcome: Json) -> bytes:
        answer = self.adapter().answer(self._interface(sent), [outcome], [])
        return write_json(outcome) if answer is None else answer.content

    def _strained(self, outgoing: Sample) -> Iterator[tuple[str, Json]]:
        return (each for message in outgoing.messages for each in strained(completed(message)))

    def _changes(self, adapter: Adapter, encoded: Encoded, message: Json) -> list[str]:
        """Return where what comes back differs, apart from what carries a message and what is lost by decision."""
        reading = read(lambda: adapter.decode(encoded.content, encoded.content_type))
        require(len(reading.told) == 1, f"what goes out comes back as {reading.items}, {reading.error}")
        differing = differences(substance(reading.items[0].message), substance(message))
        return [path for path in differing if not any(is_below(_INDEX.sub("", path), each) for each in self.lost)]


def _is_secret(value: str, known: Field | None) -> bool:
    """Say whether no finding may show a value: not a short one, a code of a list, or one that is masked already."""
    secret = known is not None and known.sensitivity != "C1" and "enum" not in known.schema
    return secret and len(value) >= _SHORTEST_SECRET and "*" not in value


def _read(adapter: Adapter, raw: bytes, content_type: str) -> Reading:
    return read(lambda: adapter.decode(raw, content_type))
