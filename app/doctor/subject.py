"""What is examined: the settings, the trunks, and where things are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.asterisk.ari.operations import Resources
from app.asterisk.ari.rest import HttpCalls
from app.doctor.conf import Conf
from app.model import Trunk
from app.settings import Settings

ANSWERS_WITHIN_S = 3.0
"""A living Asterisk answers in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The Asterisk and the settings under examination. now_ms: our clock, since the epoch."""

    settings: Settings
    trunks: tuple[Trunk, ...]
    prompts_dir: Path
    conf: Conf
    is_local: bool
    now_ms: Callable[[], int]

    @property
    def url(self) -> SplitResult:
        """ARI's address in its parts."""
        return urlsplit(self.settings.ari_url)

    @property
    def host(self) -> str:
        """The host of ARI's address."""
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        """Its port: 80 or 443 where the address names none, as for any web address; 0 where it makes no sense."""
        try:
            return self.url.port or (443 if self.url.scheme == "https" else 80)
        except ValueError:
            return 0

    @property
    def password(self) -> str:
        """The ARI password of the settings."""
        return self.settings.ari_password.get_secret_value()

    def at_home(self) -> Subject:
        """The same, Asterisk being on this machine; FreePBX leaves a file of its own beside Asterisk's folder."""
        is_freepbx = (self.conf.directory.parent / "freepbx.conf").exists()
        conf = replace(self.conf, is_readable_here=True, is_freepbx=is_freepbx)
        return replace(self, is_local=True, conf=conf)

    def abroad(self) -> Subject:
        """The same, Asterisk being on another machine."""
        return replace(self, is_local=False, conf=replace(self.conf, is_readable_here=False))

    def on_freepbx(self) -> Subject:
        """The same, known to be set up by FreePBX."""
        return replace(self, conf=self.conf.on_freepbx())


def resources(http: HttpCalls) -> Resources:
    """ARI's operations over plain requests: no websocket, no application."""

    async def call(operation: str, method: str, path: str, parameters: Mapping[str, object] | None = None, /) -> bytes:
        return await http.request(method, path, parameters, timeout_s=ANSWERS_WITHIN_S)

    return Resources(call)


def setting(name: str) -> str:
    """How a setting of ours is named to people."""
    return f"outring.toml, {name} (or OUTRING_{name.upper()})"
