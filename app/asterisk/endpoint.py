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
QUEUE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,39}")
"""Of app_queue, as it can be dialed: it is an extension too, and one letter alone would mean something else."""
_SHOWN_NUMBER: Final = re.compile(r"\+?[0-9]{1,15}")
_LONGEST_NAME: Final = 60
_NOT_IN_NAMES: Final = '"<>\\'
AUTO_ANSWER: Final = {
    "PJSIP_HEADER(add,Call-Info)": "<sip:outring.invalid>;answer-after=0",
    "PJSIP_HEADER(add,Alert-Info)": "<http://outring.invalid>;info=alert-autoanswer;delay=0",
}
"""Headers that ask a phone to answer by itself: the one is Grandstream's, Snom's, Linphone's, Cisco's and MicroSIP's,
the other Yealink's, Polycom's and Fanvil's. Constants: nothing anybody typed gets into a header of its own."""


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


def phone_endpoint(name: str) -> str:
    """The endpoint that rings a phone of the PBX: `PJSIP/1001`. Raises ValueError for anything but a plain name."""
    if not ENDPOINT_NAME.fullmatch(name):
        raise ValueError(f"phone {name[:24]!r} is not the plain name of a PJSIP endpoint, such as 1001")
    return f"PJSIP/{name}"


def shown_as(name: str, shown_number: str) -> str | None:
    """What a phone displays, as a caller id: `"Spring campaign" <+447700900123>`; None when nothing is left to show.

    A name may come from a contact's field: what could end the quotes or the line is left out. So is a number that is
    none.
    """
    kept = "".join(letter for letter in " ".join(name.split()) if letter.isprintable() and letter not in _NOT_IN_NAMES)
    digits = shown_number if _SHOWN_NUMBER.fullmatch(shown_number) else ""
    return f'"{kept[:_LONGEST_NAME]}" <{digits}>' if kept or digits else None
