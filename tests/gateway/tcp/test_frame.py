"""Frames: what is written is read as it was, and what is not as agreed is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xinqiao.errors import MalformedFrame
from xinqiao_adapters.docking import Tcp
from xinqiao_adapters.docking.frame import Frame, compile_frame

Part = dict[str, object]
ABC: list[Part] = [{"text": "X1.0"}, {"length": "body", "digits": 8}, {"copied": 8, "ours": "ABCB2I"}, {"blank": 53}]
_ASCII = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def frame(head: list[Part], end: list[Part] | None = None) -> Frame:
    return compile_frame(Tcp.model_validate({"frame": head, "end": end or []}))


def widths(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most)


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(_ASCII, min_size=1, max_size=8)),
    st.builds(lambda raw: {"hex": raw.hex()}, st.binary(min_size=1, max_size=4)),
    st.builds(lambda width: {"copied": width}, widths(12)),
    st.builds(lambda width: {"sequence": width}, widths(18)),
    st.builds(lambda width: {"blank": width}, widths(12)),
    st.builds(lambda name: {"digest": name}, st.sampled_from(["MD5", "SHA1", "SHA256"])),
)
LENGTHS: st.SearchStrategy[Part] = st.one_of(
    st.builds(
        lambda what, digits, fill: {"length": what, "digits": digits, "fill": fill},
        st.sampled_from(["body", "rest", "all"]),
        st.integers(5, 12),
        st.sampled_from(["0", " "]),
    ),
    st.builds(
        lambda what, width, order: {"length": what, "binary": width, "order": order},
        st.sampled_from(["body", "rest", "all"]),
        st.sampled_from([2, 4]),
        st.sampled_from(["big", "little"]),
    ),
)
ENDS = st.lists(PARTS.filter(lambda each: bool({"text", "hex", "digest"} & set(each))), max_size=3)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    head = draw(st.lists(PARTS, max_size=5))
    head.insert(draw(st.integers(0, len(head))), draw(LENGTHS))
    if draw(st.booleans()):
        head.append({"signature": 64})
    return frame(head, draw(ENDS))


@given(frames(), st.binary(max_size=300), st.integers(0, 10**18), st.text(_ASCII, max_size=64))
def test_what_is_written_is_read_as_it_was(framed: Frame, body: bytes, number: int, signature: str) -> None:
    kept = framed.asking(number)
    written = framed.write(body, kept, signature)
    head = framed.read(written[: framed.size])
    said = signature.rstrip(" ") if framed.signs else ""
    assert (head.body, head.kept, head.signature) == (len(body), kept, said)
    assert len(written) == framed.size + head.come
    assert framed.body(head, written[framed.size :]) == body
    assert framed.write(body, head.kept, head.signature) == written


@given(frames(), st.binary(max_size=120))
def test_no_head_does_more_than_be_refused(framed: Frame, noise: bytes) -> None:
    try:
        head = framed.read(noise.ljust(framed.size, b"\0")[: framed.size])
    except MalformedFrame:
        return
    assert 0 <= head.body <= framed.most


def test_the_frame_of_73_bytes_is_written_byte_by_byte() -> None:
    framed = frame(ABC)
    written = framed.write(b"<TranData/>", framed.asking(1))
    assert (framed.size, written) == (73, b"X1.000000011ABCB2I  " + b" " * 53 + b"<TranData/>")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"X2.000000011", "byte 1 to 4: 'X2.0', expected 'X1.0'"),
        (b"X1.0-0000011", "byte 5 to 12: '-0000011' is no length in 8 digits"),
        (b"X1.0+0000011", "byte 5 to 12: '+0000011' is no length in 8 digits"),
        (b"X1.00000_011", "byte 5 to 12: '0000_011' is no length in 8 digits"),
        (b"X1.0      11", "byte 5 to 12: '      11' is no length in 8 digits"),
        (b"X1.0\xb2\xb200000x", "byte 5 to 12: 0xb2b2303030303078 is no length in 8 digits"),
    ],
)
def test_what_is_no_head_is_refused_with_its_bytes(said: bytes, problem: str) -> None:
    with pytest.raises(MalformedFrame) as caught:
        frame(ABC).read(said.ljust(73))
    assert caught.value.detail == problem


@pytest.mark.parametrize(
    ("length", "written"),
    [
        ({"length": "body", "digits": 4}, b"0003"),
        ({"length": "body", "digits": 4, "fill": " "}, b"   3"),
        ({"length": "rest", "digits": 4}, b"0007"),
        ({"length": "all", "digits": 4}, b"0013"),
        ({"length": "rest", "binary": 4}, b"\0\0\0\x07"),
        ({"length": "all", "binary": 2, "order": "little"}, b"\x0b\0"),
    ],
)
def test_a_length_counts_what_it_says(length: Part, written: bytes) -> None:
    framed = frame([{"text": "AB"}, length, {"copied": 2, "ours": "T1"}], [{"hex": "0D0A"}])
    assert framed.write(b"abc", framed.asking(0)) == b"AB" + written + b"T1abc\r\n"


def test_a_length_that_is_shorter_than_the_frame_around_a_body_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="is shorter than the 5 bytes beside a body"):
        frame([{"length": "all", "digits": 5}]).read(b"00004")


@pytest.mark.parametrize("raw", [b"\t  3", b"3\r\n ", b"    ", b"1 23"])
def test_a_length_that_is_filled_with_blanks_has_blanks_and_digits_alone(raw: bytes) -> None:
    with pytest.raises(MalformedFrame, match="is no length in 4 digits"):
        frame([{"length": "body", "digits": 4, "fill": " "}]).read(raw)


def test_a_body_longer_than_its_length_can_say_is_refused() -> None:
    framed = frame([{"length": "all", "digits": 2}])
    assert (framed.most, framed.write(b"x" * 97, ())[:2]) == (97, b"99")
    with pytest.raises(MalformedFrame, match="a body of 98 bytes is longer"):
        framed.write(b"x" * 98, ())


def test_a_body_that_is_not_what_its_digest_says_is_refused() -> None:
    framed = frame([{"length": "body", "digits": 4}, {"digest": "MD5"}])
    written = framed.write(b"abc", ())
    assert written == b"0003" + b"900150983cd24fb0d6963f7d28e17f72" + b"abc"
    head = framed.read(written[:4] + written[4:36].upper())
    assert framed.body(head, b"abc") == b"abc"
    with pytest.raises(MalformedFrame, match="the MD5 of the body"):
        framed.body(head, b"abd")


def test_an_end_that_is_another_than_agreed_is_refused() -> None:
    framed = frame([{"length": "body", "digits": 1}], [{"hex": "03"}])
    with pytest.raises(MalformedFrame, match="byte 5 to 5: 'x', expected 0x03"):
        framed.body(framed.read(b"3"), b"abcx")


def test_a_signature_that_its_place_cannot_hold_is_not_cut() -> None:
    framed = frame([{"length": "body", "digits": 1}, {"signature": 4}])
    with pytest.raises(MalformedFrame, match="a signature of 5 bytes"):
        framed.write(b"", (), "12345")


def test_an_answer_has_the_number_of_its_request_and_may_have_another_code() -> None:
    framed = frame([{"length": "body", "digits": 4}, {"sequence": 6}, {"copied": 4, "ours": "1013"}])
    asked = framed.asking(41)
    assert asked == (b"000041", b"1013")
    assert framed.answers(asked, (b"000041", b"2013"))
    assert not framed.answers(asked, (b"000042", b"1013"))


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"frame": [{"text": "X"}]}, "a frame says its length once"),
        ({"frame": [{"length": "body", "digits": 2}] * 2}, "a frame says its length once"),
        ({"frame": [{"length": "body"}]}, "say how the length is written"),
        ({"frame": [{"length": "body", "digits": 2, "binary": 2}]}, "say how the length is written"),
        ({"frame": [{"lenght": "body"}]}, "a part of a frame is one of: blank, copied, digest"),
        ({"frame": [{"length": "body", "digits": 2}], "end": [{"blank": 2}]}, "the end of a frame has text, hex"),
        ({"frame": [{"length": "body", "digits": 2}, {"copied": 2, "ours": "abc"}]}, "longer than its 2 bytes"),
        ({"frame": [{"length": "body", "digits": 2}], "trust": "address", "listen": {"port": 1}}, "listen.allow"),
        ({"frame": [{"length": "body", "digits": 2}], "trust": "certificate", "listen": {"port": 1}}, "listen.clients"),
        ({"frame": [{"length": "body", "digits": 2}], "listen": {"port": 1, "clients": "a.pem"}}, "say tls: true"),
        ({"frame": [{"length": "body", "digits": 2}], "listen": {"port": 1, "allow": ["10.0.0.1/8"]}}, "host bits"),
    ],
)
def test_a_frame_that_says_nothing_or_too_much_is_no_profile(section: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Tcp.model_validate(section)
