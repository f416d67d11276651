"""Phones and rooms of the simulated network: who rings, who is in a room, who hears whom, and what is told of it."""

from collections.abc import Callable

import pytest

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    Music,
    MutePhone,
    OpenRoom,
    Part,
    PartPhone,
    PlayToPhone,
    RecordRoom,
    RenewPhoneLease,
    RingPhone,
    RoomCommand,
    SendKeys,
    SendToQueue,
    Spy,
    StopSpying,
    WatchQueue,
)
from app.agent_events import (
    PersonJoined,
    PhoneAnswered,
    PhoneEnded,
    PhoneFailed,
    PhoneKeyPressed,
    PhoneReachable,
    PhoneRinging,
    QueueAgentConnected,
    QueueAgentLeft,
    QueueReturned,
    QueueSeen,
)
from app.agents import LivePhone, SpyMode
from app.commands import HangUp, PlaceCall, Play, StopRecording
from app.events import (
    CallAnswered,
    CallEnded,
    CallLeft,
    CommandFailed,
    Event,
    PlaybackEnded,
    RecordingEnded,
    TelephonyUp,
)
from app.model import Trunk
from app.sim.facts import Entered, Exited, Hears, PhoneGone, Recorded, Sound, WireFact
from app.sim.faults import Faults
from app.sim.handsets import ANSWERS, DECLINES, PUTS_DOWN, RINGS_ON, PhoneHabit
from app.sim.legs import Legs
from app.sim.network import SimNetwork
from app.sim.queues import QueueHabit
from app.sim.rooms import MUSIC
from app.sim.trunks import TrunkKind
from app.units import AttemptId, LegId, Number, RoomId, TrunkId
from asterisk.lab.numbers import named

START_MS = 1_000_000
ROOM, OTHER_ROOM = RoomId("session1-room"), RoomId("session2-room")
PERSON = AttemptId("attempt1")
PHONES = {
    "desk": ANSWERS,
    "desk2": ANSWERS,
    "boss": PhoneHabit(),
    "nobody": RINGS_ON,
    "no": DECLINES,
    "tired": PUTS_DOWN,
}


class Probe:
    """A network with phones, everything it tells and everything on its wire."""

    def __init__(
        self,
        faults: Faults | None = None,
        phones: dict[str, PhoneHabit] | None = None,
        queues: dict[str, QueueHabit] | None = None,
    ) -> None:
        self.facts: list[WireFact] = []
        self.told: list[tuple[int, Event]] = []
        self.network = SimNetwork(
            seed=1,
            start_ms=START_MS,
            trunks={"good": TrunkKind.GOOD, "silent": TrunkKind.SILENT, "rejecting": TrunkKind.REJECTING},
            length_of=lambda media: None if "missing" in media else 1_000,
            faults=faults or Faults(),
            on_wire=self.facts.append,
            phones=PHONES if phones is None else phones,
            queues=queues,
        )
        self.network.connect()
        self.pass_ms(0)

    def pass_ms(self, length_ms: int) -> list[Event]:
        """Let time pass, moment by moment; what was told meanwhile, but for phones that can be reached."""
        end_ms = self.network.now_ms + length_ms
        before = len(self.told)
        while (next_ms := self.network.next_event_ms()) is not None and next_ms <= end_ms:
            self.told += [(next_ms, event) for event in self.network.advance_to(next_ms)]
        self.told += [(end_ms, event) for event in self.network.advance_to(end_ms)]
        told = [event for _, event in self.told[before:]]
        return [event for event in told if not (isinstance(event, PhoneReachable) and event.is_reachable)]

    def do(self, *commands: RoomCommand | HangUp | Play | StopRecording | SendToQueue) -> list[Event]:
        """Give commands; what is told within a tenth of a second."""
        for command in commands:
            self.network.perform(command)
        return self.pass_ms(100)

    def ring(self, endpoint: str, leg: str = "session1-p1", *, lease_ms: int = 60_000) -> LegId:
        """Ring a phone."""
        self.network.perform(
            RingPhone(
                leg_id=LegId(leg),
                endpoint=endpoint,
                shown_name="Sales",
                shown_number="",
                ring_timeout_ms=10_000,
                lease_ms=lease_ms,
                has_auto_answer=True,
            )
        )
        return LegId(leg)

    def seat(self, endpoint: str = "desk", leg: str = "session1-p1", room: RoomId = ROOM) -> LegId:
        """A phone that is up, in a room."""
        leg_id = self.ring(endpoint, leg)
        self.pass_ms(2_000)
        self.do(OpenRoom(room_id=room, leg_id=leg_id), ConnectPhone(leg_id=leg_id, room_id=room))
        return leg_id

    def person(self, attempt_id: AttemptId = PERSON, number: str = "+99900000000") -> AttemptId:
        """A person who has answered."""
        self.network.perform(
            PlaceCall(
                attempt_id=attempt_id,
                trunk=Trunk(id=TrunkId("good"), endpoint="good"),
                number=Number(number),
                caller_id="",
                ring_timeout_ms=30_000,
                lease_ms=600_000,
                language="en",
            )
        )
        assert CallAnswered(attempt_id=attempt_id) in self.pass_ms(2_000)
        return attempt_id

    def sounds(self, attempt_id: AttemptId = PERSON) -> list[Sound]:
        """What a person heard, one after the other."""
        return [fact.sound for fact in self.facts if isinstance(fact, Hears) and fact.attempt_id == attempt_id]


# --- phones ----------------------------------------------------------------------------------------------------------


def test_a_phone_rings_and_is_answered_and_put_down() -> None:
    probe = Probe()
    leg_id = probe.ring("tired")
    assert probe.pass_ms(60_000) == [
        PhoneRinging(leg_id=leg_id),
        PhoneAnswered(leg_id=leg_id),
        PhoneEnded(leg_id=leg_id, reason="the phone was put down"),
    ]
    assert probe.network.live_phones == ()


def test_a_phone_that_knows_how_answers_by_itself_when_asked_to() -> None:
    probe = Probe()
    leg_id = probe.ring("desk")
    assert probe.pass_ms(300) == [PhoneRinging(leg_id=leg_id), PhoneAnswered(leg_id=leg_id)]


@pytest.mark.parametrize(("endpoint", "within_ms"), [("nobody", 11_000), ("no", 1_000)])
def test_a_phone_that_nobody_answers_or_that_declines_has_ended(endpoint: str, within_ms: int) -> None:
    probe = Probe()
    leg_id = probe.ring(endpoint)
    ringing, ended = probe.pass_ms(within_ms)
    assert ringing == PhoneRinging(leg_id=leg_id)
    assert isinstance(ended, PhoneEnded)
    assert not ended.was_refused


@pytest.mark.parametrize("endpoint", ["unheard-of", "desk"])
def test_a_phone_that_is_not_registered_was_refused(endpoint: str) -> None:
    probe = Probe()
    probe.network.phones.unregister("desk")
    assert probe.pass_ms(10) == []
    leg_id = probe.ring(endpoint)
    ended = [event for event in probe.pass_ms(60_000) if isinstance(event, PhoneEnded)]
    assert [(event.leg_id, event.was_refused) for event in ended] == [(leg_id, True)]
    probe.network.phones.register("desk")
    probe.ring("desk")
    assert PhoneAnswered(leg_id=leg_id) in probe.pass_ms(1_000)


def test_whether_a_phone_can_be_reached_is_told_from_its_first_ring_on() -> None:
    probe = Probe()
    phones = probe.network.phones

    def told() -> list[bool]:
        probe.pass_ms(10)
        return [event.is_reachable for _, event in probe.told if isinstance(event, PhoneReachable)]

    phones.unregister("desk")
    phones.register("desk")
    assert told() == []
    probe.ring("desk")
    assert told() == [True]
    phones.unregister("desk")
    assert told() == [True, False]
    probe.network.lose_websocket(1_000)
    phones.register("desk")
    assert told() == [True, False]
    probe.pass_ms(1_000)
    assert told() == [True, False, True]


def test_a_phone_in_a_call_is_busy() -> None:
    probe = Probe()
    probe.seat()
    second = probe.ring("desk", "session1-p2")
    [ended] = probe.pass_ms(1_000)
    assert isinstance(ended, PhoneEnded)
    assert ended.leg_id == second


@pytest.mark.parametrize("lose", [Legs.lose_sound, lambda legs, endpoint: legs.lose_phone(endpoint, 60_000)])
def test_a_phone_whose_sound_stops_or_that_is_cut_off_is_missed_within_three_seconds(
    lose: Callable[[Legs, str], None],
) -> None:
    probe = Probe()
    leg_id = probe.seat()
    lose(probe.network.phones, "desk")
    ended = [event for event in probe.pass_ms(3_000) if isinstance(event, PhoneEnded)]
    assert [event.leg_id for event in ended] == [leg_id]


def test_a_lease_ends_the_phones_call_unless_it_is_renewed() -> None:
    probe = Probe()
    leg_id = probe.ring("desk", lease_ms=5_000)
    probe.pass_ms(4_000)
    probe.do(RenewPhoneLease(leg_id=leg_id, lease_ms=10_000))
    assert not probe.pass_ms(8_000)
    assert [type(event) for event in probe.pass_ms(6_000)] == [PhoneEnded]
    assert probe.network.leases_run_out == 1


def test_keys_on_the_phone_are_told() -> None:
    probe = Probe()
    leg_id = probe.seat("boss")
    probe.network.phones.press("boss", "5")
    assert probe.pass_ms(10) == [PhoneKeyPressed(leg_id=leg_id, digit="5")]


def test_a_third_party_is_dialed_over_a_trunk_and_behaves_as_its_number_does() -> None:
    probe = Probe()

    def dial(leg: str, trunk: str, ending: str) -> list[str]:
        probe.network.perform(
            DialParty(
                leg_id=LegId(leg),
                trunk=Trunk(id=TrunkId(trunk), endpoint=trunk),
                number=Number(f"+999000000{ending}"),
                caller_id="",
                ring_timeout_ms=5_000,
                lease_ms=60_000,
            )
        )
        return [type(event).__name__ for event in probe.pass_ms(50_000) if getattr(event, "leg_id", "") == leg]

    assert dial("session1-c1", "good", "00") == ["PhoneRinging", "PhoneAnswered"]
    assert dial("session1-c2", "good", named("busy").suffix) == ["PhoneEnded"]
    assert dial("session1-c3", "good", named("no-answer").suffix) == ["PhoneRinging", "PhoneEnded"]
    assert dial("session1-c4", "silent", "00") == ["PhoneEnded"]
    assert dial("session1-c5", "rejecting", "00") == ["PhoneEnded"]
    assert dial("session1-c6", "unknown", "00") == ["PhoneEnded"]


# --- rooms -----------------------------------------------------------------------------------------------------------


def test_a_person_and_an_agent_hear_each_other_in_a_room() -> None:
    probe = Probe()
    leg_id = probe.seat()
    person = probe.person()
    assert probe.network.heard_by(person) == frozenset()
    assert probe.do(Connect(attempt_id=person, room_id=ROOM)) == [PersonJoined(attempt_id=person, room_id=ROOM)]
    assert probe.network.heard_by(person) == {leg_id}
    assert probe.network.heard_by(leg_id) == {person}
    assert probe.sounds() == [Sound.COMPANY]
    probe.do(Part(attempt_id=person, room_id=ROOM))
    assert probe.network.heard_by(person) == frozenset()
    assert probe.sounds() == [Sound.COMPANY, Sound.SILENCE]


def test_what_happens_in_rooms_is_on_the_wire() -> None:
    probe = Probe()
    leg_id = probe.seat()
    person = probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    probe.do(HangUp(attempt_id=person), HangUpPhone(leg_id=leg_id))
    seen = [type(fact) for fact in probe.facts if isinstance(fact, Entered | Exited | PhoneGone)]
    assert sorted(map(str, seen)) == sorted(map(str, [Entered, Entered, Exited, Exited, PhoneGone]))


def test_connecting_ends_music_and_what_is_being_played_at_once() -> None:
    probe = Probe()
    probe.seat()
    person = probe.person()
    probe.do(Music(attempt_id=person, is_on=True))
    assert probe.network.heard_by(person) == {MUSIC}
    probe.do(Play(attempt_id=person, playback_id="one", media=("sound:x",)))
    assert probe.do(Connect(attempt_id=person, room_id=ROOM)) == [
        PlaybackEnded(attempt_id=person, playback_id="one"),
        PersonJoined(attempt_id=person, room_id=ROOM),
    ]
    assert probe.sounds() == [Sound.MUSIC, Sound.PROMPT, Sound.COMPANY]


def test_who_is_alone_in_a_musical_room_hears_music_and_in_another_nothing() -> None:
    probe = Probe()
    leg_id = probe.seat()
    assert probe.network.heard_by(leg_id) == frozenset()
    probe.do(OpenRoom(room_id=ROOM, leg_id=leg_id, is_musical=True))
    assert probe.network.heard_by(leg_id) == {MUSIC}
    person = probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    assert probe.network.heard_by(leg_id) == {person}


def test_a_muted_phone_is_not_heard_and_hears() -> None:
    probe = Probe()
    leg_id = probe.seat()
    person = probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM), MutePhone(leg_id=leg_id, is_on=True))
    assert probe.network.heard_by(person) == frozenset()
    assert probe.network.heard_by(leg_id) == {person}
    probe.do(MutePhone(leg_id=leg_id, is_on=False))
    assert probe.network.heard_by(person) == {leg_id}


def test_a_conference_is_a_room_of_three() -> None:
    probe = Probe()
    first, second, person = probe.seat(), probe.seat("desk2", "session2-p1", OTHER_ROOM), probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM), ConnectPhone(leg_id=second, room_id=ROOM))
    assert probe.network.heard_by(first) == {person, second}
    assert probe.network.heard_by(person) == {first, second}
    assert LivePhone(leg_id=second, is_up=True, room_id=ROOM) in probe.network.live_phones


def test_a_room_that_is_closed_leaves_everybody_up_and_alone() -> None:
    probe = Probe()
    leg_id, person = probe.seat(), probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    assert probe.do(CloseRoom(room_id=ROOM), CloseRoom(room_id=OTHER_ROOM)) == []
    assert (probe.network.heard_by(person), probe.network.heard_by(leg_id)) == (frozenset(), frozenset())
    assert len(probe.network.live) == len(probe.network.live_phones) == 1


@pytest.mark.parametrize(
    ("mode", "agent_hears", "person_hears"),
    [(SpyMode.LISTEN, set(), set()), (SpyMode.WHISPER, {"boss0001-s1"}, set())],
)
def test_a_supervisor_hears_both_and_is_heard_by_the_agent_at_most(
    mode: SpyMode, agent_hears: set[str], person_hears: set[str]
) -> None:
    probe = Probe()
    leg_id, person = probe.seat(), probe.person()
    boss = probe.ring("boss", "boss0001-s1")
    probe.pass_ms(2_000)
    probe.do(Connect(attempt_id=person, room_id=ROOM), Spy(leg_id=boss, target=leg_id, mode=mode))
    assert probe.network.heard_by(boss) == {leg_id, person}
    assert probe.network.heard_by(leg_id) == {person} | agent_hears
    assert probe.network.heard_by(person) == {leg_id} | person_hears
    probe.do(StopSpying(leg_id=boss))
    assert probe.network.heard_by(boss) == frozenset()
    probe.do(ConnectPhone(leg_id=boss, room_id=ROOM))
    assert probe.network.heard_by(person) == {leg_id, boss}


def test_a_recording_of_a_room_is_told_at_its_end_though_the_person_has_gone() -> None:
    probe = Probe()
    probe.seat()
    person = probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    probe.do(RecordRoom(attempt_id=person, room_id=ROOM, name="attempt1-talk", max_length_ms=60_000))
    assert any(isinstance(fact, Recorded) and fact.room_id == ROOM for fact in probe.facts)
    probe.pass_ms(3_500)
    probe.do(HangUp(attempt_id=person))
    assert probe.do(StopRecording(attempt_id=person, name="attempt1-talk")) == [
        RecordingEnded(attempt_id=person, name="attempt1-talk", length_ms=3_000)
    ]


@pytest.mark.parametrize(
    "command",
    [
        Connect(attempt_id=PERSON, room_id=RoomId("no-room")),
        Part(attempt_id=PERSON, room_id=RoomId("no-room")),
        RecordRoom(attempt_id=PERSON, room_id=RoomId("no-room"), name="attempt1-x", max_length_ms=1_000),
        Connect(attempt_id=AttemptId("attempt9"), room_id=ROOM),
        Music(attempt_id=AttemptId("attempt9"), is_on=True),
        SendKeys(attempt_id=AttemptId("attempt9"), digits="1"),
        ConnectPhone(leg_id=LegId("session1-p1"), room_id=RoomId("no-room")),
        PartPhone(leg_id=LegId("session1-p1"), room_id=OTHER_ROOM),
        PlayToPhone(leg_id=LegId("session1-p1"), media=("sound:missing",)),
        MutePhone(leg_id=LegId("session9-p1"), is_on=True),
        Spy(leg_id=LegId("session1-p1"), target=LegId("session9-p1"), mode=SpyMode.LISTEN),
        RingPhone(
            leg_id=LegId("session1-p1"),
            endpoint="desk2",
            shown_name="",
            shown_number="",
            ring_timeout_ms=1_000,
            lease_ms=1_000,
            has_auto_answer=True,
        ),
    ],
)
def test_what_cannot_be_done_is_told(command: RoomCommand) -> None:
    probe = Probe()
    probe.seat()
    probe.person()
    [failed] = probe.do(command)
    assert isinstance(failed, CommandFailed | PhoneFailed)
    assert failed.command == type(command).__name__
    assert failed.reason


def test_ending_what_has_ended_is_no_failure() -> None:
    probe = Probe()
    gone = LegId("session9-p1")
    assert probe.do(HangUpPhone(leg_id=gone), StopSpying(leg_id=gone), CloseRoom(room_id=ROOM)) == []


def test_a_phone_hung_up_as_soon_as_it_was_rung_has_ended_once() -> None:
    probe = Probe()
    leg_id = probe.ring("desk")
    told = probe.do(HangUpPhone(leg_id=leg_id))
    assert [type(event) for event in told] == [PhoneEnded]
    assert probe.pass_ms(60_000) == []


# --- away and back ---------------------------------------------------------------------------------------------------


def test_who_comes_back_is_told_of_phones_and_rooms() -> None:
    probe = Probe()
    leg_id, person = probe.seat(), probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    probe.network.lose_websocket(1_000)
    up = probe.pass_ms(2_000)[-1]
    assert isinstance(up, TelephonyUp)
    assert up.phones == (LivePhone(leg_id=leg_id, is_up=True, room_id=ROOM),)
    assert [call.room_id for call in up.live] == [ROOM]


def test_a_phone_that_is_answered_with_nobody_there_is_ended_by_the_dialplan() -> None:
    probe = Probe()
    leg_id = probe.ring("boss")
    probe.pass_ms(300)
    probe.network.lose_websocket(2_000)
    ups = [event for event in probe.pass_ms(2_500) if isinstance(event, TelephonyUp)]
    assert [up.phones for up in ups] == [(LivePhone(leg_id=leg_id, is_up=False),)]  # it hears that nobody is there
    assert [type(event) for event in probe.pass_ms(2_000)] == [PhoneEnded]


def test_a_restart_ends_phones_and_rooms_without_a_word() -> None:
    probe = Probe()
    leg_id, person = probe.seat(), probe.person()
    probe.do(Connect(attempt_id=person, room_id=ROOM))
    probe.network.restart_asterisk(1_000)
    told = probe.pass_ms(5_000)
    assert [fact.leg_id for fact in probe.facts if isinstance(fact, PhoneGone)] == [leg_id]
    assert not any(isinstance(event, PhoneEnded) for event in told)
    assert told[-1] == TelephonyUp(is_new_life=True)
    again = probe.ring("desk", "session1-p2")
    probe.pass_ms(1_000)
    assert [type(event) for event in probe.do(ConnectPhone(leg_id=again, room_id=ROOM))] == [PhoneFailed]


def test_nothing_can_be_done_with_phones_in_a_gap() -> None:
    probe = Probe()
    leg_id = probe.seat()
    probe.network.lose_websocket(1_000)
    probe.pass_ms(0)
    other = probe.ring("desk2", "session2-p1")
    told = probe.do(MutePhone(leg_id=leg_id, is_on=True))
    assert {type(event) for event in told} == {PhoneEnded, PhoneFailed}
    assert PhoneEnded(leg_id=other, reason="Asterisk cannot be reached", was_refused=True) in told


def test_faults_strike_phones_and_rooms() -> None:
    probe = Probe(Faults(phone_refused=1))
    leg_id = probe.ring("desk")
    assert probe.pass_ms(100) == [PhoneEnded(leg_id=leg_id, reason="Asterisk failed", was_refused=True)]
    probe = Probe(Faults(room_failed=1))
    probe.seat()
    assert [type(event) for event in probe.do(Connect(attempt_id=probe.person(), room_id=ROOM))] == [CommandFailed]
    probe = Probe(Faults(phones_lost_per_hour=60, phone_gap_ms=5_000), {"desk": ANSWERS})
    probe.ring("desk")
    probe.pass_ms(3_600_000)
    assert 30 < sum(isinstance(event, PhoneReachable) and event.is_reachable for _, event in probe.told) < 90


# --- queues of the PBX's own -----------------------------------------------------------------------------------------


def in_queue(habit: QueueHabit, wait_ms: int = 60_000) -> Probe:
    """A person who was sent to a queue."""
    probe = Probe(queues={"sales": habit})
    person = probe.person()
    probe.network.perform(WatchQueue(queue="sales", is_on=True))
    told = probe.do(SendToQueue(attempt_id=person, queue="sales", wait_ms=wait_ms))
    assert CallLeft(attempt_id=person) in told
    assert probe.sounds()[-1] is Sound.MUSIC
    assert [call.is_in_queue for call in probe.network.live] == [True]
    return probe


def test_a_person_in_a_queue_meets_a_member_and_comes_back_when_the_member_hangs_up() -> None:
    probe = in_queue(QueueHabit(hangs_up=1))
    told = [event for event in probe.pass_ms(200_000) if not isinstance(event, QueueSeen)]
    assert [type(event) for event in told] == [QueueAgentConnected, QueueAgentLeft, QueueReturned]
    assert isinstance(told[-1], QueueReturned)
    assert told[-1].has_talked
    assert [call.is_in_hand for call in probe.network.live] == [True]
    assert probe.sounds()[-2:] == [Sound.COMPANY, Sound.SILENCE]


def test_a_person_who_hangs_up_on_a_queues_member_has_talked_and_is_gone() -> None:
    probe = in_queue(QueueHabit(hangs_up=0))
    told = [event for event in probe.pass_ms(400_000) if not isinstance(event, QueueSeen)]
    assert [type(event) for event in told] == [QueueAgentConnected, QueueAgentLeft, CallEnded]


def test_nobody_in_the_queue_gives_the_person_back() -> None:
    probe = in_queue(QueueHabit(members=0), wait_ms=5_000)
    told = [event for event in probe.pass_ms(6_000) if not isinstance(event, QueueSeen)]
    assert told == [QueueReturned(attempt_id=PERSON, has_talked=False, reason="TIMEOUT")]


def test_a_watched_queue_is_told_as_it_changes_and_an_unknown_one_as_that() -> None:
    probe = in_queue(QueueHabit(members=1, hangs_up=1))
    probe.pass_ms(200_000)
    seen = [(event.available, event.waiting) for _, event in probe.told if isinstance(event, QueueSeen)]
    assert seen[0] == (1, 0)
    assert (0, 0) in seen
    assert seen[-1] == (1, 0)
    probe.network.perform(WatchQueue(queue="nobody", is_on=True))
    [unseen] = probe.pass_ms(100)
    assert isinstance(unseen, QueueSeen)
    assert unseen.trouble
    [failed] = probe.do(SendToQueue(attempt_id=PERSON, queue="nobody", wait_ms=1_000))
    assert isinstance(failed, CommandFailed)
