"""What the pretend telephone network does when a number is called: one table, read by the number's last two digits.

Any fictional number can be used (+44 7700 900xxx, +1 202 555 01xx, ...): only its last two digits matter.
The real network of the laboratory (its dialplan is made from this table) and the simulated one both follow it.

A call is played in three parts: before the answer (`trying_ms`, `ring_ms`, `announcement`), the answer or refusal
(`sip_code`), and after the answer (`steps`). `reported` is what Asterisk's ARI says of it, measured on Asterisk 22.10.
"""

from dataclasses import dataclass
from itertools import accumulate

ANSWERED = 200
LONGEST_CALL_MS = 300_000
"""The network hangs up any call after this long, whatever the table says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Play a sound of Asterisk's core set; Russian for numbers that begin with +7 or 7."""

    sound: str
    duration_ms: int
    """Length of the English sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Stay silent."""

    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Press one key (0-9, *, #), as RFC 4733 events: a short while, the key held down, a short while."""

    key: str
    lead_ms: int = 100
    """Before the key goes down: what Asterisk's SendDTMF always waits."""
    duration_ms: int = 120
    """The key is down; the other side reports it when it is let go."""
    rest_ms: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """Sound one frequency."""

    frequency_hz: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record what is heard, silently, as an answering machine does after its beep."""

    longest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End the call from the called side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Say nothing and stay until the caller ends the call."""

    longest_ms: int = LONGEST_CALL_MS
    """The laboratory's network knows no longer call; a simulated one may."""


Step = Say | Wait | Press | Tone | Record | HangUp | Listen


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What ARI says of a call to such a number; the caller only waits, and ends the call some time after the answer."""

    dial_statuses: tuple[str, ...]
    """`dialstatus` of the Dial events in order, without the empty one at the start."""
    cause: int
    """Q.850 cause of ChannelDestroyed."""
    tech_cause: int | None
    """SIP code of ChannelDestroyed; None where the event has none: after an answer, whoever hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one kind of number behaves. Times in milliseconds."""

    name: str
    suffix: str
    """The last two digits of the numbers that behave so; empty for the default."""
    description: str
    replies: bool = True
    """False: the network swallows the INVITE and never says a word."""
    trying_ms: int = 0
    """From 100 Trying to the next reply."""
    ring_ms: int | None = 1_000
    """How long it rings (180): None rings until the caller gives up, 0 does not ring at all."""
    announcement: tuple[Say, ...] = ()
    """Early media: played with 183 before the final reply, after the ringing."""
    sip_code: int | None = ANSWERED
    """The final reply; None where there is none but the caller's own CANCEL."""
    steps: tuple[Step, ...] = (Listen(),)
    """What happens after the answer."""
    reported: Reported

    @property
    def is_answered(self) -> bool:
        """Whether the call is picked up, by a person or a machine."""
        return self.replies and self.sip_code == ANSWERED

    @property
    def final_reply_ms(self) -> int | None:
        """From INVITE to the final reply; None where there is none."""
        if not self.replies or self.ring_ms is None or self.sip_code is None:
            return None
        return self.trying_ms + self.ring_ms + sum(say.duration_ms for say in self.announcement)


def length_ms(step: Step) -> int:
    """How long a step lasts when nobody ends the call in it."""
    match step:
        case Say() | Wait() | Tone():
            return step.duration_ms
        case Press():
            return step.lead_ms + step.duration_ms + step.rest_ms
        case Record():
            return step.longest_ms
        case Listen():
            return step.longest_ms
        case HangUp():
            return 0


def timeline(behaviour: Behaviour) -> tuple[tuple[int, Step], ...]:
    """The steps of a behaviour with the time each begins, in milliseconds after the answer."""
    starts_ms = [0, *accumulate(length_ms(step) for step in behaviour.steps)]
    return tuple(zip(starts_ms, behaviour.steps, strict=False))


HELLO = Say(sound="hello", duration_ms=786)
# Nothing in a telephone network refuses a call in no time at all.
QUICKLY_MS = 200

# Q.850 causes Asterisk makes of SIP refusals.
_CAUSES = {
    403: 21,
    404: 1,
    410: 22,
    480: 19,
    484: 28,
    486: 17,
    488: 58,
    500: 38,
    503: 34,
    600: 17,
    603: 21,
    607: 127,
    608: 127,
}
# Asterisk's Dial event knows three words for a call that failed, chosen by the cause.
_STATUSES = {17: "BUSY", 34: "CONGESTION"}

_ANSWERED = Reported(dial_statuses=("RINGING", "ANSWER"), cause=16, tech_cause=None)


def _refused(sip_code: int, *before: str) -> Reported:
    cause = _CAUSES[sip_code]
    return Reported(dial_statuses=(*before, _STATUSES.get(cause, "NOANSWER")), cause=cause, tech_cause=sip_code)


def _given_up(*before: str) -> Reported:
    """The caller gave up: no Dial event says so, and the SIP code is Asterisk's own invention."""
    return Reported(dial_statuses=before, cause=19, tech_cause=480)


def _person(name: str, suffix: str, description: str, *steps: Step) -> Behaviour:
    return Behaviour(name=name, suffix=suffix, description=description, steps=steps, reported=_ANSWERED)


def _refusal(name: str, suffix: str, sip_code: int, description: str) -> Behaviour:
    """A number that is refused before it rings."""
    return Behaviour(
        name=name,
        suffix=suffix,
        description=description,
        trying_ms=QUICKLY_MS,
        ring_ms=0,
        sip_code=sip_code,
        steps=(),
        reported=_refused(sip_code),
    )


def _presses(name: str, suffix: str, description: str, *keys: tuple[int, str]) -> Behaviour:
    """A person who says hello and presses keys at the given times, counted from the answer."""
    steps: list[Step] = [HELLO]
    clock_ms = length_ms(HELLO)
    for down_at_ms, key in keys:
        press = Press(key=key)
        pause = Wait(duration_ms=down_at_ms - press.lead_ms - clock_ms)
        steps += [pause, press]
        clock_ms += length_ms(pause) + length_ms(press)
    return _person(name, suffix, description, *steps, Listen())


DEFAULT = _person(
    "person",
    "",
    "A person: answers after a short ring, says hello, listens to the end.",
    HELLO,
    Listen(),
)

BEHAVIOURS: tuple[Behaviour, ...] = (
    DEFAULT,
    _presses("presses-1", "10", "A person who presses 1 four seconds after answering.", (4_000, "1")),
    _presses("presses-2", "11", "A person who presses 2 after four seconds.", (4_000, "2")),
    _presses("presses-9", "12", "A person who presses 9 after four seconds (opts out, in most flows).", (4_000, "9")),
    _presses("presses-0", "13", "A person who presses 0 after four seconds.", (4_000, "0")),
    _presses(
        "wrong-key-then-1",
        "14",
        "A person who presses 7 after four seconds, then 1 at eight.",
        (4_000, "7"),
        (8_000, "1"),
    ),
    _presses("presses-1-late", "15", "A slow person: presses 1 after fifteen seconds.", (15_000, "1")),
    _presses(
        "types-1234-hash",
        "16",
        "A person who types 1234# from the fourth second, two keys a second.",
        *((4_000 + index * 500, key) for index, key in enumerate("1234#")),
    ),
    _presses("presses-1-at-once", "17", "An impatient person: presses 1 one second after answering.", (1_000, "1")),
    _presses("presses-3", "18", "A person who presses 3 after four seconds.", (4_000, "3")),
    _presses("presses-star", "19", "A person who presses * after four seconds.", (4_000, "*")),
    _person("hangs-up-at-once", "20", "A person who hangs up 200 ms after answering.", Wait(duration_ms=200), HangUp()),
    _person(
        "hangs-up-mid-prompt",
        "21",
        "A person who says hello and hangs up three seconds after answering.",
        HELLO,
        Wait(duration_ms=3_000 - HELLO.duration_ms),
        HangUp(),
    ),
    _person(
        "hangs-up-late",
        "22",
        "A person who hangs up ten seconds after answering.",
        HELLO,
        Wait(duration_ms=10_000 - HELLO.duration_ms),
        HangUp(),
    ),
    _person(
        "talks",
        "23",
        "A person who talks for fifteen seconds, whatever is said to them, then listens.",
        HELLO,
        Say(sound="demo-moreinfo", duration_ms=14_729),
        Listen(),
    ),
    _person("says-nothing", "24", "Answers and stays silent: dead air.", Listen()),
    _person(
        "answering-machine",
        "30",
        "An answering machine: a greeting of five to six seconds, a beep, then records for up to a minute.",
        Wait(duration_ms=300),
        Say(sound="vm-intro", duration_ms=5_654),
        Say(sound="beep", duration_ms=425),
        Record(longest_ms=60_000),
        HangUp(),
    ),
    _person(
        "fax",
        "31",
        "A fax: half a second of silence, the 2100 Hz answer tone for three seconds, ten seconds of silence, hangs up.",
        Wait(duration_ms=500),
        Tone(frequency_hz=2_100, duration_ms=3_000),
        Wait(duration_ms=10_000),
        HangUp(),
    ),
    _person(
        "screening-robot",
        "32",
        "A phone that screens: a robot answers, asks for the caller's name, and listens.",
        Say(sound="priv-recordintro", duration_ms=2_271),
        Say(sound="beep", duration_ms=425),
        Record(longest_ms=20_000),
        HangUp(),
    ),
    _refusal("busy", "40", 486, "Busy."),
    Behaviour(
        name="no-answer",
        suffix="41",
        description="Rings until the caller gives up.",
        ring_ms=None,
        sip_code=None,
        steps=(),
        reported=_given_up("RINGING"),
    ),
    _refusal("congestion", "42", 503, "No way through: all circuits busy."),
    Behaviour(
        name="declined",
        suffix="43",
        description="Rings, and the person declines the call.",
        sip_code=603,
        steps=(),
        reported=_refused(603, "RINGING"),
    ),
    _refusal("invalid-number", "44", 484, "The number is not complete."),
    _refusal("not-in-service", "45", 404, "There is no such number."),
    _refusal("number-changed", "46", 410, "The number has changed."),
    _refusal("unwanted", "47", 607, "The person's phone refuses unwanted callers."),
    _refusal("screened", "48", 608, "The network screens the call out."),
    Behaviour(
        name="rings-then-unavailable",
        suffix="49",
        description="Rings for four seconds, then is temporarily unavailable.",
        ring_ms=4_000,
        sip_code=480,
        steps=(),
        reported=_refused(480, "RINGING"),
    ),
    _refusal("unavailable", "50", 480, "Switched off: unavailable at once."),
    Behaviour(
        name="no-reply",
        suffix="51",
        description="The network never answers the INVITE, not even with 100 Trying.",
        replies=False,
        ring_ms=0,
        sip_code=None,
        steps=(),
        reported=_given_up(),
    ),
    Behaviour(
        name="slow-to-ring",
        suffix="52",
        description="Eight seconds pass before it rings; then a person.",
        trying_ms=8_000,
        steps=(HELLO, Listen()),
        reported=_ANSWERED,
    ),
    Behaviour(
        name="announcement-then-busy",
        suffix="53",
        description="An announcement before any answer (early media), then busy.",
        ring_ms=0,
        announcement=(Say(sound="vm-isonphone", duration_ms=1_445),),
        sip_code=486,
        steps=(),
        reported=_refused(486, "PROGRESS"),
    ),
    Behaviour(
        name="announcement-then-not-in-service",
        suffix="54",
        description="An announcement before any answer (early media): not in service.",
        ring_ms=0,
        announcement=(Say(sound="ss-noservice", duration_ms=4_937),),
        sip_code=404,
        steps=(),
        reported=_refused(404, "PROGRESS"),
    ),
    Behaviour(
        name="rings-long",
        suffix="55",
        description="A person who answers after fifteen seconds of ringing.",
        ring_ms=15_000,
        steps=(HELLO, Listen()),
        reported=_ANSWERED,
    ),
    Behaviour(
        name="announcement-then-person",
        suffix="56",
        description="An announcement before the answer (early media), then a person.",
        ring_ms=0,
        announcement=(Say(sound="pls-hold-while-try", duration_ms=2_424),),
        steps=(HELLO, Listen()),
        reported=Reported(dial_statuses=("PROGRESS", "ANSWER"), cause=16, tech_cause=None),
    ),
    _refusal("forbidden", "57", 403, "The network does not allow the call."),
    _refusal("server-error", "58", 500, "The network has an error of its own."),
    _refusal("no-codec", "59", 488, "No common sound format."),
    _refusal("busy-everywhere", "60", 600, "Busy, and nowhere else to try."),
)

_BY_SUFFIX = {behaviour.suffix: behaviour for behaviour in BEHAVIOURS if behaviour.suffix}


def behaviour_of(number: str) -> Behaviour:
    """What happens when this number is called. Only its digits count: "+44 7700 900140" is busy.

    Numbers whose last two digits are not in the table are persons who listen.
    """
    digits = "".join(character for character in number if character.isascii() and character.isdigit())
    return _BY_SUFFIX.get(digits[-2:], DEFAULT)


def named(name: str) -> Behaviour:
    """The behaviour of this name. Raises KeyError naming the ones there are."""
    for behaviour in BEHAVIOURS:
        if behaviour.name == name:
            return behaviour
    raise KeyError(f"no behaviour {name!r}; there are: {', '.join(behaviour.name for behaviour in BEHAVIOURS)}")
