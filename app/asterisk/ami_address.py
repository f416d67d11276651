"""Where the manager interface (AMI) is, and who we are there: read from the one setting `ami_url`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

EXAMPLE: Final = "ami://outring:secret@127.0.0.1:5038"
_SCHEMES: Final = {"ami": False, "amis": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAddress:
    """Host, port, user and secret; is_tls: `amis://`, for Asterisk's tlsbindaddr."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    is_tls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_ami_url(url: str) -> AmiAddress:
    """The parts of `ami://user:secret@host:port`; signs such as @ or / in the secret are written %40, %2F.

    Raises ValueError with what would be right.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5038
    except ValueError as error:
        raise ValueError(f"{error}; write {EXAMPLE}") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"must begin with ami:// (or amis:// for TLS), such as {EXAMPLE}")
    user, secret = unquote(parts.username or ""), unquote(parts.password or "")
    if not user or not secret or not parts.hostname:
        raise ValueError(f"needs the user and secret of manager.conf and the host, such as {EXAMPLE}")
    if not (user + secret).isprintable():
        raise ValueError("the user or secret holds a sign that cannot be sent, such as a line's end")
    return AmiAddress(host=parts.hostname, port=port, user=user, secret=secret, is_tls=_SCHEMES[parts.scheme])
