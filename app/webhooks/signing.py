"""Signatures: who receives a webhook can tell that it came from here, and when.

HMAC-SHA256 with the webhook's secret over `TIMESTAMP.BODY`, in hex: the construction of Stripe's `Stripe-Signature`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

PREFIX: Final = "whsec_"
SCHEME: Final = "v1"


def new_secret() -> str:
    """A secret that nobody can guess: 256 bits."""
    return PREFIX + secrets.token_urlsafe(32)


def signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """What stands in `Outring-Signature`: `t=1800000000,v1=5257a8…`."""
    signed = hmac.new(secret.encode(), f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp_s},{SCHEME}={signed}"
