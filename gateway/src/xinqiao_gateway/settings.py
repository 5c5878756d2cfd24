"""Settings of one gateway: from ``DATA/gateway.yaml``, overridden by ``XINQIAO_…`` environment variables."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from xinqiao.errors import SettingsInvalid
from xinqiao.rules.values import check_institution_code

__all__ = ["EXAMPLE_INSTITUTION", "Retry", "Settings", "read_settings", "settings_file"]

EXAMPLE_INSTITUTION = "913100001000100012"


def _with_check_character(code: str) -> str:
    expected = check_institution_code(code)
    if expected:
        raise ValueError(f"{expected} is expected at its end (GB 32100)")
    return code


InstitutionCode = Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$"), AfterValidator(_with_check_character)]


class Retry(BaseModel, extra="forbid"):
    """The delivery schedule: waits double from ``first`` to ``cap`` seconds, then ``attempts`` ends it."""

    first: float = Field(1.0, gt=0, le=3600)
    cap: float = Field(3600.0, gt=0, le=86_400)
    attempts: int = Field(14, ge=1, le=100)


class Settings(BaseSettings):
    """What an operator may set. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="XINQIAO_", env_nested_delimiter="__", extra="forbid")
    from_file: ClassVar[dict[str, Any]] = {}

    institution_code: InstitutionCode = Field(
        EXAMPLE_INSTITUTION, description="code of the institution that runs this gateway"
    )
    journal_url: str | None = Field(None, description="database URL; by default SQLite in the data folder")
    tls_certificate: Path | None = Field(None, description="PEM file with the certificate chain")
    tls_key: Path | None = Field(None, description="PEM file with the private key")
    body_limit: int = Field(1_048_576, ge=1024, description="largest body, where a channel sets no limit of its own")
    messages_limit: int = Field(1000, ge=1, description="most messages in one raw input")
    seal_max_age: int = Field(600, ge=1, description="how old a signature may be")
    push_timeout: float = Field(10.0, gt=0, description="how long a push may take, where a channel sets none")
    push_parallel: int = Field(8, ge=1, le=256, description="deliveries under way at once, for each channel")
    retry: Retry = Retry()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- no .env files: one place less to look
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, cls.from_file)


def settings_file(data: Path) -> Path:
    """Return where the settings of an installation folder stand."""
    return data / "gateway.yaml"


def read_settings(data: Path) -> Settings:
    """Read the settings of an installation folder.

    Raises ``SettingsInvalid`` naming each setting that cannot be used, or the line where the file is no YAML.
    """
    path = settings_file(data)
    source = type("Settings", (Settings,), {"from_file": _read(path), "__module__": __name__})
    try:
        settings: Settings = source()
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsInvalid(f"{path} or environment: {said}") from error
    except SettingsError as error:
        raise SettingsInvalid(f"environment: {error}") from error
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsInvalid("tls_certificate and tls_key go together")
    return settings


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
