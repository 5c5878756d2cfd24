"""Settings of one gateway: from ``DATA/gateway.yaml``, overridden by ``XINQIAO_…`` environment variables."""

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, HttpUrl, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from xinqiao.errors import SettingsInvalid, XinqiaoError
from xinqiao_adapters.marked import read_marked, said_of
from xinqiao_adapters.profile import InstitutionCode
from xinqiao_gateway.documents import DocumentSettings
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings

__all__ = ["EXAMPLE_INSTITUTION", "Retry", "Settings", "Webhook", "origins", "read_settings", "settings_file"]

EXAMPLE_INSTITUTION = "913100001000100012"


class Retry(BaseModel, extra="forbid"):
    """The delivery schedule, in seconds: waits double from ``first`` to ``cap``; an age of ``give_up_after`` ends it.

    A channel that fails ``failures`` times in a row is left alone for ``pause``, doubling to ``longest_pause``.
    """

    first: float = Field(1.0, gt=0, le=3600)
    cap: float = Field(3600.0, gt=0, le=86_400)
    give_up_after: float = Field(259_200.0, gt=0, le=31_536_000)
    failures: int = Field(5, ge=1, le=1000)
    pause: float = Field(1.0, gt=0, le=3600)
    longest_pause: float = Field(60.0, gt=0, le=3600)


class Webhook(BaseModel, extra="forbid"):
    """Where alarms are posted, signed with the gateway's key; ``name`` is what obligations refer to."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")
    url: HttpUrl


class Settings(BaseSettings):
    """What an operator may set. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="XINQIAO_", env_nested_delimiter="__", extra="forbid")

    institution_code: InstitutionCode = Field(
        EXAMPLE_INSTITUTION, description="code of the institution that runs this gateway"
    )
    journal_url: str | None = Field(None, description="database URL; by default SQLite in the data folder")
    tls_certificate: Path | None = Field(None, description="PEM file with the certificate chain")
    tls_key: Path | None = Field(None, description="PEM file with the private key")
    body_limit: int = Field(1_048_576, ge=1024, description="largest body, where a channel sets no limit of its own")
    body_timeout: float = Field(30.0, gt=0, le=3600, description="how long a body may take to arrive")
    connections: int = Field(2048, ge=1, le=65_536, description="connections at once; one more is answered 503")
    messages_limit: int = Field(1000, ge=1, le=10_000, description="most messages in one raw input")
    seal_max_age: int = Field(600, ge=1, description="how old a signature may be")
    concurrency: int = Field(512, ge=1, description="inputs of one channel under way, where it sets no limit")
    queue: int = Field(1_000_000, ge=1, description="deliveries that may wait for a channel, where it sets no limit")
    push_timeout: float = Field(10.0, gt=0, description="how long a push may take, where a channel sets none")
    push_parallel: int = Field(8, ge=1, le=256, description="deliveries under way at once, for each channel")
    lease: float = Field(60.0, ge=1, le=3600, description="how long a delivery under way is left to its node")
    drain: float = Field(0.0, ge=0, le=600, description="how long it says that it is not ready before it stops")
    metrics_port: int | None = Field(None, ge=1, le=65_535, description="port for metrics without a token")
    metrics_host: str = Field("127.0.0.1", description="address that the port for metrics listens on")
    public_url: HttpUrl | None = Field(None, description="where browsers reach this gateway's pages")
    grpc_port: int | None = Field(None, ge=1, le=65_535, description="port for gRPC")
    grpc_host: str = Field("127.0.0.1", description="address that the port for gRPC listens on")
    grpc_client_ca: Path | None = Field(None, description="PEM file of who issues clients' certificates; asks for one")
    sftp_port: int | None = Field(None, ge=1, le=65_535, description="port for the embedded SFTP server")
    sftp_host: str = Field("127.0.0.1", description="address that the port for SFTP listens on")
    sftp: SftpSettings = Field(SftpSettings(), description="limits of the embedded SFTP server")
    payment: str = Field("none", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="who takes payments at the cashier")
    least_space: int = Field(268_435_456, ge=0, description="free disk space (bytes) under which it is not ready")
    master_key: str = Field("file", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="who keeps the master key")
    sms: str = Field("none", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="who sends codes to mobiles")
    retry: Retry = Retry()
    documents: DocumentSettings = Field(DocumentSettings(), description="limits of documents")
    webhooks: tuple[Webhook, ...] = Field((), description="who is told of alarms")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- no .env files: one place less to look
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file, whose values ``read_settings`` hands over."""
        return env_settings, init_settings


def settings_file(data: Path) -> Path:
    """Return where the settings of an installation folder stand."""
    return data / "gateway.yaml"


def read_settings(data: Path) -> Settings:
    """Read the settings of an installation folder.

    Raises ``SettingsInvalid`` naming each setting that cannot be used, or the line where the file is no YAML.
    """
    path = settings_file(data)
    in_file = _read(path)
    # By such names pydantic takes arguments of its own.
    foreign = [name for name in in_file if name.startswith("_")]
    problems = [f"{_place(path, (name,))}: {name}: no such key here; take it away" for name in foreign]
    try:
        settings = Settings(**{name: value for name, value in in_file.items() if name not in foreign})
    except ValidationError as error:
        problems += [_problem(path, where, said) for where, said in said_of(error, Settings, in_file)]
    except SettingsError as error:
        raise SettingsInvalid(f"environment: {error}") from error
    if problems:
        raise SettingsInvalid("\n".join(problems))
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsInvalid("tls_certificate and tls_key go together")
    return settings


def origins(data: Path) -> dict[str, str]:
    """Return where each setting comes from: ``default``, the file, or the environment variable."""
    path = settings_file(data)
    in_file = _read(path)
    return {name: _origin(path, name, in_file) for name in Settings.model_fields}


def _origin(path: Path, name: str, in_file: dict[str, Any]) -> str:
    prefix = f"{Settings.model_config['env_prefix']}{name}".upper()
    variables = [each for each in os.environ if each.upper() == prefix or each.upper().startswith(f"{prefix}__")]
    if variables:
        return f"environment: {', '.join(sorted(variables))}"
    return _place(path, (name,)) if name in in_file else "default"


def _problem(path: Path, where: tuple[int | str, ...], said: str) -> str:
    """Return what is wrong with a setting, led by where it stands."""
    origin = _origin(path, str(where[0]), {})
    place = _place(path, where) if origin == "default" else origin
    return f"{place}: {'.'.join(map(str, where))}: {said}"


def _place(path: Path, where: tuple[int | str, ...]) -> str:
    """Return the file and the line of a setting in it."""
    try:
        return str(read_marked(path).mark(where))
    except XinqiaoError:  # it has been read once, less strictly
        return str(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"{path}: is not UTF-8 (byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or error
        raise SettingsInvalid(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {said}") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise SettingsInvalid(f"{path}:1: settings are a mapping of names to values, such as institution_code: …")
    return found
