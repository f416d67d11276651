"""A flow: the plan of one call, as it is after reading and checking (`app.ivr.load`). Data without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.ivr.fields import Words
from app.ivr.nodes import Agents, AnyNode, Detect, Voicemail
from app.ivr.problems import FlowProblem

TALK_SILENCE_MS: Final = 1_000
"""The silence after which a stretch of talk counts as ended; a call whose flow `needs_talk` is placed with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A checked flow. language: of texts written without one, and for contacts whose own language is missing.

    seller: on whose behalf the call is made; texts reach it as `{seller}`.
    """

    name: str
    language: str
    start: str
    nodes: Mapping[str, AnyNode]
    seller: str = ""
    version: str = ""
    warnings: tuple[FlowProblem, ...] = field(default=(), compare=False)

    @property
    def needs_talk(self) -> bool:
        """Whether calls must be placed with `watch_talk` (and `talk_silence_ms=TALK_SILENCE_MS`)."""
        return any(isinstance(node, Detect | Voicemail) for node in self.nodes.values())

    @property
    def needs_agents(self) -> bool:
        """Whether people may come to the campaign's agents."""
        return any(isinstance(node, Agents) for node in self.nodes.values())

    @property
    def languages(self) -> tuple[str, ...]:
        """All languages the flow speaks, its own first."""
        found = {self.language: None}
        for node in self.nodes.values():
            for _, words in node.utterances():
                found.update(dict.fromkeys(code or self.language for code in (words.text or words.sound or {})))
        return tuple(found)

    def choose(self, words: Words, language: str) -> tuple[str, str]:
        """The text or sound for a contact's language, and the language it is in: theirs, its base, ours, the first."""
        texts = words.text or words.sound or {}
        for wanted in (language, language.partition("-")[0], self.language, ""):
            if wanted in texts:
                return texts[wanted], wanted or self.language
        first = next(iter(texts))
        return texts[first], first

    def written_fields(self) -> frozenset[str]:
        """Fields that nodes fill during the call."""
        return frozenset(name for node in self.nodes.values() if (name := node.writes()) is not None)
