"""Signatures in a frame: where the partner signs beside the body, its signature is asked for as over any other way."""

import hashlib
import hmac
from typing import Any

from tests.by_hand import secret_jwk
from tests.gateway.tcp.conftest import KEY, Line, Opening, notice
from tests.gateway.tcp.partner import Partner, Script, serving
from tests.gateway.tcp.test_way import hand_in, nav, settled
from xinqiao.seal import KeyRing, Sealed, SigningKey, new_key, open_seal, read_verifying_key, seal

TYPE = "application/xml; charset=GBK"
SIGNED: list[dict[str, Any]] = [{"length": "body", "digits": 8}, {"signature": 400}]
SIZE = 408
SECRET = b"a secret of both sides"
HMAC = {"algorithm": "HMAC-SHA256", "text": {"kind": "raw"}, "encoding": "hex", "header": "X-Sign"}
OWN_SCHEME = {
    "scheme": "partner",
    "sealings": {"message": {"signature": HMAC}},
    **dict.fromkeys(("in", "out", "answer", "reply"), "message"),
}


def signed(body: bytes, signature: str) -> bytes:
    return b"%08d" % len(body) + signature.encode().ljust(400) + body


def by_hand(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


async def flag(site: Line, body: bytes, signature: str) -> str:
    """Return the flag of the answer, and its signature where it has one."""
    answer = await site.talk(signed(body, signature))
    assert int(answer[:8]) == len(answer) - SIZE
    return answer[SIZE:].decode("gbk").partition("<Flag>")[2][:1] + answer[8:SIZE].decode().strip()


def seal_of(body: bytes, key: SigningKey = KEY) -> str:
    return seal(body, TYPE, key).signature


async def test_a_seal_in_the_frame_is_verified_and_is_the_evidence(line: Opening) -> None:
    site = await line(trust="seal", frame=SIGNED)
    signature = seal_of(notice())
    assert await flag(site, notice(), signature) == "0"
    assert (site.serials(), site.evidence()) == (["YS260421000032"], [signature])


async def test_a_seal_of_another_body_or_key_or_none_is_refused(line: Opening) -> None:
    site = await line(trust="seal", frame=SIGNED)
    wrong = [seal_of(notice("YS2")), seal_of(notice(), new_key("partner-1")), "", "x" * 400]
    assert [await flag(site, notice(), each) for each in wrong] == ["1"] * 4
    assert (site.serials(), site.evidence()) == ([], [])


async def test_what_stands_in_the_place_of_a_signature_and_is_not_verified_is_no_evidence(line: Opening) -> None:
    site = await line(frame=SIGNED)
    assert await flag(site, notice(), "not verified by anybody") == "0"
    assert site.evidence() == ["tcp address 127.0.0.1"]


async def test_a_partners_own_signature_is_verified_and_its_answer_is_signed(line: Opening) -> None:
    profile: dict[str, Any] = {"security": OWN_SCHEME, "push": {"url": "tcp://127.0.0.1:1"}}
    site = await line(trust="seal", frame=SIGNED, profile=profile, keys={"secret.jwk": secret_jwk(SECRET)})
    answer = await site.talk(signed(notice(), by_hand(notice())))
    assert b"<Flag>0<" in answer
    assert answer[8:SIZE].decode().strip() == by_hand(answer[SIZE:])
    assert (await flag(site, notice("YS2"), by_hand(notice())))[0] == "1"
    assert site.serials() == ["YS260421000032"]


def answers_with(body: bytes, signature: str) -> Script:
    async def script(number: int, request: bytes, writer: Any) -> None:
        writer.write(signed(body, signature))

    return script


async def test_what_goes_out_is_sealed_in_its_frame(line: Opening) -> None:
    answer = b"<TranData><Head><Flag>0</Flag></Head></TranData>"
    async with serving(answers_with(answer, ""), size=SIZE, length=(0, 8)) as partner:
        site = await line(trust="seal", frame=SIGNED, profile=pushed(partner))
        await hand_in(site, nav())
        await settled(site, "delivered")
    (got,) = partner.got
    keys = KeyRing([read_verifying_key(site.data / "keys" / "gateway.pub.jwk")])
    open_seal(Sealed(got[SIZE:], TYPE, got[8:SIZE].decode().strip()), keys)


async def test_an_answer_that_the_partner_has_not_signed_proves_nothing(line: Opening) -> None:
    answer = b"<TranData><Head><Flag>0</Flag></Head></TranData>"
    profile, keys = {"security": OWN_SCHEME}, {"secret.jwk": secret_jwk(SECRET)}
    for signature, state in ((by_hand(answer), "delivered"), (by_hand(b"another"), "held")):
        async with serving(answers_with(answer, signature), size=SIZE, length=(0, 8)) as partner:
            more = profile | pushed(partner)
            site = await line(trust="seal", frame=SIGNED, profile=more, keys=keys, nav={"unknown": "hold"})
            await hand_in(site, nav())
            await settled(site, state)
        assert partner.got[0][8:SIZE].decode().strip() == by_hand(partner.got[0][SIZE:])


def pushed(partner: Partner) -> dict[str, Any]:
    return {"push": {"url": f"tcp://127.0.0.1:{partner.port}", "timeout": 1.0}}
