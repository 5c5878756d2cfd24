"""``login``: how the gateway proves itself to a partner's SFTP server, and how it knows that it is the partner's."""

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, model_validator

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Login", "Permissions"]

_FINGERPRINT = re.compile(r"SHA256:[0-9A-Za-z+/]{43}")
_HOST_KEY = re.compile(r"(?:\S+ )?((?:ssh|ecdsa|sk)-\S+) ([0-9A-Za-z+/]+={0,2})(?: .*)?")


def _host_key(said: str) -> str:
    """Take ``SHA256:…`` as ``ssh-keygen -l`` writes it, or a line of a known_hosts file."""
    if _FINGERPRINT.fullmatch(said):
        return said
    found = _HOST_KEY.fullmatch(said.strip())
    if found is None or not _is_key(found[1], found[2]):
        raise ValueError(
            "a host key is SHA256: and 43 characters, as ssh-keygen -lf writes it, or a line of known_hosts: "
            "host ssh-ed25519 AAAA…"
        )
    return f"{found[1]} {found[2]}"


def _is_key(kind: str, text: str) -> bool:
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    name = kind.encode("ascii", "replace")
    return blob.startswith(len(name).to_bytes(4, "big") + name)


def _file(said: str) -> str:
    if not said or not said.isprintable():
        raise ValueError("the name of a file: in the channel's folder keys, or a whole path")
    return said


HostKey = Annotated[str, AfterValidator(_host_key)]
SecretFile = Annotated[str, AfterValidator(_file)]


class Permissions(BaseModel):
    """What the partner's server lets the gateway do, where that is not everything.

    ``rename`` false: files are written under their final name, and what was taken cannot be archived there.
    ``remove`` false: nothing is removed. ``resume`` false: an upload that broke begins anew.
    """

    model_config = STRICT

    rename: bool = True
    remove: bool = True
    resume: bool = True


class Login(BaseModel):
    """Who the server is and who we are. Secrets are in files with mode 0600, never in the profile.

    ``host_keys`` are the keys that the server may show, fingerprints or lines of known_hosts: several while the partner
    changes its key. Files are in the channel's folder ``keys``, or are whole paths; where the server wants key and
    password, both are given. ``timeout`` is how long the server may keep silent (seconds).
    """

    model_config = STRICT

    host_keys: Annotated[list[HostKey], Field(min_length=1, max_length=8)]
    password_file: SecretFile | None = None
    key_file: SecretFile | None = None
    certificate_file: SecretFile | None = None
    permissions: Permissions = Permissions()
    timeout: Annotated[float | int, Field(gt=0, le=300)] = 30

    @model_validator(mode="after")
    def _says_who(self) -> "Login":
        if self.password_file is None and self.key_file is None:
            raise ValueError("say who we are: password_file, key_file, or both")
        if self.certificate_file is not None and self.key_file is None:
            raise ValueError("certificate_file goes with key_file: the certificate is for that key")
        return self
