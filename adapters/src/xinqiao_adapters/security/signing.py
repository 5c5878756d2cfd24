"""The algorithms: from text to the bytes of a signature and back, with the keys of the channel."""

import hmac
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hmac import HMAC

from xinqiao.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey, from_der, to_der
from xinqiao_adapters.security.keys import Keys, PublicKey
from xinqiao_adapters.security.spec import SignatureSpec, UserId
from xinqiao_adapters.security.text import digest_of

__all__ = ["Sign", "Verify", "signer", "verifier"]

Sign = Callable[[bytes], bytes]
# Text, signature, and the key that it should be of; MACs have none.
Verify = Callable[[bytes, bytes, PublicKey | None], bool]
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"HMAC-SHA256": hashes.SHA256(), "HMAC-SM3": hashes.SM3()}


def signer(spec: SignatureSpec, user: UserId | None, keys: Keys) -> Sign:
    """Return what signs. Raises ``KeyUnusable`` where the key is missing or is for another algorithm."""
    if not spec.by_key_pair:
        return _mac(spec, keys)
    if keys.own is None:
        raise keys.lack("our private key", "own.pem")
    key = keys.own
    if spec.algorithm == "SM2-SM3":
        if not isinstance(key, Sm2PrivateKey):
            raise keys.lack("an SM2 key of ours", "own.pem")
        user_id = _user_id(user)
        return lambda text: _written(spec, key.sign(text, user_id))
    if not isinstance(key, rsa.RSAPrivateKey):
        raise keys.lack("an RSA key of ours", "own.pem")
    return lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256())


def verifier(spec: SignatureSpec, user: UserId | None, keys: Keys) -> Verify:
    """Return what verifies. Raises ``KeyUnusable`` where a key is for another algorithm, or the secret is missing."""
    if not spec.by_key_pair:
        mac = _mac(spec, keys)
        return lambda text, signature, _key: hmac.compare_digest(mac(text), signature)
    wanted = Sm2PublicKey if spec.algorithm == "SM2-SM3" else rsa.RSAPublicKey
    if not all(isinstance(each.key, wanted) for each in keys.partner):
        raise keys.lack(f"keys of the partner that are all for {spec.algorithm}", "partner.pem")
    user_id = _user_id(user)

    def verify(text: bytes, signature: bytes, key: PublicKey | None) -> bool:
        if isinstance(key, Sm2PublicKey):
            return _verify_sm2(spec, key, text, signature, user_id)
        return isinstance(key, rsa.RSAPublicKey) and _verify_rsa(key, text, signature)

    return verify


def _user_id(user: UserId | None) -> bytes:
    return DEFAULT_USER_ID if user is None else user.filled


def _written(spec: SignatureSpec, signature: bytes) -> bytes:
    return to_der(signature) if spec.form == "der" else signature


def _verify_sm2(spec: SignatureSpec, key: Sm2PublicKey, text: bytes, signature: bytes, user_id: bytes) -> bool:
    try:
        raw = from_der(signature) if spec.form == "der" else signature
    except ValueError:
        return False
    return key.verify(text, raw, user_id)


def _verify_rsa(key: rsa.RSAPublicKey, text: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _mac(spec: SignatureSpec, keys: Keys) -> Sign:
    if keys.secret is None:
        raise keys.lack("the secret that both sides sign with", "secret.jwk")
    secret = keys.secret
    if spec.algorithm == "SM3":
        before = (spec.before_secret or "").encode("ascii")
        return lambda text: digest_of("SM3", text + before + secret)

    def sign(text: bytes) -> bytes:
        mac = HMAC(secret, _HASHES[spec.algorithm])
        mac.update(text)
        return mac.finalize()

    return sign
