"""What a partner may use of the embedded SFTP server."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Cipher", "SftpSettings"]

# In the order of preference; what is not here is not spoken.
Cipher = Literal[
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-ctr"
]


class SftpSettings(BaseModel):
    """The limits of an installation's SFTP server. Sizes are bytes, times seconds.

    Of one channel: ``bytes`` and ``files`` that lie in its inbox, ``largest`` file, ``connections`` at once.
    Of one connection: ``handles`` that are open, ``idle`` time until it is ended, ``login`` time that it has to log in.
    ``guests``: connections of all channels together, and of those who are not logged in. ``failures``: logins that may
    fail from one address in a minute before it is not let in. ``spare``: what is left free on the disk for others.
    ``ciphers``: the two fast ones; a client that has neither needs another one named here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int = Field(21_474_836_480, ge=1)
    files: int = Field(10_000, ge=1, le=50_000)
    largest: int = Field(2_147_483_648, ge=1)
    connections: int = Field(8, ge=1, le=1000)
    handles: int = Field(32, ge=1, le=1000)
    idle: float = Field(300.0, gt=0, le=86_400)
    login: float = Field(30.0, gt=0, le=600)
    guests: int = Field(128, ge=1, le=10_000)
    failures: int = Field(20, ge=1, le=10_000)
    spare: int = Field(1_073_741_824, ge=0)
    ciphers: Annotated[tuple[Cipher, ...], Field(min_length=1)] = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
