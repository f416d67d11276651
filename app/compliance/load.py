"""Profiles' files, checked as a whole: each error names file, line, what is wrong and what would be right.

How a profile is written is told in docs/compliance.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.compliance.rules import (
    Basis,
    Calendar,
    CallKind,
    Consent,
    ConsentRule,
    CooldownRule,
    Duty,
    FrequencyRule,
    Hours,
    Key,
    Mark,
    Profile,
    Rolling,
    Rule,
    WindowRule,
)
from app.plain_yaml import FileError, Path, Text, read_text
from app.units import DAY_MS, HOUR_MS

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_PERIOD: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _minute(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time of day; write hours and minutes, such as 08:00 (24:00 ends a day)")
    return text


def _date(text: str) -> str:
    if text:
        try:
            dt.date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no date; write year-month-day, such as 2026-08-11") from None
    return text


def _rolling(text: str) -> str:
    if not _PERIOD.fullmatch(text):
        raise ValueError(f"{text!r} is no period; write hours or days, such as 24h or 7d")
    return text


def _period(text: str) -> str:
    if text in {one.value for one in Calendar}:
        return text
    if not _PERIOD.fullmatch(text):
        raise ValueError(f"{text!r} is no period; write 24h, 7d, calendar day, calendar week or calendar month")
    return text


def _days(text: str) -> str:
    weekdays_of(text)
    return text


Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Keys = Annotated[frozenset[Key], Field(min_length=1)]
Kinds = Annotated[frozenset[CallKind], Field(min_length=1)]


Shape = TypeVar("Shape", bound=BaseModel)


class _Piece(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Based(_Piece):
    id: Identifier
    source: Words
    date: Annotated[str, AfterValidator(_date)] = ""
    unverified: str = ""

    def basis(self) -> Basis:
        return Basis(source=self.source, date=self.date, unverified=self.unverified)


class _Row(_Piece):
    days: Annotated[str, AfterValidator(_days)]
    from_: Annotated[str, AfterValidator(_minute)] = Field(alias="from")
    to: Annotated[str, AfterValidator(_minute)]
    except_: Literal["holidays"] | None = Field(default=None, alias="except")

    def hours(self) -> Hours:
        weekdays, on_holidays = weekdays_of(self.days)
        return Hours(
            weekdays=weekdays,
            from_minute=_minutes(self.from_),
            to_minute=_minutes(self.to),
            on_holidays=on_holidays,
            except_holidays=self.except_ is not None,
        )


class _Window(_Based):
    kind: Literal["window"]
    hours: Annotated[tuple[_Row, ...], Field(min_length=1)]

    def rule(self) -> Rule:
        return WindowRule(id=self.id, basis=self.basis(), hours=tuple(row.hours() for row in self.hours))


class _Frequency(_Based):
    kind: Literal["frequency"]
    most: Annotated[int, Field(ge=0, le=10_000)]
    period: Annotated[str, AfterValidator(_period)]
    same: Keys
    of: Kinds = frozenset(CallKind)

    def rule(self) -> Rule:
        period = rolling(self.period) if _PERIOD.fullmatch(self.period) else Calendar(self.period)
        return FrequencyRule(
            id=self.id, basis=self.basis(), most=self.most, period=period, keys=self.same, kinds=self.of
        )


class _Cooldown(_Based):
    kind: Literal["cooldown"]
    after: Mark
    period: Annotated[str, AfterValidator(_rolling)]
    same: Keys
    unless: Literal["agent guaranteed"] | None = None

    def rule(self) -> Rule:
        return CooldownRule(
            id=self.id,
            basis=self.basis(),
            after=self.after,
            period=rolling(self.period),
            keys=self.same,
            unless_agent=self.unless is not None,
        )


class _Consent(_Based):
    kind: Literal["consent"]
    needs: Literal["prior", "prior express written", "nothing helps"]
    of: Kinds
    only: Annotated[frozenset[Literal["autodialed", "mobile"]], Field(min_length=1)] | None = None
    from_: Annotated[str, AfterValidator(_date)] = Field(default="", alias="from")

    def rule(self) -> Rule:
        only = self.only or frozenset()
        forbidden = self.needs == "nothing helps"
        return ConsentRule(
            id=self.id,
            basis=self.basis(),
            needs=None if forbidden else Consent[self.needs.upper().replace(" ", "_")],
            kinds=self.of,
            only_autodialed="autodialed" in only,
            only_mobile="mobile" in only,
            from_date=self.from_,
        )


class _Duty(_Based):
    says: Words
    terms: dict[str, str] = {}

    def duty(self) -> Duty:
        return Duty(id=self.id, basis=self.basis(), says=self.says, terms=self.terms)


class _Head(_Piece):
    title: Words
    note: str = ""
    inherits: str = ""
    rules: list[Any] = []
    duties: list[Any] = []


_KINDS: Final[Mapping[str, type[_Window | _Frequency | _Cooldown | _Consent]]] = {
    "window": _Window,
    "frequency": _Frequency,
    "cooldown": _Cooldown,
    "consent": _Consent,
}


def weekdays_of(text: str) -> tuple[frozenset[int], bool]:
    """Days as written: `mon-fri`, `sat, sun, holidays` → weekdays (1 Monday … 7 Sunday), and whether holidays too.

    Raises ValueError.
    """
    weekdays: set[int] = set()
    on_holidays = False
    for part in (piece.strip() for piece in text.split(",")):
        first, dash, last = part.partition("-")
        if part == "holidays":
            on_holidays = True
        elif first in _DAYS and (last in _DAYS if dash else True) and _DAYS.index(first) <= _DAYS.index(last or first):
            weekdays |= set(range(_DAYS.index(first) + 1, _DAYS.index(last or first) + 2))
        else:
            raise ValueError(f"{part!r} are no days; write mon-fri, sat-sun, sun or holidays, with commas between")
    return frozenset(weekdays), on_holidays


def rolling(text: str) -> Rolling:
    """`24h` → a rolling period. Raises ValueError."""
    found = _PERIOD.fullmatch(_rolling(text))
    assert found is not None
    return Rolling(length_ms=int(found[1]) * (HOUR_MS if found[2] == "h" else DAY_MS), text=text)


def load_profiles(files: Mapping[str, str]) -> dict[str, Profile]:
    """Profiles by name, from the content of their files by name; a profile may inherit from another of them.

    Raises FileError.
    """
    texts = {name: _text(name, content) for name, content in files.items()}
    heads = {name: _head(name, text) for name, text in texts.items()}
    return {name: _profile(name, texts, heads) for name in files}


def _text(name: str, content: str) -> Text:
    return read_text(content, f"{name}.yaml", what="profile", begins="`title: …` and `rules: …`")


def _profile(name: str, texts: Mapping[str, Text], heads: Mapping[str, _Head]) -> Profile:
    lineage = _lineage(name, texts, heads)
    owned = [(one, rule) for one in lineage for rule in _rules(texts[one], heads[one])]
    return Profile(
        name=name,
        title=heads[name].title,
        note=heads[name].note,
        inherits=heads[name].inherits,
        owned=tuple(owned),
        duties=tuple(duty for one in lineage for duty in _duties(texts[one], heads[one])),
    )


def _lineage(name: str, texts: Mapping[str, Text], heads: Mapping[str, _Head]) -> list[str]:
    """The profile and those it inherits from, the eldest first."""
    found = [name]
    while parent := heads[found[0]].inherits:
        text = texts[found[0]]
        if parent not in heads:
            raise text.error(("inherits",), f"there is no profile {parent!r}", f"there are {', '.join(sorted(heads))}")
        if parent in found:
            raise text.error(("inherits",), f"{parent} inherits from itself", "take `inherits` out of one of them")
        found.insert(0, parent)
    return found


def _head(name: str, text: Text) -> _Head:
    if not _NAME.fullmatch(name):
        raise text.error((), f"{name[:40]!r} is no name for a profile", "use a-z, 0-9 and _, such as us_fl")
    head = _read(_Head, text.value, (), text)
    if not (head.rules or head.duties or head.inherits):
        raise text.error((), "the profile asks for nothing", "give it `rules:` or `duties:`")
    return head


def _rules(text: Text, head: _Head) -> list[Rule]:
    found: list[Rule] = []
    for at, raw in enumerate(head.rules):
        path: Path = ("rules", at)
        kind = raw.get("kind", "") if isinstance(raw, dict) else ""
        if kind not in _KINDS:
            raise text.error((*path, "kind"), f"a rule of kind {kind!r}", f"there are {', '.join(_KINDS)}")
        rule = _read(_KINDS[kind], raw, path, text).rule()
        if any(rule.id == other.id for other in found):
            raise text.error((*path, "id"), f"two rules are called {rule.id!r}", "rename one")
        if isinstance(rule, WindowRule):
            _check_hours(rule, path, text)
        if isinstance(rule, FrequencyRule | CooldownRule) and not rule.keys & {Key.PERSON, Key.NUMBER}:
            raise text.error((*path, "same"), "all the world would be counted as one", "add person or number to `same`")
        found.append(rule)
    return found


def _check_hours(rule: WindowRule, path: Path, text: Text) -> None:
    for at, row in enumerate(rule.hours):
        if row.from_minute >= row.to_minute:
            raise text.error(
                (*path, "hours", at),
                "the hours end before they begin",
                "hours past midnight are two rows: to 24:00, and from 00:00",
            )
        if row.on_holidays and row.except_holidays:
            raise text.error((*path, "hours", at), "holidays are both in and out", "take one of them away")


def _duties(text: Text, head: _Head) -> list[Duty]:
    return [_read(_Duty, raw, ("duties", at), text).duty() for at, raw in enumerate(head.duties)]


def _read(shape: type[Shape], raw: Any, path: Path, text: Text) -> Shape:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        raise _problem(error, path, text) from None


def _problem(error: ValidationError, path: Path, text: Text) -> FileError:
    """The first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    place = (*path, *first["loc"])
    named = ".".join(str(part) for part in first["loc"]) or "it"
    match first["type"]:
        case "missing":
            return text.error(path + first["loc"][:-1], f"`{named}` is missing", "add it")
        case "extra_forbidden":
            return text.error(place, f"`{named}` is not known here", "check its spelling, or take it out")
        case "value_error":
            reason, _, mend = first["msg"].removeprefix("Value error, ").partition("; ")
            return text.error(place, f"`{named}`: {reason}", mend)
        case _:
            return text.error(
                place, f"`{named}`: {first['msg'][:1].lower()}{first['msg'][1:]}", "see the other profiles"
            )


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
