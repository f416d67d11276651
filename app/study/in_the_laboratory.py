"""Others' pacers in the production dialer: they place, our ledger counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.pacing import PacingDecision, PacingEvent, PacingPolicy, PacingSnapshot
from app.pacing.plain import PlainPacer
from app.study.baselines import Erlang, LinesPerIdleAgent, LinesWithCorrection, VicidialAdapt, VicidialRatio
from app.study.campaign import Pacer

OTHERS: Mapping[str, tuple[type, str]] = {
    "fixed-ratio": (LinesPerIdleAgent, "lines"),
    "vicidial-ratio": (VicidialRatio, "level"),
    "vicidial-adapt": (VicidialAdapt, ""),
    "lines-corrected": (LinesWithCorrection, "step"),
    "erlang": (Erlang, "most_each"),
}
"""By name: who it is, and its setting that a number after `=` is."""


class Another(PlainPacer):
    """Another's pacer behind our door."""

    def __init__(self, policy: PacingPolicy, pacer: Pacer) -> None:
        super().__init__(policy)
        self._pacer = pacer

    def observe(self, event: PacingEvent) -> None:
        """Both are told."""
        super().observe(event)
        self._pacer.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """As it would."""
        return self._pacer.decide(snapshot)


def another(name: str) -> Any:
    """What makes the pacer of this name, `erlang` or `fixed-ratio=2.5`. Raises ValueError for what there is not."""
    word, _, value = name.partition("=")
    if word not in OTHERS:
        raise ValueError(f"no pacer is called {word!r}: there are progressive, predictive, {', '.join(OTHERS)}")
    kind, setting = OTHERS[word]
    if value and not setting:
        raise ValueError(f"{word} has no setting: write {word} alone")
    if word in ("fixed-ratio", "vicidial-ratio") and not value:
        raise ValueError(f"say how many: {word}=2.5")
    try:
        chosen = {setting: float(value)} if value else {}
    except ValueError as error:
        raise ValueError(f"{name}: {value!r} is no number; write {word}=2.5") from error
    return lambda policy: Another(policy, kind(**chosen))
