"""Encryption of a body: SM4-CBC, AES-CBC (PKCS #7) and AES-GCM, the ciphertext written as text.

CBC proves nothing of its content, so no answer may tell a padding that is wrong from a signature that is:
``decrypt`` hands on what has no padding as it is, and the signature refuses it.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.padding import PKCS7

from xinqiao_adapters.security.keys import Keys
from xinqiao_adapters.security.spec import Encryption, UserId
from xinqiao_adapters.security.written import read_bytes, write_bytes

__all__ = ["BodyCipher"]

_BLOCK = 16
_NONCE = 12
_PADDING = PKCS7(_BLOCK * 8)
_KEY_SIZES = {"SM4-CBC": (16,), "AES-CBC": (16, 24, 32), "AES-GCM": (16, 24, 32)}


class BodyCipher:
    """Encrypts and decrypts bodies under one key."""

    def __init__(self, spec: Encryption, user: UserId | None, keys: Keys) -> None:
        """Take the key. Raises ``KeyUnusable`` where there is none, or it has not the size of the cipher's."""
        if keys.cipher is None:
            raise keys.lack("the key of the body's encryption", "cipher.jwk")
        if len(keys.cipher) not in _KEY_SIZES[spec.cipher]:
            sizes = ", ".join(map(str, _KEY_SIZES[spec.cipher]))
            raise keys.lack(f"a key of {sizes} bytes for {spec.cipher}", "cipher.jwk")
        self._key = keys.cipher
        self._is_gcm = spec.cipher == "AES-GCM"
        self._block = SM4 if spec.cipher == "SM4-CBC" else AES
        self._encoding = spec.encoding
        self._iv = user.filled if spec.iv == "user_id" and user is not None else None

    def encrypt(self, content: bytes) -> bytes:
        """Return the ciphertext as text."""
        if self._is_gcm:
            nonce = secrets.token_bytes(_NONCE)
            return write_bytes(self._encoding, nonce + AESGCM(self._key).encrypt(nonce, content, None))
        iv = self._iv or secrets.token_bytes(_BLOCK)
        padder = _PADDING.padder()
        padded = padder.update(content) + padder.finalize()
        encryptor = Cipher(self._block(self._key), modes.CBC(iv)).encryptor()
        ciphertext = encryptor.update(padded) + encryptor.finalize()
        return write_bytes(self._encoding, ciphertext if self._iv else iv + ciphertext)

    def decrypt(self, text: bytes) -> bytes:
        """Return the content of a ciphertext.

        Raises ``ValueError`` where it is not of the ciphertext's form (its length, its spelling), or its tag is wrong.
        """
        data = read_bytes(self._encoding, text)
        if self._is_gcm:
            return self._opened(data)
        iv, ciphertext = (self._iv, data) if self._iv else (data[:_BLOCK], data[_BLOCK:])
        if not ciphertext or len(ciphertext) % _BLOCK:
            raise ValueError("the ciphertext has no whole blocks")
        decryptor = Cipher(self._block(self._key), modes.CBC(iv)).decryptor()
        return _unpadded(decryptor.update(ciphertext) + decryptor.finalize())

    def _opened(self, data: bytes) -> bytes:
        try:
            return AESGCM(self._key).decrypt(data[:_NONCE], data[_NONCE:], None)
        except InvalidTag as error:
            raise ValueError("the tag is not that of the ciphertext") from error


def _unpadded(padded: bytes) -> bytes:
    unpadder = _PADDING.unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:  # to the signature it is as any content that nobody signed
        return padded
