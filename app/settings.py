"""Settings: `outring.toml` in the working directory (or $OUTRING_CONFIG), and the environment over it.

Every setting has an environment variable of its name with OUTRING_ before it: `ari_url` is OUTRING_ARI_URL.
"""

from __future__ import annotations

import ipaddress
import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

VoiceName = Literal["espeak", "gtts", "piper"]

TOML_EXAMPLE: Final = """ari_url = "http://127.0.0.1:8088/ari", texts in quotes and numbers without"""


class SettingsError(Exception):
    """The settings cannot be used; the message names the place and the mend, a line a problem."""


class Settings(BaseSettings):
    """All settings of the program, with their defaults."""

    model_config = SettingsConfigDict(env_prefix="OUTRING_", extra="forbid", frozen=True)

    ari_url: str = Field("http://127.0.0.1:8088/ari", description="Address of Asterisk's REST interface, with /ari")
    ari_user: str = Field("outring", description="User in Asterisk's ari.conf")
    ari_password: SecretStr = Field(SecretStr(""), description="Its password: as good as root on the PBX")
    ari_app: str = Field("outring", description="Name of the Stasis application", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    ari_context: str = Field(
        "outring-answered", description="Dialplan context answered calls enter", pattern=r"^[A-Za-z0-9_-]{1,79}$"
    )
    ami_url: str = Field("", description="Address of the manager interface, ami://user:password@127.0.0.1:5038")
    agi_host: str = Field("127.0.0.1", description="Address dialplans ask FastAGI at; nobody signs in there")
    agi_port: int = Field(0, ge=0, le=65535, description="Port of FastAGI, usually 4573; 0: off")
    database_url: str = Field("sqlite+aiosqlite:///outring.db", description="SQLite or postgresql+asyncpg")
    standby: bool = Field(
        False, description="Stand by while another dialer is on duty on this database, and take over when it fails"
    )
    lease_s: float = Field(
        3.0, ge=1, le=60, description="Seconds without a sign of life after which another dialer takes over"
    )
    http_host: str = Field("127.0.0.1", description="Address the panel listens at")
    http_port: int = Field(8080, ge=0, le=65535, description="Port the panel listens at; 0: any free one")
    data_dir: Path = Field(Path("outring-data"), description="Prompts, uploads and reports")
    watch_dir: Path | None = Field(
        None, description="Folder whose files become contacts, as its import.toml says; none: no folder is watched"
    )
    compliance_dir: Path = Field(
        Path("outring-compliance"), description="Your own compliance profiles, NAME.yaml; none where it is not there"
    )
    databases: Annotated[dict[str, SecretStr], NoDecode] = Field(
        {}, description="Databases of your own that lists come from, by a name: their address as SQLAlchemy takes it"
    )
    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks of your own that webhooks may go to, such as 127.0.0.0/8; without: https to the internet",
    )
    webhook_max_waiting: int = Field(
        100_000, ge=100, le=10_000_000, description="Deliveries that may wait for a webhook; the oldest are given up"
    )
    asterisk_recordings_dir: Path = Field(
        Path("/var/spool/asterisk/recording"), description="Where Asterisk writes ARI recordings"
    )
    asterisk_cdr_file: Path | None = Field(
        None,
        description="Asterisk's Master.csv of call records: tells of calls that ended while Outring was away; none: "
        "they stay dangling",
    )
    asterisk_sounds_dir: Path = Field(Path("/var/lib/asterisk/sounds"), description="Where Asterisk's own sounds are")
    voices: Annotated[tuple[VoiceName, ...], NoDecode] = Field(
        ("espeak",), description="What speaks texts, in order; the next steps in where one fails"
    )
    piper_models: Annotated[dict[str, Path], NoDecode] = Field(
        {}, description="The voice's .onnx file for each language piper speaks"
    )
    metrics_access: Literal["sign-in", "open"] = Field(
        "sign-in", description="Who may read /metrics: who is signed in or has a key or the token; or everybody"
    )
    metrics_token: SecretStr = Field(SecretStr(""), description="A token that opens /metrics and nothing else")
    stop_wait_s: int = Field(
        300, ge=0, le=86_400, description="At the end, how long people may finish talking; a second signal ends at once"
    )
    log_file: Path | None = Field(None, description="File the log goes to; none: standard error")
    log_max_mb: int = Field(50, ge=1, le=10_000, description="Size at which a new log file is begun")
    log_keep: int = Field(5, ge=0, le=100, description="Full log files that are kept beside it")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Form of the log; auto: text on a terminal, JSON otherwise"
    )
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="How much the log says")

    @field_validator("ari_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://, such as http://127.0.0.1:8088/ari")
        return url.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        return url

    @field_validator("voices", mode="before")
    @classmethod
    def _names(cls, given: object) -> object:
        """A variable holds `gtts,espeak` or JSON; a file a list."""
        if not isinstance(given, str):
            return given
        return _json(given) if given.startswith("[") else [name.strip() for name in given.split(",") if name.strip()]

    @field_validator("webhook_networks", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        """A variable holds `127.0.0.0/8,10.1.0.0/16` or JSON; a file a list."""
        if isinstance(given, str):
            given = _json(given) if given.startswith("[") else [one.strip() for one in given.split(",") if one.strip()]
        for one in given if isinstance(given, list) else ():
            try:
                ipaddress.ip_network(str(one), strict=False)
            except ValueError:
                raise ValueError(f"{one!r} is no network; write 127.0.0.0/8, 10.1.2.3/32 or fd00::/8") from None
        return given

    @field_validator("databases", mode="before")
    @classmethod
    def _databases(cls, given: object) -> object:
        """A variable holds JSON; a file a table."""
        return _json(given) if isinstance(given, str) else given

    @field_validator("piper_models", mode="before")
    @classmethod
    def _models(cls, given: object) -> object:
        """A variable holds `en=/a.onnx,ru=/b.onnx` or JSON; a file a table."""
        if not isinstance(given, str):
            return given
        if given.startswith("{"):
            return _json(given)
        pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
        if not all(language.strip() and path.strip() for language, _, path in pairs):
            raise ValueError("write language=file, such as en=/var/lib/outring/en.onnx,ru=/var/lib/outring/ru.onnx")
        return {language.strip(): path.strip() for language, _, path in pairs}

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """What is passed in, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def config_file() -> Path:
    """The settings file: $OUTRING_CONFIG, else outring.toml in the working directory."""
    return Path(os.environ.get("OUTRING_CONFIG") or "outring.toml")


def load(**overrides: Any) -> Settings:
    """The settings. Raises SettingsError naming file or variable, setting, and what would be right."""
    path = config_file()
    try:
        if os.environ.get("OUTRING_CONFIG") and not path.is_file():  # without it, outring.toml may be missing
            raise SettingsError(f"{path}: there is no such file; write it, or let OUTRING_CONFIG name another")
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(path, dict(item)) for item in error.errors())) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}; a setting is a line such as {TOML_EXAMPLE}") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); see OUTRING_CONFIG") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is not JSON ({error})") from error


def _problem(path: Path, item: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    variable = f"OUTRING_{str(item['loc'][0]).upper()}"
    place = variable if variable in os.environ else f"{path}, {name}"
    if item["type"] == "extra_forbidden":
        return f"{path}: there is no setting {name!r}; the settings are {', '.join(Settings.model_fields)}"
    if item["loc"][0] == "databases":  # passwords are in it
        return f"{place}: {item['msg'].removeprefix('Value error, ')}"
    return f"{place}: {item['msg'].removeprefix('Value error, ')} (it is {str(item.get('input'))[:60]!r})"
