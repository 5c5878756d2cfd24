"""Manifests: what a set of files must be, sealed by the gateway's key, as one JSON file beside them."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from xinqiao.errors import MalformedJson, SealInvalid, SettingsInvalid
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import KeyRing, Sealed, SigningKey, open_stored, seal

__all__ = ["digest_of_file", "open_manifest", "read_unsealed", "sync_folder", "write_manifest"]

_TYPE = "application/vnd.xinqiao.manifest+json"
_LARGEST = 512 * 1024 * 1024
_BLOCK = 1 << 20


def write_manifest(path: Path, manifest: Json, key: SigningKey) -> None:
    """Seal a manifest and write it durably; it appears whole."""
    sealed = seal(write_json(manifest), _TYPE, key)
    made = path.with_name(f".{path.name}")
    with made.open("wb") as file:
        file.write(write_json({"manifest": manifest, "signature": sealed.signature}))
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    sync_folder(path.parent)


def open_manifest(path: Path, keys: KeyRing) -> Json:
    """Return a manifest. Raises ``SealInvalid`` where no key of these sealed it, ``SettingsInvalid``: no manifest."""
    found = _read(path)
    sealed = Sealed(write_json(found["manifest"]), _TYPE, found["signature"])
    try:
        open_stored(sealed, keys)
    except SealInvalid as error:
        raise SealInvalid(f"{path}: {error.detail}") from error
    manifest: Json = found["manifest"]
    return manifest


def read_unsealed(path: Path) -> Json:
    """Return what a manifest says without asking who sealed it. Raises ``SettingsInvalid``."""
    manifest: Json = _read(path)["manifest"]
    return manifest


def digest_of_file(path: Path, told: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 (hex) of a file of any size; ``told`` hears how many bytes were read each time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if told:
                told(len(block))
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> Json:
    try:
        with path.open("rb") as file:
            found = read_json(file.read(_LARGEST))
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}; the manifest belongs beside what it describes") from error
    except MalformedJson as error:
        raise SettingsInvalid(f"{path} is no manifest: {error.detail}") from error
    if not isinstance(found.get("manifest"), dict) or not isinstance(found.get("signature"), str):
        raise SettingsInvalid(f"{path} is no manifest: it holds a manifest and a signature")
    return found
