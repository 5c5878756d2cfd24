"""Settings of one gateway: from ``DATA/gateway.yaml``, overridden by ``XINQIAO_…`` environment variables."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from xinqiao.errors import SettingsInvalid

__all__ = ["Retry", "Settings", "read_settings"]


class Retry(BaseModel):
    """The delivery schedule: waits double from ``first`` to ``cap`` seconds, then ``attempts`` ends it."""

    first: float = Field(1.0, gt=0, le=3600)
    cap: float = Field(3600.0, gt=0, le=86_400)
    attempts: int = Field(14, ge=1, le=100)


class Settings(BaseSettings):
    """What an operator may set. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="XINQIAO_", env_nested_delimiter="__", extra="forbid")
    yaml_file: ClassVar[Path] = Path("gateway.yaml")

    institution_code: str = Field("913100001000100012", description="code of the institution that runs this gateway")
    journal_url: str | None = Field(None, description="database URL; by default SQLite in the data folder")
    tls_certificate: Path | None = Field(None, description="PEM file with the certificate chain")
    tls_key: Path | None = Field(None, description="PEM file with the private key")
    body_limit: int = Field(1_048_576, ge=1024, description="largest body, where a channel sets no limit of its own")
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
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=cls.yaml_file)


def read_settings(data: Path) -> Settings:
    """Read the settings of an installation folder.

    Raises ``SettingsInvalid`` naming each setting that cannot be used.
    """
    source = type("Settings", (Settings,), {"yaml_file": data / "gateway.yaml", "__module__": __name__})
    try:
        settings: Settings = source()
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsInvalid(f"{data / 'gateway.yaml'} or environment: {said}") from error
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsInvalid("tls_certificate and tls_key go together")
    return settings
