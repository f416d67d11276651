"""Numbers, money, dates, times and digits as words, with English and Russian grammar; others as far as they go.

Russian: numbers take the gender of what they count (одна минута, два рубля) and things take the number's case
(1 рубль, 2 рубля, 5 рублей; Unicode CLDR plural rules for ru). The grammar of num2words is mended where it gives a
whole number the gender of its last part (`одна миллион одна`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final, Protocol

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from num2words import num2words

MAX_NUMBER: Final = 10**15
_DECIMALS: Final = 6

EXAMPLES: Final[dict[str, str]] = {
    "number": "write a number such as 1250 or 3.5",
    "money": "write an amount such as 1250.50",
    "date": "write a date such as 2026-11-22 or 22.11.2026",
    "time": "write a time such as 14:30 or 2:30 pm",
    "digits": "write digits such as 4071",
}
"""What would have been right, by kind."""


class Saying(Protocol):
    """How a value is to be said: what a `say` node knows."""

    @property
    def kind(self) -> str: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def date_order(self) -> str: ...
    @property
    def year(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Noun:
    """A thing that is counted: English one and many; Russian one, few, many and its gender."""

    one: str
    many: str
    ru: tuple[str, str, str]
    gender: str = "m"


@dataclass(frozen=True, slots=True)
class _Currency:
    whole: _Noun
    part: _Noun


_CENT: Final = _Noun("cent", "cents", ("цент", "цента", "центов"))
_KOPEK: Final = _Noun("kopek", "kopeks", ("копейка", "копейки", "копеек"), "f")
_TIYN: Final = _Noun("tiyn", "tiyn", ("тиын", "тиына", "тиынов"))
CURRENCIES: Final[dict[str, _Currency]] = {
    "RUB": _Currency(_Noun("rouble", "roubles", ("рубль", "рубля", "рублей")), _KOPEK),
    "USD": _Currency(_Noun("dollar", "dollars", ("доллар", "доллара", "долларов")), _CENT),
    "EUR": _Currency(_Noun("euro", "euros", ("евро", "евро", "евро")), _CENT),
    "GBP": _Currency(
        _Noun("pound", "pounds", ("фунт", "фунта", "фунтов")), _Noun("penny", "pence", ("пенс", "пенса", "пенсов"))
    ),
    "UAH": _Currency(_Noun("hryvnia", "hryvnias", ("гривна", "гривны", "гривен"), "f"), _KOPEK),
    "BYN": _Currency(
        _Noun(
            "Belarusian rouble", "Belarusian roubles", ("белорусский рубль", "белорусских рубля", "белорусских рублей")
        ),
        _KOPEK,
    ),
    "KZT": _Currency(_Noun("tenge", "tenge", ("тенге", "тенге", "тенге")), _TIYN),
    "CAD": _Currency(
        _Noun("Canadian dollar", "Canadian dollars", ("канадский доллар", "канадских доллара", "канадских долларов")),
        _CENT,
    ),
    "AUD": _Currency(
        _Noun(
            "Australian dollar",
            "Australian dollars",
            ("австралийский доллар", "австралийских доллара", "австралийских долларов"),
        ),
        _CENT,
    ),
    "CHF": _Currency(
        _Noun("Swiss franc", "Swiss francs", ("швейцарский франк", "швейцарских франка", "швейцарских франков")),
        _Noun("centime", "centimes", ("сантим", "сантима", "сантимов")),
    ),
}
"""Currencies by their ISO 4217 code."""
_HOUR: Final = _Noun("hour", "hours", ("час", "часа", "часов"))
_MINUTE: Final = _Noun("minute", "minutes", ("минута", "минуты", "минут"), "f")
_RU_MONTHS: Final = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_EN_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def value_in_words(saying: Saying, value: str, language: str) -> str | None:
    """The value as words of `language`; None when it is not of the saying's kind."""
    value = value.strip()
    match saying.kind:
        case "number":
            found = read_number(value, language)
            return None if found is None else number_in_words(found, language)
        case "money":
            amount = read_number(value, "en" if _base(language) == "en" else language, is_money=True)
            return None if amount is None or saying.currency is None else money(amount, saying.currency, language)
        case "date":
            day = read_date(value, saying.date_order)
            return None if day is None else date_in_words(day, language, with_year=saying.year)
        case "time":
            time = read_time(value)
            return None if time is None else time_in_words(time, language)
        case "digits":
            return digits_in_words(value, language)
        case other:
            raise AssertionError(f"unknown kind {other}")


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


# --- reading ---------------------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,]*")
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "₽": "", "$": "", "€": "", "£": "", "'": "", "’": "", "_": ""})


def read_number(text: str, language: str, *, is_money: bool = False) -> Decimal | None:
    """A number as people write it: `1250`, `1,250.50`, `1 250,50`, `1.250,50`, `£25`. None when it is none.

    Of two kinds of separators the last is the decimal one; one kind that comes twice is thousands. A single comma is
    thousands before exactly three digits where the language writes so (en), and in money; otherwise it is decimal.
    """
    bare = "".join(text.translate(_SIGNS).split())
    if not _NUMBER.fullmatch(bare) or len(bare) > 40:
        return None
    commas, dots = bare.count(","), bare.count(".")
    if commas and dots:
        decimal = max(",", ".", key=bare.rfind)
        if bare.count(decimal) > 1:
            return None
        thousands = "." if decimal == "," else ","
        bare = bare.replace(thousands, "").replace(decimal, ".")
    elif commas > 1 or dots > 1:
        bare = bare.replace(",", "").replace(".", "")
    elif commas == 1:
        is_thousands = len(bare.partition(",")[2]) == 3 and (is_money or _base(language) == "en")
        bare = bare.replace(",", "" if is_thousands else ".")
    try:
        number = Decimal(bare)
    except InvalidOperation:
        return None
    return number if abs(number) < MAX_NUMBER else None


_ISO_DATE: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?")
_OTHER_DATE: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})(?:[T ].*)?")
_TIME: Final = re.compile(
    r"(?:.*[T ])?([0-9]{1,2})[:.]([0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?(?:\s*([ap])\.?m\.?)?(?:Z|[+-][0-9:]+)?", re.I
)


def read_date(text: str, order: str = "dmy") -> dt.date | None:
    """A date: `2026-11-22`, `22.11.2026`, `22/11/26`, with or without a time behind it; `order` for the short forms."""
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _OTHER_DATE.fullmatch(text):
        first, second, year = (int(part) for part in found.groups())
        day, month = (first, second) if order == "dmy" else (second, first)
        year += 2_000 if year < 100 else 0
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def read_time(text: str) -> dt.time | None:
    """A time of day: `14:30`, `14:30:00`, `2:30 pm`, with or without a date before it."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, half = int(found.group(1)), int(found.group(2)), (found.group(3) or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return dt.time(hour, minute) if hour < 24 and minute < 60 else None


# --- saying ----------------------------------------------------------------------------------------------------------


def _plain(number: int | Decimal, language: str) -> str:
    """A number by num2words, or in figures (the voice reads them) where it does not know the language."""
    try:
        return str(num2words(number, lang=language.replace("-", "_")))
    except (NotImplementedError, OverflowError, TypeError, ValueError):
        return str(number)


def _ru_whole(number: int, gender: str) -> str:
    """A whole number; only what is below a thousand takes the gender."""
    high, low = divmod(abs(number), 1_000)
    parts = [str(num2words(high * 1_000, lang="ru"))] if high else []
    if low or not high:
        parts.append(str(num2words(low, lang="ru", gender=gender)))
    return ("минус " if number < 0 else "") + " ".join(parts)


def ru_form(number: int, forms: tuple[str, str, str]) -> str:
    """Which form a thing takes after a number: 1, 21 рубль; 2–4, 22 рубля; 0, 5–20 рублей."""
    number = abs(number)
    if number % 10 == 1 and number % 100 != 11:
        return forms[0]
    if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14:
        return forms[1]
    return forms[2]


def _counted(number: int, noun: _Noun, language: str) -> str:
    if _base(language) == "ru":
        return f"{_ru_whole(number, noun.gender)} {ru_form(number, noun.ru)}"
    return f"{_plain(number, language)} {noun.one if abs(number) == 1 else noun.many}"


def number_in_words(number: Decimal, language: str) -> str:
    """`three point five`, `три целых пять десятых`; at most six decimals, trailing zeros dropped."""
    number = number.quantize(Decimal(1).scaleb(-_DECIMALS), rounding=ROUND_HALF_UP)
    if number == number.to_integral_value():
        whole = int(number)
        return _ru_whole(whole, "m") if _base(language) == "ru" else _plain(whole, language)
    return _plain(number.normalize(), language)


def money(amount: Decimal, currency: str, language: str) -> str:
    """`twenty-five pounds and fifty pence`, `двадцать один рубль пять копеек`; rounded half up to the part."""
    amount = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    whole, part = divmod(int(abs(amount) * 100), 100)
    nouns = CURRENCIES[currency]
    if _base(language) not in ("en", "ru"):
        return f"{_plain(amount.normalize() if part else int(amount), language)} {currency}"
    said = [_counted(whole, nouns.whole, language)] if whole or not part else []
    if part:
        said.append(_counted(part, nouns.part, language))
    minus = "" if amount >= 0 else ("минус " if _base(language) == "ru" else "minus ")
    return minus + (" and " if _base(language) == "en" else " ").join(said)


def date_in_words(day: dt.date, language: str, *, with_year: bool = False) -> str:
    """`the twenty-second of November`, `двадцать второе ноября две тысячи двадцать шестого года`."""
    match _base(language):
        case "ru":
            ordinal = num2words(day.day, lang="ru", to="ordinal", gender="n")
            said = f"{ordinal} {_RU_MONTHS[day.month - 1]}"
            return f"{said} {num2words(day.year, lang='ru', to='ordinal', case='g')} года" if with_year else said
        case "en":
            said = f"the {num2words(day.day, lang='en', to='ordinal')} of {_EN_MONTHS[day.month - 1]}"
            return f"{said}, {num2words(day.year, lang='en', to='year')}" if with_year else said
        case _:
            return format_skeleton("yMMMMd" if with_year else "MMMMd", day, locale=_locale(language))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def time_in_words(time: dt.time, language: str) -> str:
    """`two thirty p m`, `четырнадцать часов тридцать минут`; for other languages figures, which the voice reads."""
    match _base(language):
        case "ru":
            minutes = f" {_counted(time.minute, _MINUTE, 'ru')}" if time.minute else " ровно"
            return _counted(time.hour, _HOUR, "ru") + minutes
        case "en":
            return _english_time(time)
        case _:
            return format_time(time, "short", locale=_locale(language))


def _english_time(time: dt.time) -> str:
    if time.minute == 0 and time.hour in (0, 12):
        return "noon" if time.hour else "midnight"
    hour = num2words(time.hour % 12 or 12, lang="en")
    minute = ""
    if time.minute:
        minute = ("oh " if time.minute < 10 else "") + num2words(time.minute, lang="en") + " "
    return f"{hour} {minute}{'p m' if time.hour >= 12 else 'a m'}"


def digits_in_words(value: str, language: str) -> str | None:
    """One digit after the other with a breath between: `four, zero, seven`. Spaces, dashes, `+` fall away."""
    bare = re.sub(r"[\s()+.-]", "", value)
    if not re.fullmatch(r"[0-9]{1,40}", bare):
        return None
    say: Callable[[str], str] = lambda digit: _plain(int(digit), language)  # noqa: E731
    return ", ".join(say(digit) for digit in bare)
