"""Passwords and tokens: argon2id for what people choose, SHA-256 for what we draw at random."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 8
_hasher: Final = PasswordHasher()
_NOBODY: Final = _hasher.hash(secrets.token_urlsafe())
"""What is compared with when there is no such user, so that the answer takes as long."""


def hash_password(password: str) -> str:
    """The hash to keep. Takes about 0.1 s of CPU on purpose: call it in a thread."""
    return _hasher.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; takes the same time when there is no hash to compare with. Call it in a thread."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A session's cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """An API key, recognisable as one: secret scanners can find it."""
    return "outring_" + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a cookie or key. They are random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
