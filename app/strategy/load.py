"""Strategies' files, checked as a whole: each error names file, line, what is wrong and what would be right.

How a strategy is written is told in docs/strategies.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.outcomes import OUTCOMES, Outcome, RetryClass
from app.plain_yaml import FileError, Path, Text, read_text
from app.strategy.choose import retriable
from app.strategy.rows import Between, CallStrategy, PhoneMove, Row, Step
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

MAX_WAIT_MS: Final = 90 * DAY_MS
MAX_STEPS: Final = 20
ANYTHING_ELSE: Final = "anything else"
CLOSE: Final = "close"
_TOMORROW: Final = "tomorrow"
_UNITS: Final = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_WAIT: Final = re.compile(r"([1-9][0-9]{0,4})([smhd])")
_BETWEEN: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_OUTCOMES: Final = {rule.label: outcome for outcome, rule in OUTCOMES.items()}


def _wait(text: str) -> str:
    if text not in ("0", _TOMORROW):
        found = _WAIT.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:40]!r} is no length of time; write 30s, 5m, 4h, 2d or tomorrow")
        if int(found[1]) * _UNITS[found[2]] > MAX_WAIT_MS:
            raise ValueError(f"{text!r} is too long; wait for at most {MAX_WAIT_MS // DAY_MS} days")
    return text


def _between(text: str) -> str:
    found = _BETWEEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} are no hours; write them as 18:00-20:00")
    hours = _hours(text)
    if hours.from_minute >= hours.to_minute:
        raise ValueError(f"{text} ends before it begins; write two rows for hours around midnight")
    return text


def _hours(text: str) -> Between:
    begin, _, end = text.partition("-")
    return Between(from_minute=_minute(begin), to_minute=_minute(end))


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


class _Piece(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Step(_Piece):
    wait: Annotated[str, AfterValidator(_wait)] = "0"
    between: Annotated[str, AfterValidator(_between)] | None = None
    phone: Literal["same", "next", "1", "2", "3", "4", "5"] = "same"
    times: Annotated[int, Field(ge=1, le=50)] = 1

    def step(self) -> Step:
        found = _WAIT.fullmatch(self.wait)
        return Step(
            wait_ms=int(found[1]) * _UNITS[found[2]] if found else 0,
            is_tomorrow=self.wait == _TOMORROW,
            between=None if self.between is None else _hours(self.between),
            phone=int(self.phone) if self.phone.isdigit() else PhoneMove(self.phone),
            times=self.times,
        )


class _Limits(_Piece):
    attempts: Annotated[int, Field(ge=1, le=50)] = 6
    per_phone: Annotated[int, Field(ge=1, le=50)] | None = Field(default=None, alias="per phone")
    per_day: Annotated[int, Field(ge=1, le=50)] | None = Field(default=None, alias="per day")


class _File(_Piece):
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    limits: _Limits = _Limits()
    after: Annotated[dict[str, Any], Field(min_length=1)]


def load_strategy(content: str, name: str, version: int = 0) -> CallStrategy:
    """A strategy from the content of its file. Raises FileError for the first thing that is wrong."""
    text = read_text(content, name, what="strategy", begins="`title: …` and `after: …`")
    try:
        found = _File.model_validate(text.value)
    except ValidationError as error:
        raise _told(error, text, ()) from None
    rows = _rows(found.after, text)
    return CallStrategy(
        name=name,
        version=version,
        title=found.title,
        max_attempts=found.limits.attempts,
        per_phone=found.limits.per_phone or 0,
        per_day=found.limits.per_day or 0,
        rows=rows,
    )


def _rows(after: Mapping[str, Any], text: Text) -> tuple[Row, ...]:
    rows: list[Row] = []
    named: dict[Outcome, str] = {}
    for key, value in after.items():
        path: Path = ("after", key)
        if key == ANYTHING_ELSE:
            continue
        outcomes = frozenset(_outcome(word.strip(), text, path) for word in key.split(","))
        for outcome in outcomes:
            if outcome in named:
                raise text.error(path, f"`{outcome.label}` stands in two rows", "keep it in one of them")
            named[outcome] = key
        row = Row(outcomes=outcomes, steps=_steps(value, text, path))
        _check_bad_numbers(row, text, path)
        rows.append(row)
    if ANYTHING_ELSE not in after:
        raise text.error(
            ("after",),
            "nothing is said of the other outcomes",
            f"add `{ANYTHING_ELSE}:` with its steps, or `{ANYTHING_ELSE}: {CLOSE}`",
        )
    rest = frozenset(one for one in Outcome if retriable(one) and one not in named and not _is_bad_number(one))
    steps = _steps(after[ANYTHING_ELSE], text, ("after", ANYTHING_ELSE))
    return (*rows, Row(outcomes=rest, steps=steps, is_rest=True))


def _outcome(label: str, text: Text, path: Path) -> Outcome:
    known = sorted(rule.label for outcome, rule in OUTCOMES.items() if retriable(outcome))
    outcome = _OUTCOMES.get(label)
    if outcome is None:
        raise text.error(path, f"{label[:60]!r} is no outcome", f"write one of: {', '.join(known)}; {ANYTHING_ELSE}")
    if not retriable(outcome):
        raise text.error(
            path,
            f"after `{label}` a strategy has no say: it ends the contact, or the dialer's own fault is mended first",
            f"take the row out; rows are for: {', '.join(known)}",
        )
    return outcome


def _steps(value: Any, text: Text, path: Path) -> tuple[Step, ...]:
    if value == CLOSE:
        return ()
    given = value if isinstance(value, list) else [value]
    if not given or len(given) > MAX_STEPS:
        raise text.error(path, f"{len(given)} steps", f"write 1 to {MAX_STEPS} steps, or `{CLOSE}`")
    steps: list[Step] = []
    for at, one in enumerate(given):
        here = (*path, at) if isinstance(value, list) else path
        if not isinstance(one, dict):
            raise text.error(
                here, f"{str(one)[:40]!r} is no step", f"write it as {{wait: 4h, phone: next}}, or `{CLOSE}`"
            )
        try:
            steps.append(_Step.model_validate(one).step())
        except ValidationError as error:
            raise _told(error, text, here) from None
    return tuple(steps)


def _is_bad_number(outcome: Outcome) -> bool:
    return OUTCOMES[outcome].retry is RetryClass.FIX


def _check_bad_numbers(row: Row, text: Text, path: Path) -> None:
    bad = next((one for one in row.outcomes if _is_bad_number(one)), None)
    if bad is not None and any(step.phone is PhoneMove.SAME for step in row.steps):
        raise text.error(
            path,
            f"after `{bad.label}` the same phone is not called again",
            f"say which: `phone: next` or a place from 1 to 5, or `{CLOSE}`",
        )


def _told(error: ValidationError, text: Text, path: Path) -> FileError:
    """The first of pydantic's findings, in our words."""
    first = error.errors(include_url=False, include_context=True)[0]
    here: Path = (*path, *first["loc"])
    key = str(first["loc"][-1]) if first["loc"] else ""
    match first["type"]:
        case "extra_forbidden":
            known = {"title", "limits", "after"} if not path and len(here) == 1 else None
            known = known or ({"attempts", "per phone", "per day"} if "limits" in here else set(_Step.model_fields))
            return text.error(here, f"`{key}` is not known here", f"known are: {', '.join(sorted(known))}")
        case "missing":
            return text.error(here, f"`{key}` is missing", f"add `{key}: …`")
        case "value_error":
            reason, _, mend = str(first["ctx"]["error"]).partition("; ")
            return text.error(here, reason, mend)
        case "int_parsing" | "greater_than_equal" | "less_than_equal" | "int_type":
            return text.error(
                here, f"`{key}: {str(first['input'])[:20]}` is not taken", "write a whole number, 1 to 50"
            )
        case "literal_error":
            expected = first["ctx"]["expected"].replace("'", "")
            return text.error(here, f"`{key}: {str(first['input'])[:20]}` is not taken", f"write {expected}")
        case _:
            return text.error(here, f"`{key}`: {first['msg']}", "see docs/strategies.md")
