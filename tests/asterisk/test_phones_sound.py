"""Who hears whom, by tones on real phones and real calls: connected, held, transferred, in conference, spied on."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import pytest_asyncio

from app.agent_commands import (
    Connect,
    Music,
    MutePhone,
    Part,
    PlayToPhone,
    RecordRoom,
    SendKeys,
    Spy,
    StopSpying,
)
from app.agent_events import PersonJoined
from app.agents import SpyMode
from app.commands import Play, StopRecording
from app.events import PlaybackEnded, RecordingEnded
from asterisk.lab import Lab
from asterisk.lab.phones import Phone
from tests.asterisk.floor import (
    AGENT_HZ,
    OTHER_HZ,
    PERSON_HZ,
    SUPERVISOR_HZ,
    Agent,
    Called,
    Floor,
    room_of,
)
from tests.asterisk.tellers import heard
from tests.asterisk.tones import EDGES_MS, Sound, heard_ms, length_ms, rest_ms, sound

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

LISTENS_S = 1.2
MOST_MS = 900
"""A tone that is heard all the time is heard for this long while LISTENS_S pass."""
NEVER_MS = 0
_names = iter("abcdefghijklmnopqrstuvwxyz")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[tuple[Lab, list[Phone]]]:
    """A laboratory with a phone for everybody."""
    async with Lab(lines=40, phones=40) as lab:
        yield lab, list(lab.phones.values())


@pytest_asyncio.fixture(loop_scope="session")
async def floor(house: tuple[Lab, list[Phone]]) -> AsyncIterator[Floor]:
    """An empty floor."""
    lab, phones = house
    async with Floor(lab, f"floor{next(_names)}", phones) as made:
        yield made


async def sounds(*who: Agent | Called) -> Iterator[Sound]:
    return iter(await heard(LISTENS_S, *who))


async def assert_both_ways(agent: Agent, person: Called, agent_hz: int = AGENT_HZ) -> None:
    """They hear each other, all the time, and nothing else."""
    at_agent, at_person = await sounds(agent, person)
    assert heard_ms(at_agent, PERSON_HZ) >= MOST_MS
    assert heard_ms(at_person, agent_hz) >= MOST_MS
    assert rest_ms(at_agent, PERSON_HZ) <= EDGES_MS
    assert rest_ms(at_person, agent_hz) <= EDGES_MS


async def test_before_they_are_connected_nobody_hears_anybody(floor: Floor) -> None:
    agent, person = await floor.agent(), await floor.person()
    await agent.speak(AGENT_HZ)
    await person.speak(PERSON_HZ)
    for ear in await sounds(agent, person):
        assert rest_ms(ear) <= EDGES_MS


async def test_connected_they_hear_each_other(floor: Floor) -> None:
    await assert_both_ways(*await floor.talking())


async def test_the_person_is_heard_from_the_moment_of_connecting(floor: Floor) -> None:
    agent, person = await floor.agent(), await floor.person()
    await agent.speak(AGENT_HZ)
    await person.speak(PERSON_HZ)
    at_agent, at_person = await heard(joined_for_a_second(floor, agent, person), agent, person)
    assert heard_ms(at_agent, PERSON_HZ) >= 800
    assert heard_ms(at_person, AGENT_HZ) >= 800


async def joined_for_a_second(floor: Floor, agent: Agent, person: Called) -> None:
    await floor.connect(person, room_of(agent))
    await asyncio.sleep(1.0)


async def test_held_the_person_hears_music_and_back_they_hear_each_other(floor: Floor) -> None:
    agent, person = await floor.talking()
    floor.do(
        Part(attempt_id=person.attempt_id, room_id=room_of(agent)), Music(attempt_id=person.attempt_id, is_on=True)
    )
    await asyncio.sleep(0.3)
    at_agent, at_person = await heard(3.0, agent, person)
    assert heard_ms(at_agent, PERSON_HZ) == NEVER_MS
    assert heard_ms(at_person, AGENT_HZ) == NEVER_MS
    assert rest_ms(at_person, above=60) > 500, "music"
    await floor.connect(person, room_of(agent))
    await assert_both_ways(agent, person)


async def test_moved_to_another_room_the_person_hears_its_agent_and_not_the_first(floor: Floor) -> None:
    agent, person = await floor.talking()
    other = await floor.agent()
    await other.speak(OTHER_HZ)
    await floor.connect(person, room_of(other))
    at_agent, at_other, at_person = await sounds(agent, other, person)
    assert rest_ms(at_agent) <= EDGES_MS
    assert heard_ms(at_other, PERSON_HZ) >= MOST_MS
    assert heard_ms(at_person, OTHER_HZ) >= MOST_MS
    assert heard_ms(at_person, AGENT_HZ) == NEVER_MS


async def test_in_a_conference_everybody_hears_the_two_others_and_not_themselves(floor: Floor) -> None:
    agent, person = await floor.talking()
    third = await floor.third()
    await third.speak(OTHER_HZ)
    await floor.bring(third, room_of(agent))
    await asyncio.sleep(0.3)
    ears = await sounds(agent, person, third)
    voices = (AGENT_HZ, PERSON_HZ, OTHER_HZ)
    for ear, own in zip(ears, voices, strict=True):
        for voice in voices:
            assert (heard_ms(ear, voice) >= MOST_MS) is (voice != own)


async def test_a_consulted_party_does_not_hear_the_person_who_waits(floor: Floor) -> None:
    agent, person = await floor.talking()
    third = await floor.third()
    await third.speak(OTHER_HZ)
    floor.do(
        Part(attempt_id=person.attempt_id, room_id=room_of(agent)), Music(attempt_id=person.attempt_id, is_on=True)
    )
    await floor.bring(third, room_of(agent))
    at_agent, at_person, at_third = await sounds(agent, person, third)
    assert heard_ms(at_agent, OTHER_HZ) >= MOST_MS
    assert heard_ms(at_third, AGENT_HZ) >= MOST_MS
    assert heard_ms(at_third, PERSON_HZ) == NEVER_MS
    assert heard_ms(at_person, OTHER_HZ) == heard_ms(at_person, AGENT_HZ) == NEVER_MS


async def test_a_muted_agent_hears_and_is_not_heard(floor: Floor) -> None:
    agent, person = await floor.talking()
    floor.do(MutePhone(leg_id=agent.leg_id, is_on=True))
    await asyncio.sleep(0.2)
    at_agent, at_person = await sounds(agent, person)
    assert heard_ms(at_agent, PERSON_HZ) >= MOST_MS
    assert rest_ms(at_person) <= EDGES_MS
    floor.do(MutePhone(leg_id=agent.leg_id, is_on=False))
    await asyncio.sleep(0.2)
    await assert_both_ways(agent, person)


# --- supervisors -----------------------------------------------------------------------------------------------------


async def test_who_listens_hears_both_and_is_heard_by_nobody(floor: Floor) -> None:
    agent, person = await floor.talking()
    boss = await supervisor(floor, agent, SpyMode.LISTEN)
    at_agent, at_person, at_boss = await sounds(agent, person, boss)
    assert heard_ms(at_boss, AGENT_HZ) >= MOST_MS
    assert heard_ms(at_boss, PERSON_HZ) >= MOST_MS
    assert max(rest_ms(at_agent, PERSON_HZ), rest_ms(at_person, AGENT_HZ)) <= EDGES_MS


async def test_a_whisper_is_heard_by_the_agent_alone(floor: Floor) -> None:
    agent, person = await floor.talking()
    boss = await supervisor(floor, agent, SpyMode.WHISPER)
    at_agent, at_person, at_boss = await sounds(agent, person, boss)
    assert heard_ms(at_agent, SUPERVISOR_HZ) >= MOST_MS
    assert heard_ms(at_agent, PERSON_HZ) >= MOST_MS
    assert heard_ms(at_person, AGENT_HZ) >= MOST_MS
    assert rest_ms(at_person, AGENT_HZ) <= EDGES_MS, "the person must not hear the supervisor"
    assert heard_ms(at_boss, AGENT_HZ) >= MOST_MS
    assert heard_ms(at_boss, PERSON_HZ) >= MOST_MS


async def test_whispering_ends_with_going_back_to_listening_and_all_ends_with_stopping(floor: Floor) -> None:
    agent, _person = await floor.talking()
    boss = await supervisor(floor, agent, SpyMode.WHISPER)
    floor.do(Spy(leg_id=boss.leg_id, target=agent.leg_id, mode=SpyMode.LISTEN))
    await asyncio.sleep(0.3)
    at_agent, at_boss = await sounds(agent, boss)
    assert heard_ms(at_agent, SUPERVISOR_HZ) == NEVER_MS
    assert heard_ms(at_boss, PERSON_HZ) >= MOST_MS
    floor.do(StopSpying(leg_id=boss.leg_id))
    await asyncio.sleep(0.3)
    (at_boss,) = await sounds(boss)
    assert rest_ms(at_boss) <= EDGES_MS


async def test_who_barges_in_is_heard_by_everybody(floor: Floor) -> None:
    agent, person = await floor.talking()
    boss = await supervisor(floor, agent, SpyMode.LISTEN)
    await floor.bring(boss, room_of(agent))
    await asyncio.sleep(0.3)
    at_agent, at_person, at_boss = await sounds(agent, person, boss)
    assert min(heard_ms(at_agent, SUPERVISOR_HZ), heard_ms(at_person, SUPERVISOR_HZ)) >= MOST_MS
    assert min(heard_ms(at_boss, AGENT_HZ), heard_ms(at_boss, PERSON_HZ)) >= MOST_MS


async def supervisor(floor: Floor, agent: Agent, mode: SpyMode) -> Agent:
    boss = await floor.agent(kind="s", in_room=False)
    await boss.speak(SUPERVISOR_HZ)
    floor.do(Spy(leg_id=boss.leg_id, target=agent.leg_id, mode=mode))
    await asyncio.sleep(0.4)
    return boss


# --- what the agent alone hears, what the person alone hears ---------------------------------------------------------


async def test_the_beep_is_the_agents_alone_and_keeps_nobody_waiting(floor: Floor) -> None:
    agent, person = await floor.agent(), await floor.person()
    await person.speak(PERSON_HZ)

    async def beep_and_connect() -> None:
        floor.do(PlayToPhone(leg_id=agent.leg_id, media=("tone:beep",)))
        await joined_for_a_second(floor, agent, person)

    at_agent, at_person = await heard(beep_and_connect(), agent, person)
    assert 100 <= rest_ms(at_agent, PERSON_HZ) <= 300, "the beep"
    assert heard_ms(at_agent, PERSON_HZ) >= 600
    assert rest_ms(at_person) <= EDGES_MS


async def test_a_name_whispered_to_the_agent_hides_nobody(floor: Floor) -> None:
    agent, person = await floor.talking()

    async def whisper() -> None:
        floor.do(PlayToPhone(leg_id=agent.leg_id, media=("sound:im-sorry",)))
        await asyncio.sleep(2.0)

    at_agent, at_person = await heard(whisper(), agent, person)
    assert rest_ms(at_agent, PERSON_HZ, above=500) >= 400, "words"
    assert heard_ms(at_agent, PERSON_HZ) >= 1_500
    assert heard_ms(at_person, AGENT_HZ) >= 1_800
    assert rest_ms(at_person, AGENT_HZ) <= EDGES_MS


async def test_an_agent_alone_hears_what_is_played_to_them(floor: Floor) -> None:
    agent = await floor.agent()

    async def play() -> None:
        floor.do(PlayToPhone(leg_id=agent.leg_id, media=("tone:beep", "sound:im-sorry")))
        await asyncio.sleep(2.0)

    (at_agent,) = await heard(play(), agent)
    assert rest_ms(at_agent, above=500) >= 500


async def test_music_for_the_lone_agent_stops_for_the_person_and_comes_back(floor: Floor) -> None:
    agent, person = await floor.agent(is_musical=True), await floor.person()
    (at_agent,) = await heard(4.0, agent)
    assert rest_ms(at_agent, above=60) > 500, "music"
    await floor.connect(person, room_of(agent))
    await agent.speak(AGENT_HZ)
    await person.speak(PERSON_HZ)
    await assert_both_ways(agent, person)
    floor.do(Part(attempt_id=person.attempt_id, room_id=room_of(agent)))
    await asyncio.sleep(0.3)
    (at_agent,) = await heard(4.0, agent)
    assert heard_ms(at_agent, PERSON_HZ) == NEVER_MS
    assert rest_ms(at_agent, above=60) > 500, "music again"


async def test_a_message_ends_when_the_agent_comes(floor: Floor) -> None:
    agent, person = await floor.agent(), await floor.person()
    playback_id = f"{person.attempt_id}-1"
    floor.do(Play(attempt_id=person.attempt_id, playback_id=playback_id, media=("sound:demo-congrats",)))
    await asyncio.sleep(0.5)
    floor.do(Connect(attempt_id=person.attempt_id, room_id=room_of(agent)))
    await floor.until(PersonJoined, lambda event: event.attempt_id == person.attempt_id)
    await floor.until(PlaybackEnded, lambda event: event.playback_id == playback_id)
    await agent.speak(AGENT_HZ)
    await person.speak(PERSON_HZ)
    await assert_both_ways(agent, person)


# --- keys and recordings ---------------------------------------------------------------------------------------------


async def test_keys_reach_the_person(floor: Floor) -> None:
    agent, person = await floor.agent(), await floor.person()
    await floor.connect(person, room_of(agent))
    floor.do(SendKeys(attempt_id=person.attempt_id, digits="1590*#"))
    await floor.callees.voices.until(lambda: len(person.keys) >= 6, "the person hears no six keys")
    assert person.keys == "1590*#"


async def test_a_recording_holds_both_sides(floor: Floor) -> None:
    agent, person = await floor.talking()
    name = f"{person.attempt_id}-r1"
    floor.do(RecordRoom(attempt_id=person.attempt_id, room_id=room_of(agent), name=name, max_length_ms=60_000))
    await asyncio.sleep(2.2)
    floor.do(StopRecording(attempt_id=person.attempt_id, name=name))
    ended = await floor.until(RecordingEnded)
    assert (ended.attempt_id, ended.name, ended.has_failed) == (person.attempt_id, name, False)
    recorded = sound(floor.lab.pbx.recordings_dir / f"{name}.wav")
    assert abs(length_ms(recorded) - 2_200) < 500
    assert heard_ms(recorded, AGENT_HZ) >= 1_500
    assert heard_ms(recorded, PERSON_HZ) >= 1_500
    with wave.open(str(floor.lab.pbx.recordings_dir / f"{name}.wav")) as file:
        assert file.getnchannels() == 1
    assert np.abs(recorded).max() < 32_000, "not overdriven"
