"""What cells say of a contact beside name and number: language, zone, region, e-mail, priority, consent, channels.

Each reader takes a cell and answers its value as the table keeps it, or None for a cell that cannot be read: it is
then told, left empty in its role, and kept as written among the contact's fields.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from app.compliance.regions import ZONES_OF_REGION

MOST_PRIORITY: Final = 100
LONGEST_OWNER: Final = 64
LONGEST_EMAIL: Final = 254
KINDS: Final = ("mobile", "home", "work")
"""What a phone is."""
CONSENTS: Final = ("none", "prior", "written")
"""What somebody agreed to, the least first; nothing in the column: not known, and taken for none."""
CHANNELS: Final = ("voice", "sms", "email")
"""Ways to reach somebody; nothing in the column: all of them."""
_LANGUAGES: Final = {
    "english": "en",
    "английский": "en",
    "англ": "en",
    "russian": "ru",
    "русский": "ru",
    "рус": "ru",
    "русс": "ru",
}
_PRIORITIES: Final = {
    "highest": 20, "urgent": 20, "высший": 20, "срочно": 20, "срочный": 20,
    "high": 10, "высокий": 10, "vip": 10,
    "normal": 0, "medium": 0, "средний": 0, "обычный": 0,
    "low": -10, "низкий": -10,
    "lowest": -20, "низший": -20,
}  # fmt: skip
_CONSENTS: Final = {
    "none": "none", "no": "none", "n": "none", "false": "none", "0": "none", "refused": "none", "withdrawn": "none",
    "opt out": "none", "optout": "none", "нет": "none", "отказ": "none", "отозвано": "none",
    "prior": "prior", "yes": "prior", "y": "prior", "true": "prior", "1": "prior", "given": "prior", "oral": "prior",
    "verbal": "prior", "opt in": "prior", "optin": "prior", "да": "prior", "есть": "prior", "устное": "prior",
    "written": "written", "express written": "written", "prior express written": "written", "signed": "written",
    "письменное": "written", "письменно": "written",
}  # fmt: skip
_CHANNELS: Final = {
    "voice": "voice", "call": "voice", "calls": "voice", "phone": "voice", "звонок": "voice", "звонки": "voice",
    "телефон": "voice", "голос": "voice",
    "sms": "sms", "text": "sms", "смс": "sms",
    "email": "email", "e-mail": "email", "mail": "email", "почта": "email", "письмо": "email",
}  # fmt: skip
_KINDS: Final = {
    "mobile": "mobile", "cell": "mobile", "cellular": "mobile", "cellphone": "mobile", "gsm": "mobile",
    "мобильный": "mobile", "моб": "mobile", "сотовый": "mobile", "сот": "mobile",
    "home": "home", "private": "home", "домашний": "home", "дом": "home",
    "work": "work", "business": "work", "office": "work", "рабочий": "work", "раб": "work", "служебный": "work",
}  # fmt: skip
_NAMES: Final = """
US: Alabama AL, Alaska AK, Arizona AZ, Arkansas AR, California CA, Colorado CO, Connecticut CT, Delaware DE,
  District of Columbia DC, Florida FL, Georgia GA, Hawaii HI, Idaho ID, Illinois IL, Indiana IN, Iowa IA, Kansas KS,
  Kentucky KY, Louisiana LA, Maine ME, Maryland MD, Massachusetts MA, Michigan MI, Minnesota MN, Mississippi MS,
  Missouri MO, Montana MT, Nebraska NE, Nevada NV, New Hampshire NH, New Jersey NJ, New Mexico NM, New York NY,
  North Carolina NC, North Dakota ND, Ohio OH, Oklahoma OK, Oregon OR, Pennsylvania PA, Rhode Island RI,
  South Carolina SC, South Dakota SD, Tennessee TN, Texas TX, Utah UT, Vermont VT, Virginia VA, Washington WA,
  West Virginia WV, Wisconsin WI, Wyoming WY
CA: Alberta AB, British Columbia BC, Manitoba MB, New Brunswick NB, Newfoundland and Labrador NL, Nova Scotia NS,
  Northwest Territories NT, Nunavut NU, Ontario ON, Prince Edward Island PE, Quebec QC, Québec QC, Saskatchewan SK,
  Yukon YT
AU: Australian Capital Territory ACT, New South Wales NSW, Northern Territory NT, Queensland QLD, South Australia SA,
  Tasmania TAS, Victoria VIC, Western Australia WA
"""
_EMAIL: Final = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]+")
_SEPARATORS: Final = re.compile(r"[,;/|+&]+")


def _by_name() -> Mapping[str, Mapping[str, str]]:
    """Country → name of a region in small letters → its code with the country."""
    found: dict[str, dict[str, str]] = {}
    for line in re.sub(r"\n ", " ", _NAMES).strip().splitlines():
        country, _, named = line.partition(":")
        pairs = (one.strip().rpartition(" ") for one in named.split(","))
        found[country] = {name.casefold(): f"{country}-{code}" for name, _, code in pairs}
    return found


_REGION_OF: Final = _by_name()


@lru_cache(maxsize=1024)
def language(cell: str) -> str | None:
    """A language's code: "en-GB" stays, "Russian" is ru."""
    plain = cell.strip().casefold().rstrip(".")
    if not plain or plain in _LANGUAGES:
        return _LANGUAGES.get(plain, "")
    first, _, region_part = plain.replace("_", "-").partition("-")
    is_tag = first.isascii() and first.isalpha() and len(first) in (2, 3) and len(region_part) <= 8
    if not is_tag or (region_part and not (region_part.isascii() and region_part.replace("-", "a").isalnum())):
        return None
    return f"{first}-{region_part.upper() if len(region_part) == 2 else region_part}" if region_part else first


@lru_cache(maxsize=1024)
def time_zone(cell: str) -> str | None:
    """A place of the tz database, as in Europe/London."""
    zone = cell.strip()
    return zone if not zone or zone in _zones() else None


@lru_cache(maxsize=4096)
def region(cell: str, country: str) -> str:
    """A region by ISO 3166-2 with its country: `FL`, `US-FL`, `Florida` in a list of US are US-FL.

    Empty for what is none: a sheet's column of this name holds anything, and it stays among the fields.
    """
    plain = " ".join(cell.split())
    named = _REGION_OF.get(country, {}).get(plain.casefold())
    if named:
        return named
    code = plain.upper()
    if re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", code):
        return code
    return f"{country}-{code}" if f"{country}-{code}" in ZONES_OF_REGION else ""


@lru_cache(maxsize=1024)
def priority(cell: str) -> int | None:
    """A whole number from -100 to 100, the higher the sooner, or a word such as high and low."""
    plain = cell.strip().casefold()
    if not plain or plain in _PRIORITIES:
        return _PRIORITIES.get(plain, 0)
    if not re.fullmatch(r"[+-]?[0-9]{1,3}(\.0+)?", plain):
        return None
    value = int(plain.partition(".")[0])
    return value if abs(value) <= MOST_PRIORITY else None


@lru_cache(maxsize=1024)
def consent(cell: str) -> str | None:
    """One of CONSENTS for yes, no, written and their like; empty: not known."""
    plain = " ".join(cell.replace("-", " ").replace("_", " ").casefold().split())
    return _CONSENTS.get(plain) if plain else ""


@lru_cache(maxsize=1024)
def channels(cell: str) -> str | None:
    """The ways somebody may be reached, in the order of CHANNELS with commas: "SMS; звонок" is voice,sms."""
    named = [word.strip().casefold() for word in _SEPARATORS.split(cell) if word.strip()]
    if named in (["all"], ["any"], ["все"], ["любой"]):
        return ""
    if any(word not in _CHANNELS for word in named):
        return None
    found = {_CHANNELS[word] for word in named}
    return ",".join(one for one in CHANNELS if one in found)


def email(cell: str) -> str | None:
    """An address as it is written, if it has the form of one."""
    address = cell.strip()
    if not address:
        return ""
    return address if len(address) <= LONGEST_EMAIL and _EMAIL.fullmatch(address) else None


def owner(cell: str) -> str | None:
    """The name somebody signs in with."""
    name = " ".join(cell.split())
    return name if len(name) <= LONGEST_OWNER else None


@lru_cache(maxsize=1024)
def phone_kind(text: str) -> str:
    """What a phone is by a word of its header or of a column of kinds: `Моб. телефон` is mobile; empty: not said."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return next((_KINDS[word] for word in words if word in _KINDS), "")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
