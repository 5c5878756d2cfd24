# ruff: noqa: D103 -- the names say it
"""What a gateway does about seals that do not belong to the bytes they came with."""

from dataclasses import replace

import pytest

from xinqiao.message import Json
from xinqiao.seal import Sealed, new_key, seal
from xinqiao_conformance.suite import requirement
from xinqiao_conformance.target import Target, with_value


def _of_other_content(target: Target, message: Json) -> Sealed:
    other = with_value(message, "kycApplication.purpose", "另一目的")
    return replace(target.sealed(message), signature=target.sealed(other).signature)


def _of_the_same_json_in_other_bytes(target: Target, message: Json) -> Sealed:
    sealed = target.sealed(message)
    return replace(sealed, content=sealed.content + b"\n")


def _of_another_key_under_the_same_id(target: Target, message: Json) -> Sealed:
    sealed = target.sealed(message)
    return seal(sealed.content, sealed.content_type, new_key(target.key.kid, target.key.algorithm))


_SEALS = [_of_other_content, _of_the_same_json_in_other_bytes, _of_another_key_under_the_same_id]


@requirement("SEC-001")
@pytest.mark.parametrize("wrong_seal", _SEALS, ids=lambda each: each.__name__.strip("_"))
def test_a_seal_that_does_not_belong_to_the_bytes_is_refused(target: Target, wrong_seal: object) -> None:
    message = target.message("kycApplication")
    assert callable(wrong_seal)
    target.send(message, wrong_seal(target, message)).require_refusal(401, "signature_invalid")
