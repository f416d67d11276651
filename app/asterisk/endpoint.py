"""The one door a number goes out by: endpoints, caller ids and names are built and checked here, nowhere else.

`PJSIP/trunk/sip:x@host` would call any host and `Local/x@ctx` would run dialplan, so a trunk is a plain name, a number
is digits, and both are joined here. CR or LF in a caller id would write SIP headers of its own.
"""

from __future__ import annotations

import re
from typing import Final

from app.model import NumberFormat, Trunk
from app.units import Number, number

ENDPOINT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
DIALED: Final = re.compile(r"\+?[0-9]{3,15}")
EXTENSION: Final = re.compile(r"[A-Za-z0-9_*#+-]{1,40}")
CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")


def endpoint_for(trunk: Trunk, to: Number) -> str:
    """The endpoint that calls `to` over `trunk`: `PJSIP/447700900123@trunk`.

    Raises ValueError for a trunk whose endpoint is not a plain name, a number that is not E.164, or one that the
    trunk's prefixes do not cover.
    """
    if not ENDPOINT_NAME.fullmatch(trunk.endpoint):
        raise ValueError(
            f"trunk {trunk.id}: endpoint {trunk.endpoint[:24]!r} is not the plain name of a PJSIP endpoint, "
            "such as my-provider"
        )
    if not trunk.prefixes or not number(to).startswith(trunk.prefixes):
        raise ValueError(f"trunk {trunk.id} does not carry this number: its prefixes are {list(trunk.prefixes)}")
    return f"PJSIP/{dialed(to, trunk.number_format)}@{trunk.endpoint}"


def dialed(to: Number, form: NumberFormat) -> str:
    """The digits a trunk wants.

    >>> dialed(Number("+447700900123"), NumberFormat(country_code="44", national_prefix="0"))
    '07700900123'
    """
    digits = to.removeprefix("+")
    if form.country_code and digits.startswith(form.country_code):
        text = form.national_prefix + digits.removeprefix(form.country_code)
    else:
        text = ("+" if form.keep_plus else "") + digits
    text = form.prefix + text
    if not DIALED.fullmatch(text):
        raise ValueError(f"the trunk's number format makes {text[:24]!r} of it, which is not 3 to 15 digits")
    return text


def caller_id_for(text: str) -> str | None:
    """A caller id as it may be shown: a plain number, or None for none. Raises ValueError for anything else."""
    if not text:
        return None
    if not DIALED.fullmatch(text):
        raise ValueError(f"caller id {text[:24]!r} is not a number of 3 to 15 digits")
    return text
