"""What a desk's page asks for, over its websocket: one JSON object a message, told apart by `ask`, numbered by `ref`.

Everything from outside is checked here; what comes out is typed and of bounded size.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

Ref = Annotated[int, Meta(ge=0, le=2**53)]
Id = Annotated[int, Meta(ge=1, le=2**53)]
AttemptName = Annotated[str, Meta(pattern="^[a-z0-9]{8,40}$")]
Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=4_000)]
FieldValue = Annotated[str, Meta(max_length=2_000)]


class Ask(Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask"):
    """One question of the page. ref: comes back with the answer."""

    ref: Ref


class Begin(Ask, frozen=True, tag="begin"):
    """Sign in to the floor, with a phone."""

    endpoint: Word
    is_nailed_up: bool
    campaigns: Annotated[list[Id], Meta(max_length=100)]


class Ready(Ask, frozen=True, tag="ready"):
    """Take calls; in a call: do not pause after it after all."""


class Pause(Ask, frozen=True, tag="pause"):
    """Take no calls: now, or after this one."""

    reason: Word


class SignOut(Ask, frozen=True, tag="sign-out"):
    """The shift is over: now, or after this call."""


class Join(Ask, frozen=True, tag="join"):
    """Serve these campaigns and no others."""

    campaigns: Annotated[list[Id], Meta(max_length=100)]


class RingPhone(Ask, frozen=True, tag="ring-phone"):
    """Ring my phone again."""


class Accept(Ask, frozen=True, tag="accept"):
    """Dial the person on the preview card. number: another of their phones."""

    attempt: AttemptName
    number: Word = ""


class Skip(Ask, frozen=True, tag="skip"):
    """Do not dial them now; is_closed: never."""

    attempt: AttemptName
    is_closed: bool = False
    reason: Line = ""


class Dial(Ask, frozen=True, tag="dial"):
    """Dial by hand: a typed number, or a contact's (then `number` may be one of their phones)."""

    campaign: Id
    number: Word
    contact: Id | None = None


class HangUp(Ask, frozen=True, tag="hang-up"):
    """End the call, or take it back."""


class Hold(Ask, frozen=True, tag="hold"):
    """Music for the person, or back to them."""

    is_on: bool


class Mute(Ask, frozen=True, tag="mute"):
    """They do not hear me, or do again."""

    is_on: bool


class Record(Ask, frozen=True, tag="record"):
    """Record from now on, or no more."""

    is_on: bool


class Keys(Ask, frozen=True, tag="keys"):
    """Keypad tones to the person."""

    digits: Annotated[str, Meta(pattern=r"^[0-9*#]{1,32}$")]


class Transfer(Ask, frozen=True, tag="transfer"):
    """Give the person away: to an agent, a campaign's queue or a number."""

    agent: Id | None = None
    campaign: Id | None = None
    number: Word = ""
    is_attended: bool = False


class Finish(Ask, frozen=True, tag="finish"):
    """They talk on without me; is_conference: with me."""

    is_conference: bool = False


class Cancel(Ask, frozen=True, tag="cancel"):
    """Let go whom I consulted."""


class Callback(Struct, frozen=True, forbid_unknown_fields=True):
    """When to call again. is_mine: I do it myself; anyone otherwise."""

    at_ms: Annotated[int, Meta(ge=0, le=2**53)]
    is_mine: bool = True


class Dispose(Ask, frozen=True, tag="dispose"):
    """The result of the conversation; is_done: and that is all, the next one please."""

    attempt: AttemptName
    code: Word
    note: Text = ""
    callback: Callback | None = None
    zone: Word = ""
    is_done: bool = False


class Extend(Ask, frozen=True, tag="extend"):
    """More time for wrap-up."""


class Tell(Ask, frozen=True, tag="tell"):
    """How far the conversation is: at a step of the script, from 1; without one: nearly done."""

    attempt: AttemptName
    step: Annotated[int, Meta(ge=1, le=1_000)] | None = None


class Targets(Ask, frozen=True, tag="targets"):
    """To whom a person can be given."""


class When(Ask, frozen=True, tag="when"):
    """What a callback at this time would mean: both clocks, and whether it is legal.

    Exactly one of: in_ms from now; days from now at the same time of day; a date and time on the clock of `zone`.
    """

    attempt: AttemptName
    in_ms: Annotated[int, Meta(ge=0, le=366 * 86_400_000)] | None = None
    days: Annotated[int, Meta(ge=1, le=366)] | None = None
    written: Annotated[str, Meta(max_length=19)] | None = None
    zone: Word = ""


class Edit(Ask, frozen=True, tag="edit"):
    """Change a contact's field. seen: the value the change began from."""

    contact: Id
    field: Line
    seen: FieldValue
    value: FieldValue


class Note(Ask, frozen=True, tag="note"):
    """Keep a note with the contact."""

    contact: Id
    text: Text


class Callbacks(Ask, frozen=True, tag="callbacks"):
    """My callbacks, and those anyone may make."""


class Amend(Ask, frozen=True, tag="amend"):
    """Mend what was just saved of the last person."""

    attempt: AttemptName
    code: Word
    note: Text = ""
    callback: Callback | None = None
    zone: Word = ""


AnyAsk = (
    Begin | Ready | Pause | SignOut | Join | RingPhone | Accept | Skip | Dial | HangUp | Hold | Mute | Record | Keys
    | Transfer | Finish | Cancel | Dispose | Extend | Tell | Targets | When | Edit | Note | Callbacks | Amend
)  # fmt: skip
_decoder: Final[msgspec.json.Decoder[AnyAsk]] = msgspec.json.Decoder(AnyAsk)


def read(message: str) -> AnyAsk:
    """A message of the page. Raises ValueError (msgspec's own) for anything that is none."""
    return _decoder.decode(message)
