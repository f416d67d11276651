"""A call strategy in words, for pages and for the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.strategy.rows import Between, CallStrategy, PhoneMove, Step
from app.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step. wait: "4 h", "tomorrow", ""; between: "18:00–20:00", ""; phone: same, next, 1 to 5."""

    wait: str
    wait_ms: int
    between: str
    phone: str
    times: int

    @property
    def words(self) -> str:
        """The step in English."""
        parts = [
            "at once" if not self.wait and not self.between else "",
            "tomorrow" if self.wait == "tomorrow" else f"after {self.wait}" if self.wait else "",
            f"between {self.between}" if self.between else "",
            {"same": "", "next": "on the next phone"}.get(self.phone, f"on phone {self.phone}"),
            f"{self.times} times" if self.times > 1 else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """What is done after some outcomes, by their labels; no steps: the contact closes. is_rest: after all others."""

    after: tuple[str, ...]
    steps: tuple[StepView, ...]
    is_rest: bool


def step_rows(strategy: CallStrategy) -> Iterator[StepRow]:
    """The rows of a strategy, as they are written."""
    for row in strategy.rows:
        labels = tuple(outcome.label for outcome in sorted(row.outcomes))
        yield StepRow(after=labels, steps=tuple(_view(step) for step in row.steps), is_rest=row.is_rest)


def _view(step: Step) -> StepView:
    phone = step.phone.value if isinstance(step.phone, PhoneMove) else str(step.phone)
    wait = "tomorrow" if step.is_tomorrow else _length(step.wait_ms)
    return StepView(wait=wait, wait_ms=step.wait_ms, between=_hours(step.between), phone=phone, times=step.times)


def _length(length_ms: int) -> str:
    return next((f"{length_ms // unit} {word}" for unit, word in _UNITS if length_ms and length_ms % unit == 0), "")


def _hours(hours: Between | None) -> str:
    if hours is None:
        return ""
    return "–".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in (hours.from_minute, hours.to_minute))
