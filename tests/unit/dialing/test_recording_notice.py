"""The notice before a recording: asked for twice it is one notice, taken back in time there is no recording."""

from app.agent_events import RecordAsked
from app.agents import RecordingPolicy
from app.events import PlaybackEnded
from tests.unit.dialing.floor_world import FloorWorld
from tests.unit.dialing.on_floor import FIRST, ME, floor


def being_told(*wishes: bool) -> FloorWorld:
    """A conversation in which the agent asks to record, and perhaps changes their mind, while the notice plays."""
    world = floor(1, recording=RecordingPolicy.ON_DEMAND, consent_notice="This call is recorded.")
    world.playbacks_end = False
    world.begin(1)
    world.answer(FIRST)
    for is_on in wishes:
        world.tell(RecordAsked(agent_id=ME, is_on=is_on))
        world.settle()
    return world


def notice_ends(world: FloorWorld) -> None:
    world.tell(PlaybackEnded(attempt_id=FIRST, playback_id=f"{FIRST}-notice"))
    world.settle()


def test_a_recording_asked_for_twice_is_announced_and_made_once() -> None:
    world = being_told(True, True)
    assert [what for who, what in world.heard if who == FIRST].count(f"{FIRST}-notice") == 1
    notice_ends(world)
    assert len(world.recordings) == 1


def test_a_recording_taken_back_during_its_notice_does_not_begin() -> None:
    world = being_told(True, False)
    notice_ends(world)
    assert not world.recordings


def test_a_recording_wanted_after_all_begins_when_the_notice_is_over() -> None:
    world = being_told(True, False, True)
    notice_ends(world)
    assert len(world.recordings) == 1
