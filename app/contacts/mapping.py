"""Which column of a sheet is what: guessed from its header and a sample, or told. The rest become the card's fields.

A guess has a confidence from 0 to 1: the header names it exactly (0.95), has the word in it (0.75), or only the
contents look like it (0.6). A column that a person names is taken without a doubt (1.0). `id` is not taken for the
key on its own: in many sheets it is the number of the row, and a list exported anew would double its contacts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.contacts.numbers import NumberProblem, NumberReader
from app.contacts.problems import SheetProblem

PHONES: Final = 5
EXACT, CONTAINED, BY_CONTENT, TOLD = 0.95, 0.75, 0.6, 1.0

_WORDS: Final = """
phone: phone, phone number, telephone, telephone number, tel, tel no, tel number, mobile, mobile phone, mobile number,
  cell, cell phone, cellphone, cell number, msisdn, gsm, number, contact number, home phone, work phone, business phone,
  handy, telefon, telefonnummer, telefono, teléfono, téléphone, móvil, celular, whatsapp,
  телефон, номер телефона, номер, тел, моб, моб тел, тел моб, мобильный, мобильный телефон, телефон мобильный, сот,
  сотовый, сотовый телефон, контактный телефон, рабочий телефон, домашний телефон
name: name, full name, fullname, contact, contact name, customer, customer name, client, client name, person, fio,
  фио, ф и о, фамилия имя отчество, фамилия имя, имя фамилия, имя и фамилия, клиент, контакт, абонент, получатель
first_name: first name, firstname, given name, forename, first, имя
middle_name: middle name, middlename, patronymic, отчество
last_name: last name, lastname, surname, family name, last, фамилия
email: email, e mail, mail, email address, почта, эл почта, электронная почта
language: language, lang, locale, язык
time_zone: time zone, timezone, tz, часовой пояс, таймзона, временная зона
region: region, state, state code, us state, province, state province, регион, штат, область, провинция
priority: priority, prio, importance, приоритет, важность
owner: owner, contact owner, assigned to, assigned agent, account manager, ответственный, закреплен за, закреплён за
consent: consent, call consent, consent to call, opt in, optin, согласие, согласие на звонок, согласие на звонки
channels: channels, channel, contact channels, каналы, канал, каналы связи
key: key, external id, contact key, ключ, внешний id
"""


def _words(text: str) -> dict[str, frozenset[str]]:
    """Role → header names, from lines "role: name, name"; one that begins with a space goes on with it."""
    lines = re.sub(r"\n ", " ", text).strip().splitlines()
    roles = (line.partition(":") for line in lines)
    return {role: frozenset(name.strip() for name in names.split(",")) for role, _, names in roles}


NAMES: Final[Mapping[str, frozenset[str]]] = _words(_WORDS)
_PHONE_WORDS: Final = re.compile(
    r"\b(phone|telephone|tel|mobile|cell|msisdn|телефон|тел|моб|мобильный|сотовый|telefon|telefono|téléphone)\b"
)
_NOT_PHONES: Final = re.compile(
    r"\b(fax|факс|type|тип|owner|date|дата|verified|status|статус|model|ext|extension|name|имя|id|email|country|code"
    r"|код|страна|operator|оператор|zone|comment|комментарий|consent)\b"
)
KIND_ROLES: Final = tuple(f"kind{at}" for at in range(1, PHONES + 1))
"""Columns that say what a phone is: mobile, home, work."""
ROLES: Final = (
    *(f"phone{at}" for at in range(1, PHONES + 1)),
    *(role for role in NAMES if role != "phone"),
    *KIND_ROLES,
)
_KIND_HEADER: Final = re.compile(r"(?:phone|telephone|tel|телефон|тел)\W*(\d?) (?:type|kind|тип|вид)\W*(\d?)")
_KIND_HEADER_RU: Final = re.compile(r"(?:тип|вид|type of|kind of) (?:phone|телефона|тел)\W*(\d?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What each role's column is, by name; empty where there is none. confidence: by role.

    phones: in the order they are tried; kinds: the columns that say what each is, in their places. key: makes a contact
    the same one again; where empty, the first phone does.
    """

    phones: tuple[str, ...]
    name: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    email: str = ""
    language: str = ""
    time_zone: str = ""
    region: str = ""
    priority: str = ""
    owner: str = ""
    consent: str = ""
    channels: str = ""
    key: str = ""
    kinds: tuple[str, ...] = ("",) * PHONES
    confidence: Mapping[str, float]

    def as_roles(self) -> dict[str, str]:
        """Role → column, the way a mapping is told and kept: {"phone1": "Tel", "name": "Client"}."""
        phones = {f"phone{at}": column for at, column in enumerate(self.phones, 1)}
        others = {role: str(getattr(self, role)) for role in NAMES if role != "phone"}
        others |= dict(zip(KIND_ROLES, self.kinds, strict=True))
        return phones | {role: column for role, column in others.items() if column}


def is_header(first: Sequence[str], reader: NumberReader) -> bool:
    """Whether the first row names the columns: a word for a column is in it, or at least no number one could call."""
    if any(_plain(cell) in names for cell in first for names in NAMES.values()):
        return True
    return not any(_is_number(cell, reader) for cell in first)


def column_names(header: Sequence[str], width: int) -> tuple[str, ...]:
    """Names for all columns, each different: `column 3` for one without, `phone (2)` for the second `phone`."""
    taken: dict[str, None] = {}
    for at in range(max(width, len(header))):
        written = " ".join(header[at].split())[:100] if at < len(header) else ""
        name = written or f"column {at + 1}"
        count = 1
        unique = name
        while unique in taken:
            count += 1
            unique = f"{name} ({count})"
        taken[unique] = None
    return tuple(taken)


def guess(
    columns: Sequence[str],
    sample: Sequence[Sequence[str]],
    reader: NumberReader,
    *,
    told: Mapping[str, str] | None = None,
    file: str = "the list",
) -> ColumnMapping:
    """Map columns to roles.

    sample: some rows. told: role → column name, over all guesses; an empty column name says there is none.
    Raises SheetProblem for a role or column that does not exist, and where no column could be a phone.
    """
    asked = _checked(told or {}, columns, file)
    used = {column for column in asked.values() if column}
    free = [(at, column) for at, column in enumerate(columns) if column not in used]
    found: dict[str, str] = {}
    confidence: dict[str, float] = {}
    for role, names in NAMES.items():
        if role == "phone" or role in asked:
            continue
        for at, column in free:
            if column not in found.values() and _plain(column) in names:
                found[role], confidence[role] = column, _weighed(role, EXACT, at, sample, reader)
                break
    found |= {role: column for role, column in asked.items() if column}
    confidence |= {role: TOLD for role, column in asked.items() if column}
    told_phones = [found.pop(f"phone{at}") for at in range(1, PHONES + 1) if f"phone{at}" in found]
    rest = [(at, column) for at, column in free if column not in found.values()]
    phones = told_phones or _phones(rest, sample, reader)
    if not phones:
        raise SheetProblem(
            file=file,
            place="header",
            why=f"no column looks like a phone number among {', '.join(columns[:12])}",
            mend=f"say which one it is, as in phone1={columns[0]}",
        )
    kinds = _kinds(columns, found, asked)
    if not told_phones:
        at_of = {column: at for at, column in enumerate(columns)}
        weights = [_weighed("phone", _named(column), at_of[column], sample, reader) for column in phones]
        confidence |= {f"phone{at}": weight for at, weight in enumerate(weights, 1)}
    return ColumnMapping(phones=tuple(phones), kinds=kinds, confidence=confidence, **found)


def _kinds(columns: Sequence[str], found: dict[str, str], asked: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of kinds, those told before those whose header says so; taken out of `found`."""
    kinds = {role: found.pop(role) for role in KIND_ROLES if role in found}
    taken = {*found.values(), *kinds.values()}
    for column in columns:
        plain = _plain(column)
        match = _KIND_HEADER.fullmatch(plain) or _KIND_HEADER_RU.fullmatch(plain)
        if match is None or column in taken:
            continue
        digit = next((one for one in match.groups() if one), "1")
        if f"kind{digit}" in KIND_ROLES and f"kind{digit}" not in asked:
            kinds.setdefault(f"kind{digit}", column)
    return tuple(kinds.get(role, "") for role in KIND_ROLES)


def _checked(told: Mapping[str, str], columns: Sequence[str], file: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for role, column in told.items():
        known = "phone1" if role == "phone" else role
        if known not in ROLES:
            raise SheetProblem(file=file, why=f"there is no role {role!r}", mend=f"choose of {', '.join(ROLES)}")
        match = next((name for name in columns if name == column), None) or next(
            (name for name in columns if name.casefold() == column.strip().casefold()), None
        )
        if column and match is None:
            raise SheetProblem(
                file=file,
                place="header",
                why=f"there is no column {column!r} for {role}",
                mend=f"choose of {', '.join(columns[:30])}",
            )
        asked[known] = match or ""
    return asked


def _phones(free: Sequence[tuple[int, str]], sample: Sequence[Sequence[str]], reader: NumberReader) -> list[str]:
    """Columns with phones: those whose header says so, in their own order if they are numbered; or by content."""
    named = [(at, column) for at, column in free if _named(column) > 0 and _may_be_phone(column, at, sample, reader)]
    if any(_plain(column) not in {"number", "номер"} for _, column in named):
        named = [(at, column) for at, column in named if _plain(column) not in {"number", "номер"}]
    if named:
        ordered = sorted(named, key=lambda found: (_ordinal(found[1]), found[0]))
        return [column for _, column in ordered][:PHONES]
    like = [(at, column) for at, column in free if _share(at, sample, reader) >= 0.8 and _digits(at, sample) >= 9]
    return [column for _, column in like][:PHONES]


def _may_be_phone(column: str, at: int, sample: Sequence[Sequence[str]], reader: NumberReader) -> bool:
    """A header that is a phone's exactly is believed; one with the word in it must have numbers under it."""
    filled = [row[at] for row in sample if at < len(row) and row[at].strip()]
    if _named(column) == EXACT and _plain(column) not in {"number", "номер"}:
        return True
    return not filled or _share(at, sample, reader) >= 0.5


def _named(column: str) -> float:
    """How surely a header names a phone: 0 for not at all."""
    plain = re.sub(r"\s*\(?\d+\)?$", "", _plain(column))
    if plain in NAMES["phone"]:
        return EXACT
    return CONTAINED if _PHONE_WORDS.search(plain) and not _NOT_PHONES.search(plain) else 0.0


def _ordinal(column: str) -> int:
    found = re.search(r"(\d+)\)?$", column.strip())
    return int(found[1]) if found and int(found[1]) < 100 else 1


def _weighed(role: str, confidence: float, at: int, sample: Sequence[Sequence[str]], reader: NumberReader) -> float:
    """A confidence from a header, less where the contents do not bear it out."""
    if role != "phone":
        return confidence
    filled = any(at < len(row) and row[at].strip() for row in sample)
    share = _share(at, sample, reader)
    return round((confidence or BY_CONTENT) * (0.4 + 0.6 * share if filled else 1.0), 2)


def _share(at: int, sample: Sequence[Sequence[str]], reader: NumberReader) -> float:
    """Which part of a column's cells that are not empty can be read as numbers."""
    cells = [row[at] for row in sample if at < len(row) and row[at].strip()]
    return sum(_is_number(cell, reader) for cell in cells) / len(cells) if cells else 0.0


def _digits(at: int, sample: Sequence[Sequence[str]]) -> float:
    counts = [sum(map(str.isdigit, row[at])) for row in sample if at < len(row) and row[at].strip()]
    return sum(counts) / len(counts) if counts else 0.0


def _is_number(cell: str, reader: NumberReader) -> bool:
    return not isinstance(reader.read(cell), NumberProblem)


def _plain(header: str) -> str:
    """A header for comparison: small letters, one space for any separator."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)  # firstName
    return " ".join(re.sub(r"[\s_.\-/:*\u00a0]+", " ", split).casefold().split())
