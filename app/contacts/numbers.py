"""People's ways of writing telephone numbers, read into E.164. Nothing is guessed: what is doubtful is refused.

Read: spaces, dashes, dots and brackets, `tel:`, digits of any script, a 00 before the country, national prefixes (the
Russian 8, the British 0), what Excel does to a number where it is certain what stood there (`79161234567.0`).
Refused, each with why and mend: letters, anything that means something to a telephone network (`@ & / ; * #`), line
breaks, two numbers in one cell, lost digits (`7.916E+10`), and extensions: a dialer that drops the extension calls
a stranger at the switchboard.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

from app.contacts.plans import Plan, is_subscriber, main_regions, plan_of, read_plainly, reads_as_itself
from app.contacts.problems import shown
from app.units import Number, number

_SEPARATORS: Final = str.maketrans("", "", " -()[]\u00a0")
_DOTS_TOO: Final = str.maketrans("", "", " -()[]\u00a0.")
_LONGEST_WRITTEN: Final = 20  # 15 digits of E.164 and the longest prefix for calling abroad
_EXPONENT: Final = re.compile(r"([0-9])[.,]([0-9]+)[eE]\+?([0-9]{1,2})")
_EXTENSION: Final = re.compile(
    r"[0-9)\s.,;-](?:extension|extn?|ext|x|доб|добав\w*|вн|внутр\w*|int|anexo|poste|durchwahl)\s*[.:=]?\s*[0-9]{1,8}\s*$"
    r"|[0-9]\s*#\s*[0-9]{1,8}\s*$",
    re.IGNORECASE,
)
_NAMED_SIGNS: Final = {
    ",": "a comma",
    ";": "a semicolon",
    "/": "a slash",
    "\\": "a backslash",
    "@": "an at sign",
    "&": "an ampersand",
    "*": "a star",
    "#": "a hash",
    "+": "a plus that is not at the beginning",
}
_ALIASES: Final = {"UK": "GB", "EL": "GR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberProblem:
    """Why a text is not taken for a number, and what to do about it. `found` is the text, cut to 40 characters."""

    found: str
    why: str
    mend: str


def country(text: str) -> str:
    """An ISO 3166 country in capitals: "gb" → "GB". Raises ValueError naming the mend for any other text."""
    asked = text.strip().upper()
    if asked in phonenumbers.SUPPORTED_REGIONS:
        return asked
    wanted = _ALIASES.get(asked)
    hint = f"did you mean {wanted}?" if wanted else "give two letters of ISO 3166, such as GB, US or RU"
    raise ValueError(f"not a country: {text[:24]!r}; {hint}")


def normalise(text: str, country_code: str) -> Number | NumberProblem:
    """Read one written number in E.164; see NumberReader for many. Raises ValueError for an unknown country."""
    return reader_for(country(country_code)).read(text)


@lru_cache(maxsize=64)
def reader_for(region: str) -> NumberReader:
    """The reader of a country, kept."""
    return NumberReader(region)


class NumberReader:
    """Reads numbers written by people in one country, about a microsecond each for the common ways of writing."""

    __slots__ = ("_home", "region")

    def __init__(self, region: str) -> None:
        self.region: Final = country(region)
        self._home: Final[Plan] = plan_of(self.region)

    def read(self, text: str) -> Number | NumberProblem:
        """The number in `text`, or why there is none in it."""
        plainly = read_plainly(text.translate(_SEPARATORS), self._home)
        if plainly is None and text.count(".") > 1 and text[-2:] != ".0":  # one dot may be a decimal point
            plainly = read_plainly(text.translate(_DOTS_TOO), self._home)
        return plainly or self._read_carefully(text)

    def _read_carefully(self, text: str) -> Number | NumberProblem:
        try:
            return self._parsed(_digits_of(text))
        except _Refused as refused:
            return NumberProblem(found=shown(text), why=refused.why, mend=refused.mend)

    def _parsed(self, clean: str) -> Number:
        """Digits, perhaps after a plus, as a number."""
        if clean.startswith("00") and not self._is_possible_at_home(clean):
            clean = "+" + clean[2:]
        try:
            parsed = phonenumbers.parse(clean, self.region)
        except NumberParseException as error:
            raise self._not_parsed(error, clean) from error
        if not is_subscriber(parsed):
            raise self._wrong_length(parsed, clean)
        if not reads_as_itself(parsed):
            raise _Refused("its beginning can be read in two ways", "write +, the country code, and then no 0 or 8")
        return number(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))

    def _is_possible_at_home(self, clean: str) -> bool:
        """Whether a 00 at the beginning is something of the country's own, as in Japan's 0077."""
        try:
            return is_subscriber(phonenumbers.parse(clean, self.region))
        except NumberParseException:
            return False

    def _not_parsed(self, error: NumberParseException, clean: str) -> _Refused:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            return _Refused(
                f"no country has the calling code at the beginning of {clean[:8]}…", "check the first digits"
            )
        return self._length_problem(len(clean.lstrip("+")), self.region)

    def _wrong_length(self, parsed: phonenumbers.PhoneNumber, clean: str) -> _Refused:
        national = phonenumbers.national_significant_number(parsed)
        region = main_regions().get(str(parsed.country_code), self.region)
        if len(national) in plan_of(region).possible and len(national) < 7:
            return _Refused(
                f"{len(national)} digits are a service or a local number in {region}, not a subscriber's",
                "write it in full, with its country code: +44 7700 900123",
            )
        return self._length_problem(len(national), region, is_international=clean.startswith("+"))

    def _length_problem(self, digits: int, region: str, *, is_international: bool = False) -> _Refused:
        plan = plan_of(region)
        lengths = sorted(plan.subscriber or plan.possible)
        wanted = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        after = f" after +{plan.calling_code}" if is_international else ""
        return _Refused(
            f"expected {wanted} digits{after} for a number in {region}, found {digits}",
            "write the whole number with its country code: +44 7700 900123",
        )


class _Refused(Exception):
    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.why = why
        self.mend = mend


def _digits_of(text: str) -> str:
    """The digits in what a person wrote, with the plus before them if there is one. Raises _Refused."""
    _refuse_control_characters(text)
    written = _in_ascii(text).strip().lstrip("'").strip()
    if written[:4].lower() == "tel:":
        written = written[4:].strip()
    if not written:
        raise _Refused("the cell is empty", "fill in a number, or leave the row out")
    written = _without_excel(written)
    if _EXTENSION.search(written):
        raise _Refused(
            "it has an extension, which would not be dialed and reach someone else",
            "give the person's direct number, or the main number alone if it is the one to call",
        )
    clean = re.sub(r"[\s().\[\]-]", "", written)
    _refuse_signs(clean)
    digits = len(clean.lstrip("+"))
    if digits > _LONGEST_WRITTEN:
        raise _Refused(f"it has {digits} digits; no number has more than 15", "check for two numbers in one cell")
    return clean


def _refuse_control_characters(text: str) -> None:
    if any(sign in text for sign in "\r\n\v\f\x85\u2028\u2029"):
        raise _Refused("it has a line break in it", "write one number on one line")
    if any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in text):
        raise _Refused("it has a control character in it", "type the number again")


def _in_ascii(text: str) -> str:
    """Digits, dashes, spaces and brackets of any script as ASCII; invisible marks dropped."""
    if text.isascii():
        return text
    return "".join(map(_ascii_sign, text))


def _ascii_sign(sign: str) -> str:
    if sign.isascii():
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign in "\u2212\u30fc" or unicodedata.category(sign) == "Pd":  # minus, the Japanese long dash, any hyphen
        return "-"
    match unicodedata.category(sign):
        case "Zs":
            return " "
        case "Cf":
            return ""
    plain = unicodedata.normalize("NFKC", sign)  # full-width plus, brackets, dots
    return plain if plain.isascii() else sign


def _without_excel(written: str) -> str:
    """What stood in the cell before Excel took it for a quantity, where that is certain."""
    whole, _, fraction = written.rpartition(".")
    if fraction and not fraction.strip("0") and len(fraction) <= 2 and whole.isdigit() and len(whole) > 6:
        return whole
    found = _EXPONENT.fullmatch(written)
    if found is None:
        return written
    first, decimals, exponent = found.groups()
    if len(decimals) != int(exponent):
        raise _Refused(
            f"a spreadsheet has written it as {written} and dropped its last digits",
            "format the column as text (or as a number without decimals) before saving, and export again",
        )
    return first + decimals


def _refuse_signs(clean: str) -> None:
    if not any(sign in "0123456789" for sign in clean):
        raise _Refused("there is no digit in it", "fill in a number, or leave the row out")
    strange = [sign for at, sign in enumerate(clean) if not (sign in "0123456789" or (sign == "+" and at == 0))]
    for sign in strange:
        if not sign.isalpha():
            two = sign in ",;/"
            mend = "one number a cell; a second one goes into a column phone2" if two else "leave only the number"
            raise _Refused(f"it has {_NAMED_SIGNS.get(sign, f'the character {sign!r}')} in it", mend)
    if strange:
        raise _Refused(f"it has letters in it: {''.join(strange)[:12]!r}", "write the number in digits")
