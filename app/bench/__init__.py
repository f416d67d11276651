"""Figures of the program beside those of the bare thing it is built on, measured in the same run."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


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


def run_measured(work: Coroutine[Any, Any, T]) -> T:
    """Run what is measured in a process of its own, with the garbage collector as the program sets it at its start."""
    gc.freeze()
    return asyncio.run(work)
