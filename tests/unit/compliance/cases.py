"""Random cases: callees whose zones are known by hand, rules, histories, and instants about where clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Any

from app.compliance.load import load_profiles
from app.compliance.rules import Callee, CallKind, Consent, Mark, PastCall, Profile
from app.units import number
from tests.unit.compliance.oracle import MINUTE, Case, wall

HOUR = 60 * MINUTE
AUSTRALIA = [
    "Australia/Adelaide", "Australia/Broken_Hill", "Australia/Brisbane", "Australia/Darwin", "Australia/Eucla",
    "Australia/Hobart", "Australia/Lindeman", "Australia/Lord_Howe", "Australia/Melbourne", "Antarctica/Macquarie",
    "Australia/Perth", "Australia/Sydney",
]  # fmt: skip
PLACES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"number": "+447911123456", "country": "GB", "region": "SCT"}, ["Europe/London"], ["GB"]),
    ({"number": "+447911123456", "country": "GB"}, ["Europe/London"], ["GB"]),
    ({"number": "+33612345678"}, ["Europe/Paris"], ["FR"]),
    ({"number": "+4915112345678"}, ["Europe/Berlin"], ["DE"]),
    ({"number": "+351912345678"}, ["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"], ["PT"]),
    ({"number": "+34612345678"}, ["Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"], ["ES"]),
    ({"number": "+61412345678"}, AUSTRALIA, ["AU"]),
    ({"number": "+61412345678", "region": "NSW"},
     ["Australia/Sydney", "Australia/Broken_Hill", "Australia/Lord_Howe"], ["AU"]),
    ({"number": "+12125550123"}, ["America/New_York"], ["US"]),
    ({"number": "+12125550123", "region": "CA"}, ["America/New_York", "America/Los_Angeles"], ["US"]),
    ({"number": "+13055550123", "region": "FL"}, ["America/New_York", "America/Chicago"], ["US"]),
    ({"number": "+888123456789"}, [], []),
    ({"number": "+888123456789", "country": "RU", "time_zone": "Asia/Yekaterinburg"}, ["Asia/Yekaterinburg"], ["RU"]),
    ({"number": "+447911123456", "time_zone": "Narnia/Wardrobe"}, [], ["GB"]),
    *(({"number": "+4915112345678", "time_zone": zone}, [zone], ["DE"]) for zone in (
        "Africa/Cairo", "Africa/Casablanca", "America/Havana", "America/Nuuk", "America/Santiago", "America/St_Johns",
        "Asia/Beirut", "Asia/Kathmandu", "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Dublin",
        "Pacific/Chatham", "Pacific/Kiritimati",
    )),
]  # fmt: skip
"""A callee; by hand, the zones they may be in, and the countries whose holidays they may keep."""


def _utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


JUMPS = [
    _utc(2026, 3, 29, 1), _utc(2026, 10, 25, 1), _utc(2025, 3, 30, 1), _utc(2025, 10, 26, 1),  # Europe, Azores, Nuuk
    _utc(2026, 3, 8, 7), _utc(2026, 11, 1, 6), _utc(2026, 3, 8, 10), _utc(2026, 11, 1, 9),  # New York, Los Angeles
    _utc(2026, 4, 4, 16), _utc(2026, 10, 3, 16), _utc(2026, 4, 4, 15), _utc(2026, 10, 3, 15, 30),  # Sydney, Lord Howe
    _utc(2026, 4, 5, 3), _utc(2026, 9, 6, 4),  # Santiago: about midnight
    _utc(2026, 4, 23, 22), _utc(2026, 10, 29, 21),  # Cairo: at midnight
    _utc(2026, 3, 28, 22), _utc(2026, 10, 24, 21),  # Beirut: at midnight
    _utc(2026, 3, 8, 5), _utc(2026, 11, 1, 5),  # Havana: at midnight
    _utc(2026, 2, 15, 2), _utc(2026, 3, 22, 2),  # Casablanca: about Ramadan
]  # fmt: skip
"""Instants at which wall clocks jump: every daylight-saving weekend of the places above, in 2026."""
FEASTS = [
    _utc(2026, 1, 2),
    _utc(2026, 4, 3),
    _utc(2026, 12, 25),
    _utc(2026, 7, 14),
    _utc(2026, 3, 17),
    _utc(2026, 5, 9),
]
TIMES = ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "03:00", "08:00", "10:00", "13:00", "20:00", "23:30"]
KEYS = ["person", "number", "debt", "seller", "subject"]
MARKS = [mark.value for mark in Mark]
KINDS = [kind.value for kind in CallKind]
PERIODS = ["1h", "24h", "7d", "30d", "calendar day", "calendar week", "calendar month"]


def some_rules(random: Random, most: int = 3) -> list[dict[str, Any]]:
    """Up to so many rules of chance, as in a profile's file."""
    return [_rule(random, f"r{at}") for at in range(random.randint(1, most))]


def a_case(random: Random, rules: list[dict[str, Any]]) -> Case:
    """A case of chance under these rules, half of them within two days of a jump."""
    callee, zones, countries = random.choice(PLACES)
    callee = dict(callee)
    for key in ("person", "debt", "seller", "subject"):
        callee[key] = random.choice(["", "a", "b"])
    callee["kind"] = random.choice(KINDS)
    callee["consent"] = random.choice(["none", "prior", "prior express written"])
    callee["is_autodialed"] = random.random() < 0.5
    callee["agent_guaranteed"] = random.random() < 0.3
    instant = _instant(random, zones)
    return Case(
        rules=rules,
        callee=callee,
        zones=zones,
        countries=countries,
        instant=instant,
        history=[_past(random, callee["number"], instant) for _ in range(random.randint(0, 8))],
    )


@lru_cache(maxsize=64)
def _jumps_of(zones: tuple[str, ...]) -> list[int]:
    """The jumps of these zones' own clocks, or all where they have none."""
    return [
        at for at in JUMPS for zone in zones if wall(zone, at - 1).utcoffset() != wall(zone, at).utcoffset()
    ] or JUMPS


def _instant(random: Random, zones: list[str]) -> int:
    chance = random.random()
    if chance < 0.5:
        reach = random.choice([2, 48]) * 60
        at = random.choice(_jumps_of(tuple(zones))) + random.randint(-reach, reach) * MINUTE
    elif chance < 0.7:
        at = random.choice(FEASTS) + random.randint(-24 * 60, 48 * 60) * MINUTE
    else:
        at = random.randint(_utc(2024, 1, 1), _utc(2028, 1, 1)) // MINUTE * MINUTE
    return at + random.choice([0, 0, -1, 1, 59_999])


def _past(random: Random, called: str, instant: int) -> dict[str, Any]:
    reach = random.choice([HOUR, 30 * HOUR, 9 * 24 * HOUR, 40 * 24 * HOUR])
    return {
        "at": (instant - random.randint(-HOUR // 20, reach)) // MINUTE * MINUTE,
        "number": random.choice([called, called, "+447911000000"]),
        **{key: random.choice(["", "a", "b"]) for key in ("person", "debt", "seller", "subject")},
        "kind": random.choice(KINDS),
        "marks": random.sample(MARKS, random.randint(0, 2)),
    }


def _rule(random: Random, name: str) -> dict[str, Any]:
    kind = random.choice(["window", "window", "frequency", "frequency", "cooldown", "consent"])
    rule: dict[str, Any] = {"id": name, "kind": kind, "source": "chance"}
    if kind == "window":
        rule["hours"] = [_row(random) for _ in range(random.randint(1, 3))]
    elif kind == "frequency":
        rule |= {"most": random.randint(0, 4) or 1, "period": random.choice(PERIODS), "same": _keys(random)}
        if random.random() < 0.5:
            rule["of"] = [random.choice(KINDS)]
    elif kind == "cooldown":
        rule |= {"after": random.choice(MARKS), "period": random.choice(PERIODS[:4]), "same": _keys(random)}
        if random.random() < 0.5:
            rule["unless"] = "agent guaranteed"
    else:
        rule |= {"needs": random.choice(["prior", "prior express written", "nothing helps"]), "of": [*KINDS]}
        if random.random() < 0.5:
            rule["only"] = ["autodialed"]
        if random.random() < 0.5:
            rule["from"] = random.choice(["2026-03-29", "2026-08-11", "2026-10-25", "2027-06-01"])
    return rule


def _row(random: Random) -> dict[str, Any]:
    start, end = sorted(random.sample([*TIMES, "24:00"], 2))
    days = random.choice(["mon-sun", "mon-fri", "sat-sun", "sun", "mon-fri, sun"])
    row = {"days": days, "from": start, "to": end}
    chance = random.random()
    if chance < 0.2:
        row["days"] = random.choice(["holidays", days + ", holidays"])
    elif chance < 0.4:
        row["except"] = "holidays"
    return row


def _keys(random: Random) -> list[str]:
    return list({random.choice(["person", "number"]), *random.sample(KEYS, random.randint(0, 2))})


@lru_cache(maxsize=64)
def _loaded(content: str) -> Profile:
    return load_profiles({"case": content})["case"]


def for_engine(case: Case) -> tuple[Profile, Callee, list[PastCall]]:
    """The case in the program's words."""
    profile = _loaded(case.as_file())
    facts = dict(case.callee)
    callee = Callee(
        number=number(facts.pop("number")),
        kind=CallKind(facts.pop("kind", "live")),
        consent=Consent[facts.pop("consent", "none").upper().replace(" ", "_")],
        **facts,
    )
    history = [
        PastCall(
            at_ms=past["at"],
            number=number(past["number"]),
            kind=CallKind(past["kind"]),
            marks=frozenset(Mark(mark) for mark in past["marks"]),
            **{key: past[key] for key in ("person", "debt", "seller", "subject")},
        )
        for past in case.history
    ]
    return profile, callee, history
