"""What the pretend telephone network does when a number is called: one table, read by the last two digits of the number.

Any fictional number can be used (+44 7700 900xxx, +1 202 555 01xx, ...): the country does not matter, the last two digits do.
The real network of the laboratory (its dialplan is made from this table) and the simulated one both follow it.

A call is played in three parts: before the answer (`trying_ms`, `ring_ms`, `announcement`), the answer or refusal
(`sip_code`), and after the answer (`steps`). `reported` is what Asterisk's ARI says of it, measured on Asterisk 22.10.
"""

from dataclasses import dataclass

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
    """Press one key (0-9, *, #), as RFC 4733 events."""

    key: str
    duration_ms: int = 120


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


Step = Say | Wait | Press | Tone | Record | HangUp | Listen


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What ARI says of a call to such a number when the caller does nothing but wait (and ends it after the answer)."""

    dial_statuses: tuple[str, ...]
    """`dialstatus` of the Dial events in order, the empty one at the start left out."""
    cause: int
    """Q.850 cause of ChannelDestroyed."""
    tech_cause: int | None
    """SIP code of ChannelDestroyed; None where the event has none."""


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


HELLO = Say(sound="hello", duration_ms=786)
# Nothing in a telephone network refuses a call in no time at all.
QUICKLY_MS = 200

_ANSWERED = Reported(dial_statuses=("RINGING", "ANSWER"), cause=16, tech_cause=200)


def _refused(cause: int, tech_cause: int, *before: str, status: str) -> Reported:
    return Reported(dial_statuses=(*before, status), cause=cause, tech_cause=tech_cause)


def _person(name: str, suffix: str, description: str, *steps: Step) -> Behaviour:
    return Behaviour(name=name, suffix=suffix, description=description, steps=steps, reported=_ANSWERED)


def _refusal(name: str, suffix: str, sip_code: int, description: str, cause: int, status: str) -> Behaviour:
    """A number that is refused before it rings."""
    return Behaviour(
        name=name,
        suffix=suffix,
        description=description,
        trying_ms=QUICKLY_MS,
        ring_ms=0,
        sip_code=sip_code,
        steps=(),
        reported=_refused(cause, sip_code, status=status),
    )


def _presses(name: str, suffix: str, description: str, *keys: tuple[int, str]) -> Behaviour:
    """A person who says hello and presses keys at the given times, counted from the answer."""
    steps: list[Step] = [HELLO]
    clock = HELLO.duration_ms
    for at_ms, key in keys:
        press = Press(key=key)
        if at_ms > clock:
            steps.append(Wait(duration_ms=at_ms - clock))
        steps.append(press)
        clock = max(at_ms, clock) + press.duration_ms
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
        "types-1234#",
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
        "A fax: half a second of silence, the 2100 Hz answer tone for three seconds, hangs up after 20 seconds.",
        Wait(duration_ms=500),
        Tone(frequency_hz=2_100, duration_ms=3_000),
        Wait(duration_ms=20_000),
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
    _refusal("busy", "40", 486, "Busy.", 17, "BUSY"),
    Behaviour(
        name="no-answer",
        suffix="41",
        description="Rings until the caller gives up.",
        ring_ms=None,
        sip_code=None,
        steps=(),
        reported=_refused(19, 480, "RINGING", status="NOANSWER"),
    ),
    _refusal("congestion", "42", 503, "No way through: all circuits busy.", 34, "CONGESTION"),
    Behaviour(
        name="declined",
        suffix="43",
        description="Rings, and the person declines the call.",
        sip_code=603,
        steps=(),
        reported=_refused(21, 603, "RINGING", status="BUSY"),
    ),
    _refusal("invalid-number", "44", 484, "The number is not complete.", 28, "CONGESTION"),
    _refusal("not-in-service", "45", 404, "There is no such number.", 1, "CONGESTION"),
    _refusal("number-changed", "46", 410, "The number has changed.", 22, "CONGESTION"),
    _refusal("unwanted", "47", 607, "The person's phone refuses unwanted callers.", 127, "CONGESTION"),
    _refusal("screened", "48", 608, "The network screens the call out.", 127, "CONGESTION"),
    Behaviour(
        name="rings-then-unavailable",
        suffix="49",
        description="Rings for four seconds, then is temporarily unavailable.",
        ring_ms=4_000,
        sip_code=480,
        steps=(),
        reported=_refused(19, 480, "RINGING", status="NOANSWER"),
    ),
    _refusal("unavailable", "50", 480, "Switched off: unavailable at once.", 19, "NOANSWER"),
    Behaviour(
        name="no-reply",
        suffix="51",
        description="The network never answers the INVITE, not even with 100 Trying.",
        replies=False,
        ring_ms=0,
        sip_code=None,
        steps=(),
        reported=_refused(19, 480, status="NOANSWER"),
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
        reported=_refused(17, 486, "PROGRESS", status="BUSY"),
    ),
    Behaviour(
        name="announcement-then-not-in-service",
        suffix="54",
        description="An announcement before any answer (early media): not in service.",
        ring_ms=0,
        announcement=(Say(sound="ss-noservice", duration_ms=4_937),),
        sip_code=404,
        steps=(),
        reported=_refused(1, 404, "PROGRESS", status="CONGESTION"),
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
        reported=Reported(dial_statuses=("PROGRESS", "ANSWER"), cause=16, tech_cause=200),
    ),
    _refusal("forbidden", "57", 403, "The network does not allow the call.", 21, "BUSY"),
    _refusal("server-error", "58", 500, "The network has an error of its own.", 38, "CONGESTION"),
    _refusal("no-codec", "59", 488, "No common sound format.", 58, "CONGESTION"),
    _refusal("busy-everywhere", "60", 600, "Busy, and nowhere else to try.", 17, "BUSY"),
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
