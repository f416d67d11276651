"""The nodes of a flow as they are written in its file: each kind's fields, limits and ways on.

A node knows what it says (`utterances`), where it leads (`ways`), what it reads and what it writes; what it does in a
call is in `app.ivr.turns`. Everything read from the file is text until a field says otherwise, so `0123` stays `0123`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from app.ivr import words as spoken_words
from app.ivr.fields import FieldName, Key, Piece, Sounds, Target, Texts, Words, wrong

Path = tuple[str | int, ...]
"""Where in a node something is written: `("keys", "1")`."""

_EXTENSION: Final = re.compile(r"[A-Za-z0-9_*#+-]{1,40}")
_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out of a node. target None ends the call.

    needs_person: only taken when somebody does something: the person presses a key, an agent has talked with them.
    """

    path: Path
    target: str | None
    needs_person: bool = False


class Node(Piece):
    """What all nodes share. note: for people, never spoken."""

    asks: ClassVar[bool] = False
    type: str
    note: Annotated[str, StringConstraints(max_length=500)] = ""

    def ways(self) -> Iterator[Way]:
        """Every way out of the node."""
        return iter(())

    def utterances(self) -> Iterator[tuple[str, Words]]:
        """What the node may say, by part: `prompt`, `wrong_key`…"""
        return iter(())

    def reads(self) -> Iterator[tuple[Path, str]]:
        """Fields the node looks at, besides those in its texts."""
        return iter(())

    def writes(self) -> str | None:
        """The field the node fills."""
        return None


class Speaking(Node):
    """A node whose own prompt is needed: `text` or `sound`."""

    text: Texts | None = None
    sound: Sounds | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.text is not None and self.sound is not None:
            raise wrong("both `text` and `sound` are given", "keep one of them")
        if self.text is None and self.sound is None and self._must_speak():
            raise wrong("there is nothing to say", "add `text: …` to be spoken, or `sound: …` with a sound's name")
        return self

    def _must_speak(self) -> bool:
        return True

    @functools.cached_property
    def words(self) -> Words | None:
        """The node's own prompt."""
        if self.text is None and self.sound is None:
            return None
        return Words.model_construct(text=self.text, sound=self.sound)

    def utterances(self) -> Iterator[tuple[str, Words]]:
        if (own := self.words) is not None:
            yield "prompt", own


class Play(Speaking):
    """Says a text or plays a sound. barge_in: a key ends it (the key is kept for the next question)."""

    type: Literal["play"]
    barge_in: bool = False
    next: Target

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next)


class Menu(Speaking):
    """Asks for one key. repeats: how often the question is asked again before the call goes on without an answer."""

    asks: ClassVar[bool] = True
    type: Literal["menu"]
    keys: Annotated[dict[Key, Target], Field(min_length=1)]
    barge_in: bool = True
    timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 5
    repeats: Annotated[int, Field(ge=0, le=10)] = 2
    wrong_key: Words | None = None
    on_timeout: Target | None = None
    on_fail: Target | None = None
    into: FieldName | None = None

    def ways(self) -> Iterator[Way]:
        for key, target in self.keys.items():
            yield Way(path=("keys", key), target=target, needs_person=True)
        yield Way(path=("on_timeout",), target=self.on_timeout or self.on_fail)
        yield Way(path=("on_fail",), target=self.on_fail, needs_person=True)

    def utterances(self) -> Iterator[tuple[str, Words]]:
        yield from super().utterances()
        if self.wrong_key is not None:
            yield "wrong_key", self.wrong_key

    def writes(self) -> str | None:
        return self.into


class Digits(Speaking):
    """Asks for several digits. between_s: the pause after a digit that ends the entry."""

    asks: ClassVar[bool] = True
    type: Literal["digits"]
    into: FieldName
    min_digits: Annotated[int, Field(ge=1, le=40)] = 1
    max_digits: Annotated[int, Field(ge=1, le=40)] = 20
    terminator: Literal["#", "*", ""] = "#"
    barge_in: bool = True
    timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 6
    between_s: Annotated[float, Field(ge=0.5, le=30)] = 3
    repeats: Annotated[int, Field(ge=0, le=10)] = 2
    wrong_key: Words | None = None
    on_fail: Target | None = None
    next: Target

    @model_validator(mode="after")
    def _least_below_most(self) -> Self:
        if self.min_digits > self.max_digits:
            raise wrong(
                f"min_digits {self.min_digits} is above max_digits {self.max_digits}", "exchange them, or raise max"
            )
        return self

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next, needs_person=True)
        yield Way(path=("on_fail",), target=self.on_fail)

    def utterances(self) -> Iterator[tuple[str, Words]]:
        yield from super().utterances()
        if self.wrong_key is not None:
            yield "wrong_key", self.wrong_key

    def writes(self) -> str | None:
        return self.into


class Record(Speaking):
    """Records the person until a key, silence or the limit; the field gets the recording's name."""

    asks: ClassVar[bool] = True
    type: Literal["record"]
    into: FieldName
    max_s: Annotated[int, Field(ge=1, le=600)] = 60
    silence_s: Annotated[int, Field(ge=0, le=60)] = 3
    beep: bool = True
    next: Target

    def _must_speak(self) -> bool:
        return False

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next)

    def writes(self) -> str | None:
        return self.into


class Say(Speaking):
    """Says a number, an amount, a date, a time or digits as words, alone or as `{value}` within `text`."""

    type: Literal["say"]
    kind: Literal["number", "money", "date", "time", "digits"]
    field: FieldName | None = None
    value: Annotated[str, StringConstraints(max_length=100)] | None = None
    currency: str | None = None
    date_order: Literal["dmy", "mdy"] = "dmy"
    year: bool = False
    next: Target

    def _must_speak(self) -> bool:
        return False

    @field_validator("sound")
    @classmethod
    def _no_sound(cls, value: dict[str, str] | None) -> None:
        raise wrong("a `say` node has no sound", "use `play` for a sound")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.field is None) == (self.value is None):
            raise wrong("exactly one of `field` and `value` is needed", "write `field: amount`, or `value: 25`")
        if (self.kind == "money") != (self.currency is not None):
            raise wrong(
                "an amount of money needs a `currency`" if self.kind == "money" else "only money has a `currency`",
                f"write one of {', '.join(spoken_words.CURRENCIES)}" if self.kind == "money" else "take it out",
            )
        if self.currency is not None and self.currency not in spoken_words.CURRENCIES:
            raise wrong(
                f"{self.currency!r} is no currency we can say", f"use one of {', '.join(spoken_words.CURRENCIES)}"
            )
        if self.value is not None and spoken_words.value_in_words(self, self.value, "en") is None:
            raise wrong(f"{self.value!r} is not a {self.kind}", spoken_words.EXAMPLES[self.kind])
        return self

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next)

    def reads(self) -> Iterator[tuple[Path, str]]:
        if self.field is not None:
            yield ("field",), self.field


class Set(Node):
    """Writes a field: a literal (`value`) or another field's content (`from`)."""

    type: Literal["set"]
    field: FieldName
    value: Annotated[str, StringConstraints(max_length=500)] | None = None
    source: Annotated[FieldName | None, Field(alias="from")] = None
    next: Target

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.source is None):
            raise wrong("exactly one of `value` and `from` is needed", "write `value: yes`, or `from: other field`")
        return self

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next)

    def reads(self) -> Iterator[tuple[Path, str]]:
        if self.source is not None:
            yield ("from",), self.source

    def writes(self) -> str | None:
        return self.field


class Case(Piece):
    """One line of a branch: exactly one comparison, and where it leads. same_as: equal to another field, not empty."""

    equals: str | None = None
    one_of: Annotated[list[str], Field(min_length=1, max_length=100)] | None = None
    same_as: FieldName | None = None
    less: float | None = None
    greater: float | None = None
    empty: bool | None = None
    next: Target

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = [self.equals, self.one_of, self.same_as, self.less, self.greater, self.empty]
        if sum(one is not None for one in given) != 1:
            raise wrong(
                "a case has exactly one comparison",
                "write one of equals, one_of, same_as, less, greater, empty, beside `next`",
            )
        return self


class Branch(Node):
    """Goes on by a field's content: the first case that fits, otherwise `else`."""

    type: Literal["branch"]
    field: FieldName
    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    otherwise: Annotated[Target, Field(alias="else")]

    def ways(self) -> Iterator[Way]:
        for place, case in enumerate(self.cases):
            yield Way(path=("cases", place, "next"), target=case.next)
        yield Way(path=("else",), target=self.otherwise)

    def reads(self) -> Iterator[tuple[Path, str]]:
        yield ("field",), self.field
        for place, case in enumerate(self.cases):
            if case.same_as is not None:
                yield ("cases", place, "same_as"), case.same_as


class Transfer(Speaking):
    """Hands the call to an extension of the PBX's dialplan, after saying so. on_fail: when Asterisk cannot."""

    type: Literal["transfer"]
    context: str
    extension: str
    on_fail: Target | None = None

    def _must_speak(self) -> bool:
        return False

    @field_validator("context")
    @classmethod
    def _a_context(cls, value: str) -> str:
        if not _CONTEXT.fullmatch(value):
            raise wrong(f"{value[:80]!r} is not a context", "letters, digits, `_` and `-`, as in extensions.conf")
        return value

    @field_validator("extension")
    @classmethod
    def _an_extension(cls, value: str) -> str:
        if not _EXTENSION.fullmatch(value):
            raise wrong(
                f"{value[:80]!r} is not an extension", "1 to 40 letters, digits, `_`, `*`, `#`, `+`, `-`; no fields"
            )
        return value

    def ways(self) -> Iterator[Way]:
        yield Way(path=("extension",), target=None)
        yield Way(path=("on_fail",), target=self.on_fail)


class Agents(Speaking):
    """Connects the person with an agent of the campaign, after saying so.

    next: when the agent lets go of them. on_none: when no agent came in time; without it the campaign's safe-harbor
    message is played and the call ends.
    """

    type: Literal["agents"]
    on_none: Target | None = None
    next: Target | None = None

    def _must_speak(self) -> bool:
        return False

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next, needs_person=True)
        yield Way(path=("on_none",), target=self.on_none)


class OptOut(Speaking):
    """Puts the number on the do-not-call list and, only once that is on disk, says so."""

    type: Literal["opt_out"]
    failed: Words | None = None
    next: Target | None = None

    def ways(self) -> Iterator[Way]:
        yield Way(path=("next",), target=self.next)
        yield Way(path=("failed",), target=None)

    def utterances(self) -> Iterator[tuple[str, Words]]:
        yield from super().utterances()
        if self.failed is not None:
            yield "failed", self.failed


class Detect(Node):
    """Listens who answered. machine_ms: talk this long is a machine; silence_s: nothing for so long is silence."""

    type: Literal["detect"]
    machine_ms: Annotated[int, Field(ge=500, le=10_000)] = 2_500
    silence_s: Annotated[float, Field(ge=1, le=20)] = 4
    on_person: Target
    on_machine: Target
    on_silence: Target | None = None

    def ways(self) -> Iterator[Way]:
        yield Way(path=("on_person",), target=self.on_person)
        yield Way(path=("on_machine",), target=self.on_machine)
        yield Way(path=("on_silence",), target=self.on_silence or self.on_person)


class Voicemail(Speaking):
    """Waits for the end of the greeting and its beep, leaves the message and ends the call."""

    type: Literal["voicemail"]
    silence_ms: Annotated[int, Field(ge=1_000, le=5_000)] = 1_200
    max_wait_s: Annotated[float, Field(ge=1, le=120)] = 30

    def ways(self) -> Iterator[Way]:
        yield Way(path=(), target=None)


class HangUp(Speaking):
    """Ends the call, after a last word if there is one."""

    type: Literal["hangup"]

    def _must_speak(self) -> bool:
        return False

    def ways(self) -> Iterator[Way]:
        yield Way(path=(), target=None)


AnyNode = (
    Play | Menu | Digits | Record | Say | Set | Branch | Transfer | Agents | OptOut | Detect | Voicemail | HangUp
)  # fmt: skip
NODES: Final[dict[str, type[AnyNode]]] = {
    "play": Play,
    "menu": Menu,
    "digits": Digits,
    "record": Record,
    "say": Say,
    "set": Set,
    "branch": Branch,
    "transfer": Transfer,
    "agents": Agents,
    "opt_out": OptOut,
    "detect": Detect,
    "voicemail": Voicemail,
    "hangup": HangUp,
}
"""The kinds of node, by the name they have in a file."""
