"""The nouns of compliance: profiles with their rules, who is to be called, what was done before, and a verdict.

Data without behaviour. Minutes are counted from midnight of the callee's wall clock; `*_at_ms` since the Unix epoch.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.units import Number


class CallKind(enum.Enum):
    """What is to be said: a person speaks, or a recording (an artificial voice is one)."""

    LIVE = "live"
    PRERECORDED = "prerecorded"


class Consent(enum.IntEnum):
    """What the callee has agreed to, each including the ones before it."""

    NONE = 0
    PRIOR = 1
    PRIOR_EXPRESS_WRITTEN = 2

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


class Mark(enum.Enum):
    """What a call left behind that the law looks at. One call can leave several."""

    ABANDONED = "abandonment"
    MACHINE = "machine"
    REFUSED = "refusal"
    CONVERSATION = "conversation"


class Key(enum.Enum):
    """Calls of one and the same what are counted together."""

    PERSON = "person"
    NUMBER = "number"
    DEBT = "debt"
    SELLER = "seller"
    SUBJECT = "subject"


class Calendar(enum.Enum):
    """Periods of the callee's own calendar; a week begins on Monday (ISO 8601)."""

    DAY = "calendar day"
    WEEK = "calendar week"
    MONTH = "calendar month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """The last so many milliseconds before the call, each day of the text being 24 hours."""

    length_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Where a rule comes from. source: the clause; date: when it came into force, as far as known (ISO 8601, or "").

    unverified: what about it was remembered and not read in the source; "": nothing.
    """

    source: str
    date: str = ""
    unverified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of some days. weekdays: 1 Monday … 7 Sunday; minutes: from the first, up to but without the last.

    on_holidays: also of public holidays. except_holidays: not of its weekdays that are one.
    """

    weekdays: frozenset[int]
    from_minute: int
    to_minute: int
    on_holidays: bool = False
    except_holidays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """When may be called: inside one of the rows. Where a row names holidays, only such rows hold on a holiday."""

    id: str
    basis: Basis
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyRule:
    """How often: at most `most` calls of these kinds in a period, counted together by all of `keys` at once."""

    id: str
    basis: Basis
    most: int
    period: Rolling | Calendar
    keys: frozenset[Key]
    kinds: frozenset[CallKind] = frozenset(CallKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CooldownRule:
    """How long to leave alone after a call that left a mark. unless_agent: not where an agent is guaranteed."""

    id: str
    basis: Basis
    after: Mark
    period: Rolling
    keys: frozenset[Key]
    unless_agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRule:
    """What must have been agreed to; needs=None: forbidden whatever was agreed to.

    Looked at for calls of these kinds, `only_autodialed` and `only_mobile` ones, from `from_date` on in the callee's
    zone (ISO 8601; "": always). A number that may be a mobile one is taken for one.
    """

    id: str
    basis: Basis
    needs: Consent | None
    kinds: frozenset[CallKind]
    only_autodialed: bool = False
    only_mobile: bool = False
    from_date: str = ""


Rule = WindowRule | FrequencyRule | CooldownRule | ConsentRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a profile asks for beside whether a call may be made: told here, decided (or not yet) elsewhere."""

    id: str
    basis: Basis
    says: str
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A file of rules. owned: each rule with the name of the profile that it was written in, inherited ones first."""

    name: str
    title: str
    owned: tuple[tuple[str, Rule], ...]
    duties: tuple[Duty, ...] = ()
    inherits: str = ""
    note: str = ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for _, rule in self.owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Who is to be called, and how, as far as the law looks at it. "": not known.

    time_zone: IANA, from the contact's column. country: ISO 3166-1; region: ISO 3166-2, with or without its country.
    person: the same for all phones of one. subject: what the call is about. is_autodialed: no person picks the number
    and starts the call (not so in preview and manual calls). agent_guaranteed: an agent waits for this very call.
    """

    number: Number
    time_zone: str = ""
    country: str = ""
    region: str = ""
    person: str = ""
    debt: str = ""
    seller: str = ""
    subject: str = ""
    kind: CallKind = CallKind.LIVE
    consent: Consent = Consent.NONE
    is_autodialed: bool = True
    agent_guaranteed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call that was made. "": not known, and then taken for the same: a cap is rather reached too early."""

    at_ms: int
    number: Number
    person: str = ""
    debt: str = ""
    seller: str = ""
    subject: str = ""
    kind: CallKind = CallKind.LIVE
    marks: frozenset[Mark] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule says of one call at one instant.

    profile: "" for what holds whatever the profiles. why: in words, with figures. from_ms: when this rule alone would
    allow it: the instant itself where it does; None: not by waiting.
    """

    profile: str
    rule: str
    is_allowed: bool
    why: str
    basis: Basis
    from_ms: int | None
