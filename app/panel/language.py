"""The pages' languages: words by gettext, and how numbers, times and telephone numbers are written."""

from __future__ import annotations

import gettext
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent, get_decimal_symbol
from babel.units import format_unit

from app.panel.phrases import said

WEB: Final = Path(__file__).resolve().parents[2] / "web"
LANGUAGES: Final = {"en": "English", "ru": "Русский"}
THEMES: Final = ("auto", "light", "dark")


def catalogue(language: str) -> Catalog:
    """A language's phrases: those every page has (outring.po), and those of each part of the panel beside it."""
    folder = WEB / "locale" / language / "LC_MESSAGES"
    with (folder / "outring.po").open("rb") as source:
        whole = read_po(source, locale=language)
    for path in sorted(folder.glob("*.po")):
        if path.stem != "outring":
            with path.open("rb") as source:
                for message in read_po(source, locale=language):
                    if message.id:
                        whole[message.id] = message
    return whole


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language, from all of its .po files; English is what the templates say."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def preferred_language(accepted: str) -> str:
    """The first language of an Accept-Language header that we speak; English for none."""
    for part in accepted[:200].split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code in LANGUAGES:
            return code
    return "en"


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """A time zone by its IANA name; the server's own for none or an unknown one."""
    if 0 < len(name) <= 64 and not name.startswith(("/", ".")):
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):  # what a stranger's cookie may name: not a zone, a folder, nothing
            pass
    local = datetime.now(UTC).astimezone().tzinfo
    return local if local is not None else UTC


@lru_cache(maxsize=4096)
def phone(text: str) -> str:
    """A number in groups: `+44 7700 900123`."""
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def format_day(when: datetime, language: str) -> str:
    """A clock that is read to the minute: `24 Nov 2026, 09:00`."""
    return format_datetime(when, "d MMM y, HH:mm", locale=language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one visitor reads: language, time zone, theme."""

    language: str = "en"
    zone_name: str = ""
    theme: str = "auto"

    def say(self, text: str) -> str:
        """A phrase of the program in this language; see app.panel.phrases."""
        return said(text, translations(self.language))

    def figures(self, text: str) -> str:
        """A phrase of the program with figures in it, written as this language does: 4.1, or 4,1."""
        return re.sub(r"(?<=[0-9])\.(?=[0-9])", get_decimal_symbol(self.language), self.say(text))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with its groups: 1,204."""
        return format_decimal(value, format="#,##0" + ("." + "0" * digits if digits else ""), locale=self.language)

    def percent(self, share: float) -> str:
        """A share of one, as 37%."""
        return format_percent(share, locale=self.language)

    def decimal_percent(self, share: float) -> str:
        """A small share of one, as 1.4%."""
        return format_percent(share, format="0.0%", locale=self.language)

    def plain(self, value: float) -> str:
        """A number as people type it: 0.5, or 0,5."""
        return format_decimal(value, format="0.###", locale=self.language)

    def seconds(self, length_ms: int) -> str:
        """A length: 4.2 s, 1:05."""
        if length_ms < 60_000:
            return format_unit(
                round(length_ms / 1_000, 1), "duration-second", "short", format="#,##0.0", locale=self.language
            )
        minutes, seconds = divmod(round(length_ms / 1_000), 60)
        return f"{minutes}:{seconds:02d}"

    def length(self, length_ms: int) -> str:
        """A wait, in the largest units that fit: 3 days, 24 hr, 90 s."""
        seconds = length_ms // 1_000
        if seconds < 120:
            return format_unit(seconds, "duration-second", "short", locale=self.language)
        if seconds % 3_600:
            return format_unit(round(seconds / 60, 1), "duration-minute", "short", locale=self.language)
        if seconds >= 2 * 86_400 and not seconds % 86_400:
            return format_unit(seconds // 86_400, "duration-day", "short", locale=self.language)
        return format_unit(seconds // 3_600, "duration-hour", "short", locale=self.language)

    def _when(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(zone(self.zone_name))

    def time(self, at_ms: int) -> str:
        """14:03:07."""
        return format(self._when(at_ms), "%H:%M:%S")

    def date_time(self, at_ms: int) -> str:
        """Date and time with the zone."""
        when = self._when(at_ms)
        return f"{format_datetime(when, 'd MMM y, HH:mm:ss', locale=self.language)} {self.zone_label(at_ms)}"

    def minute(self, at_ms: int) -> str:
        """Date, hour and minute with the zone, for what is to come."""
        return f"{format_day(self._when(at_ms), self.language)} {self.zone_label(at_ms)}"

    def zone_label(self, at_ms: int) -> str:
        """The zone, short: UTC, UTC+3, UTC+5:30."""
        offset = self._when(at_ms).utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        return "UTC" + (f"{'+' if minutes > 0 else '−'}{hours}" if minutes else "") + (f":{rest:02d}" if rest else "")

    def iso(self, at_ms: int) -> str:
        """For machines: ISO 8601 in UTC."""
        return datetime.fromtimestamp(at_ms / 1_000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def phone(self, text: str) -> str:
        """A telephone number in groups."""
        return phone(text)
