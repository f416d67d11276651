"""Figures of the program beside those of the bare thing it is built on, measured in the same run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One figure. value and baseline in `unit`; ratio: value to baseline; goal in words; holds: whether it is met."""

    name: str
    value: float
    baseline: float | None
    ratio: float | None
    goal: str
    holds: bool
    unit: str
