"""What is said about compliance in pages, to be translated; see app.panel.phrases."""

from __future__ import annotations

from typing import Final

FIXED: Final = (
    "when what a compliance profile misses is there, and they are called again",
    "choose at least one: nobody is called at a time that no profile allows",
    "it calls at any hour of day and night: that is for laboratories and tests",
    "its compliance profiles forbid such calls, whoever agreed: choose another mode or another profile",
    "its compliance profiles ask for consent: only contacts whose own column says so will be called",
)
MADE: Final = ("its compliance profiles cannot be used: {reason}",)
