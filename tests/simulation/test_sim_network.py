"""The simulated network: virtual time, faults, and chance that comes from the seed alone."""

import ast
from pathlib import Path

import pytest

import app.sim
from app.commands import HangUp, PlaceCall, Play, RenewLease
from app.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallRefused,
    CallRinging,
    CallUnknown,
    CommandFailed,
    Event,
    LiveCall,
    PlaybackEnded,
    TelephonyDown,
    TelephonyUp,
)
from app.model import Trunk
from app.sim.facts import Ended, Placed, SoundBegan, WireFact
from app.sim.faults import Faults
from app.sim.network import SimNetwork
from app.sim.trunks import TrunkKind
from app.units import AttemptId, Number, TrunkId
from asterisk.lab.numbers import named

START_MS = 1_000_000
PERSON, RINGS_ON = "+99900000000", "+999000000" + named("no-answer").suffix


class Probe:
    """A network with everything it tells and everything on its wire."""

    def __init__(self, faults: Faults | None = None, seed: int = 1) -> None:
        self.facts: list[WireFact] = []
        self.told: list[tuple[int, Event]] = []
        self.network = SimNetwork(
            seed=seed,
            start_ms=START_MS,
            trunks={"good": TrunkKind.GOOD, "silent": TrunkKind.SILENT},
            length_of=lambda media: 1_000,
            faults=faults or Faults(),
            on_wire=self.facts.append,
        )
        self.network.connect()
        self.pass_ms(0)

    def place(self, name: str, number: str = PERSON, *, trunk: str = "good", lease_ms: int = 60_000) -> AttemptId:
        attempt_id = AttemptId(name)
        self.network.perform(
            PlaceCall(
                attempt_id=attempt_id,
                trunk=Trunk(id=TrunkId(trunk), endpoint=trunk),
                number=Number(number),
                caller_id="",
                ring_timeout_ms=30_000,
                lease_ms=lease_ms,
                language="en",
            )
        )
        return attempt_id

    def pass_ms(self, length_ms: int) -> list[Event]:
        """Let time pass, moment by moment; what was told meanwhile."""
        end_ms = self.network.now_ms + length_ms
        before = len(self.told)
        while (next_ms := self.network.next_event_ms()) is not None and next_ms <= end_ms:
            self.told += [(next_ms, event) for event in self.network.advance_to(next_ms)]
        self.told += [(end_ms, event) for event in self.network.advance_to(end_ms)]
        return [event for _, event in self.told[before:]]

    def names(self) -> list[str]:
        return [type(event).__name__ for _, event in self.told]


def test_the_first_news_is_that_asterisk_is_there() -> None:
    assert Probe().told == [(START_MS, TelephonyUp(is_new_life=False, live=()))]


def test_time_does_not_run_backwards() -> None:
    probe = Probe()
    with pytest.raises(ValueError, match="backwards"):
        probe.network.advance_to(START_MS - 1)


def test_nothing_happens_before_its_time_and_nothing_is_left_when_all_have_ended() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1")
    assert CallAnswered(attempt_id=attempt_id) not in probe.pass_ms(900)
    assert CallAnswered(attempt_id=attempt_id) in probe.pass_ms(600)
    probe.network.perform(HangUp(attempt_id=attempt_id))
    probe.pass_ms(100)
    assert probe.network.next_event_ms() is None
    assert probe.network.live == ()


@pytest.mark.parametrize("seeds", [(7, 7, True), (7, 8, False)])
def test_the_same_seed_tells_the_same_story(seeds: tuple[int, int, bool]) -> None:
    stories = []
    for seed in seeds[:2]:
        probe = Probe(seed=seed)
        for place in range(50):
            probe.place(f"attempt{place}", f"+99900000{place:03d}")
            probe.pass_ms(50)
        probe.pass_ms(60_000)
        stories.append(probe.told)
    assert (stories[0] == stories[1]) is seeds[2]


def test_what_happens_in_a_gap_is_never_told_and_what_lives_is_listed_after_it() -> None:
    probe = Probe()
    ringing, talking = probe.place("ringing1", RINGS_ON), probe.place("talking1")
    hangs_up = probe.place("hangsup1", "+999000000" + named("hangs-up-mid-prompt").suffix)
    probe.pass_ms(2_000)
    probe.network.lose_websocket(5_000)
    assert probe.pass_ms(0) == [TelephonyDown(reason="the websocket was closed")]
    told = probe.pass_ms(6_000)
    assert [type(event) for event in told] == [TelephonyUp]
    up = told[0]
    assert isinstance(up, TelephonyUp)
    assert not up.is_new_life
    assert set(up.live) == {
        LiveCall(attempt_id=ringing, is_in_hand=False),
        LiveCall(attempt_id=talking, is_in_hand=True),
    }
    assert any(isinstance(fact, Ended) and fact.attempt_id == hangs_up for fact in probe.facts)
    assert probe.network.events_lost == 1


def test_an_event_on_its_way_when_the_websocket_drops_is_lost() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1")
    while not any(type(fact).__name__ == "Answered" for fact in probe.facts):
        next_ms = probe.network.next_event_ms()
        assert next_ms is not None
        probe.pass_ms(next_ms - probe.network.now_ms)
    probe.network.lose_websocket(1_000)
    assert CallAnswered(attempt_id=attempt_id) not in probe.pass_ms(2_000)


def test_who_answers_in_a_gap_hears_the_dialplan_and_not_silence() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1")
    probe.pass_ms(500)
    probe.network.lose_websocket(2_000)
    told = probe.pass_ms(10_000)
    assert any(isinstance(fact, SoundBegan) for fact in probe.facts)
    assert not any(isinstance(event, CallAnswered) for event in told)
    assert [type(event) for event in told] == [TelephonyDown, TelephonyUp, CallEnded]
    assert LiveCall(attempt_id=attempt_id, is_in_hand=False) in told[1].live  # type: ignore[union-attr]


def test_nothing_can_be_done_in_a_gap() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1", RINGS_ON)
    probe.pass_ms(500)
    probe.network.lose_websocket(2_000)
    probe.network.perform(HangUp(attempt_id=attempt_id))
    refused = probe.place("attempt2")
    told = probe.pass_ms(100)
    assert [(type(event), getattr(event, "attempt_id", None)) for event in told[1:]] in (
        [(CommandFailed, attempt_id), (CallRefused, refused)],
        [(CallRefused, refused), (CommandFailed, attempt_id)],
    )
    assert sum(isinstance(fact, Placed) for fact in probe.facts) == 1


def test_a_restart_loses_every_call_without_a_word_and_begins_a_new_life() -> None:
    probe = Probe()
    probe.place("attempt1")
    probe.pass_ms(2_000)
    probe.network.restart_asterisk(3_000)
    told = probe.pass_ms(60_000)
    assert [type(event) for event in told] == [TelephonyDown, TelephonyUp]
    assert told[1] == TelephonyUp(is_new_life=True, live=())
    assert probe.network.live == ()


def test_a_restart_in_a_gap_is_told_as_a_new_life() -> None:
    probe = Probe()
    probe.network.lose_websocket(1_000)
    probe.pass_ms(500)
    probe.network.restart_asterisk(3_000)
    assert [type(event) for event in probe.pass_ms(2_000)] == []
    assert probe.pass_ms(2_000) == [TelephonyUp(is_new_life=True, live=())]


def test_a_call_asked_for_as_asterisk_dies_is_unknown() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1")
    probe.network.restart_asterisk(3_000)
    told = probe.pass_ms(1_000)
    assert any(isinstance(event, CallUnknown) and event.attempt_id == attempt_id for event in told)
    assert not any(isinstance(event, CallPlaced) for event in told)


def test_who_comes_back_is_told_of_the_calls_and_nothing_twice() -> None:
    probe = Probe()
    attempt_id = probe.place("attempt1")
    probe.pass_ms(2_000)
    probe.network.disconnect()
    assert probe.pass_ms(1_000) == []
    probe.network.connect()
    assert probe.pass_ms(10) == [
        TelephonyUp(is_new_life=False, live=(LiveCall(attempt_id=attempt_id, is_in_hand=True),))
    ]


def test_a_lease_that_is_not_renewed_ends_the_call_and_is_counted() -> None:
    probe = Probe()
    probe.place("attempt1", lease_ms=5_000)
    renewed = probe.place("attempt2", lease_ms=5_000)
    probe.pass_ms(4_000)
    probe.network.perform(RenewLease(attempt_id=renewed, lease_ms=60_000))
    probe.pass_ms(10_000)
    assert [call.attempt_id for call in probe.network.live] == [renewed]
    assert probe.network.leases_run_out == 1


def shares(faults: Faults, kind: type[Event], calls: int = 400) -> float:
    """The share of calls to people who answer that were told this."""
    probe = Probe(faults)
    for place in range(calls):
        probe.place(f"attempt{place}", f"+999{place:06d}00")
    probe.pass_ms(100_000)
    return sum(isinstance(event, kind) for _, event in probe.told) / calls


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (Faults(refused=0.25), CallRefused),
        (Faults(unknown_placed=0.25), CallUnknown),
        (Faults(unknown_lost=0.25), CallUnknown),
    ],
)
def test_faults_strike_at_their_rate_and_not_at_all_by_default(faults: Faults, kind: type[Event]) -> None:
    assert 0.15 < shares(faults, kind) < 0.35
    assert shares(Faults(), kind) == 0


def test_an_unknown_call_goes_on_or_never_went_out() -> None:
    assert shares(Faults(unknown_placed=1), CallAnswered, 20) == 1
    assert shares(Faults(unknown_lost=1), CallRinging, 20) == 0


def test_a_late_reply_may_come_after_the_end_of_the_call() -> None:
    probe = Probe(Faults(placed_late=1))
    for place in range(20):
        probe.place(f"attempt{place}", f"+999{place:06d}{named('busy').suffix}")
    probe.pass_ms(100_000)
    last = {event.attempt_id: type(event) for _, event in probe.told if isinstance(event, CallPlaced | CallEnded)}
    assert CallPlaced in last.values()
    assert probe.names().count("CallPlaced") == probe.names().count("CallEnded") == 20


def test_a_playback_may_fail() -> None:
    probe = Probe(Faults(playback_failed=1))
    attempt_id = probe.place("attempt1")
    probe.pass_ms(2_000)
    probe.network.perform(Play(attempt_id=attempt_id, playback_id="one", media=("sound:x",)))
    assert probe.pass_ms(100) == [PlaybackEnded(attempt_id=attempt_id, playback_id="one", has_failed=True)]
    assert not any(isinstance(fact, SoundBegan) for fact in probe.facts)


def test_mishaps_come_at_their_rate_and_go_on_coming() -> None:
    probe = Probe(Faults(websocket_losses_per_hour=30, restarts_per_hour=10))
    probe.pass_ms(10 * 3_600_000)
    lives = [event.is_new_life for _, event in probe.told if isinstance(event, TelephonyUp)]
    assert 50 < sum(lives) < 150
    assert 200 < len(lives) - sum(lives) < 400


@pytest.mark.parametrize("wrong", [{"refused": 1.5}, {"refused": -0.1}, {"unknown_placed": 0.6, "unknown_lost": 0.6}])
def test_rates_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"refused|unknown"):
        Faults(**wrong)  # type: ignore[arg-type]


def test_all_rates_are_shown() -> None:
    assert "refused=0.25" in str(Faults(refused=0.25))
    assert "restarts_per_hour=0.0" in str(Faults(refused=0.25))


IMPURE = {"asyncio", "time", "datetime", "secrets", "uuid", "threading", "os", "structlog", "logging"}
SHELL = {"telephony.py", "simulate.py", "count.py"}
CALENDAR = {"law.py"}  # reads dates off a moment it is given
VIRTUAL = {"disk.py", "house.py", "process.py", "virtual.py"}
"""Tasks of simulated processes, whose loops run in virtual time."""


def test_only_the_shell_knows_a_clock_and_nobody_chance_without_a_seed() -> None:
    for path in sorted(Path(app.sim.__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text())
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if path.name not in SHELL:
            allowed = {"asyncio", "logging", "structlog"} if path.name in VIRTUAL else set()
            allowed |= {"datetime"} if path.name in CALENDAR else set()
            assert not imported & (IMPURE - allowed), path.name
        assert "random" not in {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}, path.name
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
        }
        assert used <= {"Random"}, path.name
