"""Whatever happens, in whatever order: the dialer keeps its laws, closes what it opened, and comes to an end."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.events import (
    CallAnswered,
    CallLeft,
    CallProgressed,
    CallRinging,
    DigitPressed,
    PlaybackEnded,
    TalkStarted,
)
from app.model import CampaignStatus
from app.outcomes import ContactStatus
from app.units import AttemptId, CampaignId, TrunkId
from tests.unit.dialing.build import campaign, phone, trunk
from tests.unit.dialing.world import Wire, World

ONE, TWO = CampaignId(1), CampaignId(2)
NORTH, SOUTH = TrunkId("north"), TrunkId("south")
EITHER = st.sampled_from([ONE, TWO])
PICK = st.integers(0, 1_000)


class DialerLaws(RuleBasedStateMachine):
    """Two campaigns over two trunks, one of them narrow; a few numbers that are in both."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.history: list[Any] = []

    @initialize()
    def begin(self) -> None:
        world = self.world
        world.set_trunk(trunk("north", lines=3, calls_per_second=50.0))
        world.set_trunk(trunk("south", lines=2, calls_per_second=2.0, prefixes=("+4477009000",)))
        world.start(campaign(1, lines=4, calls_per_second=20.0, trunks=(NORTH, SOUTH)))
        world.start(campaign(2, lines=2, calls_per_second=5.0, trunks=(SOUTH, NORTH)))
        world.add_contacts(ONE, *(phone(place) for place in range(12)))
        world.add_contacts(TWO, *(phone(place) for place in range(8, 16)))
        world.connect()
        world.advance(250)

    # --- the disk and the clock

    @rule(length_ms=st.sampled_from([1, 10, 100, 250, 1_000, 5_000, 20_000, 70_000]))
    def time_passes(self, length_ms: int) -> None:
        self.world.advance(length_ms)

    @rule(is_awake=st.booleans())
    def the_disk_falls_asleep_or_wakes(self, is_awake: bool) -> None:
        self.world.is_disk_awake = is_awake

    @rule()
    def the_disk_writes_and_tells_later(self) -> None:
        self.world.is_disk_awake = False
        self.world.commit(is_told_later=True)

    @rule()
    def the_disk_refuses(self) -> None:
        self.world.is_disk_awake = False
        self.world.refuse_commit()

    @rule(is_awake=st.booleans())
    def the_voice_falls_asleep_or_wakes(self, is_awake: bool) -> None:
        self.world.is_voice_awake = is_awake

    @precondition(lambda self: self.world.renders)
    @rule()
    def prompts_cannot_be_made(self) -> None:
        self.world.render(fails=True)

    @rule(at_once=st.booleans())
    def asterisk_takes_its_time_or_replies_at_once(self, at_once: bool) -> None:
        self.world.answers_at_once = at_once

    # --- calls

    def _call(self, pick: int, *, is_replied: bool | None = None) -> tuple[AttemptId, Wire] | None:
        found = [
            (attempt_id, wire)
            for attempt_id, wire in self.world.calls.items()
            if wire.may_exist and is_replied in (None, wire.is_replied)
        ]
        return found[pick % len(found)] if found else None

    def _tell(self, event: Any) -> None:
        self.history.append(event)
        self.world.tell(event)

    @rule(
        pick=PICK,
        placed=st.sampled_from([True, True, False]),
        known=st.sampled_from([True, True, False]),
        trunk_fault=st.booleans(),
    )
    def asterisk_replies(self, pick: int, placed: bool, known: bool, trunk_fault: bool) -> None:
        if (found := self._call(pick, is_replied=False)) is not None:
            self.world.reply(found[0], placed=placed, known=known, trunk_fault=trunk_fault)

    @rule(pick=PICK, is_media=st.booleans())
    def it_rings(self, pick: int, is_media: bool) -> None:
        if (found := self._call(pick)) is not None and not found[1].is_up:
            found[1].exists = True
            kind = CallProgressed if is_media else CallRinging
            self._tell(kind(attempt_id=found[0]))

    @rule(pick=PICK)
    def somebody_answers(self, pick: int) -> None:
        if (found := self._call(pick)) is None:
            return
        attempt_id, wire = found
        if wire.is_up and (wire.is_in_hand or not wire.asked_away):
            return
        wire.exists = wire.is_up = wire.is_in_hand = True
        wire.asked_away = False
        wire.is_told_in_hand = wire.is_told_in_hand or self.world.is_connected
        self._tell(CallAnswered(attempt_id=attempt_id))

    @rule(pick=PICK, key=st.sampled_from("1193*"))
    def a_key_is_pressed(self, pick: int, key: str) -> None:
        if (found := self._call(pick)) is not None and found[1].is_in_hand:
            self._tell(DigitPressed(attempt_id=found[0], digit=key))

    @rule(pick=PICK, has_failed=st.sampled_from([False, False, True]))
    def a_playback_ends(self, pick: int, has_failed: bool) -> None:
        if (found := self._call(pick)) is not None and found[1].playback:
            attempt_id, wire = found
            self._tell(PlaybackEnded(attempt_id=attempt_id, playback_id=wire.playback, has_failed=has_failed))

    @rule(pick=PICK)
    def somebody_talks(self, pick: int) -> None:
        if (found := self._call(pick)) is not None and found[1].is_in_hand:
            self._tell(TalkStarted(attempt_id=found[0]))

    @rule(pick=PICK)
    def a_call_that_was_sent_on_leaves(self, pick: int) -> None:
        if (found := self._call(pick)) is not None and found[1].is_in_hand and found[1].asked_away:
            found[1].is_in_hand = False
            self._tell(CallLeft(attempt_id=found[0]))

    @rule(pick=PICK, sip_code=st.sampled_from([None, 486, 404, 480, 503, 408]), cause=st.sampled_from([0, 16, 17, 34]))
    def a_call_ends(self, pick: int, sip_code: int | None, cause: int) -> None:
        if (found := self._call(pick)) is not None and found[1].exists:
            self.world.end(found[0], sip_code=None if found[1].is_up else sip_code, cause=cause)

    @rule()
    def hung_up_calls_end(self) -> None:
        for attempt_id, wire in self.world.calls.items():
            if wire.exists and wire.is_hung_up:
                self.world.end(attempt_id)

    @rule(pick=PICK)
    def something_is_told_twice_or_late(self, pick: int) -> None:
        echoes = [event for event in self.history if not isinstance(event, CallLeft | CallAnswered)]
        if echoes:
            self.world.tell(echoes[pick % len(echoes)])

    # --- the line to Asterisk

    @rule()
    def the_line_breaks(self) -> None:
        if self.world.is_connected:
            self.world.disconnect()

    @rule(is_new_life=st.sampled_from([False, False, True]))
    def the_line_is_back(self, is_new_life: bool) -> None:
        if self.world.is_connected:
            self.world.disconnect()
        self.world.connect(is_new_life=is_new_life)

    @precondition(lambda self: SOUTH in self.world.trunks)  # whose calls would not be known as its own
    @rule()
    def the_dialer_is_killed_and_started_again(self) -> None:
        self.world.crash()

    # --- operators

    @rule(campaign_id=EITHER)
    def an_operator_pauses(self, campaign_id: CampaignId) -> None:
        if self._is_running(campaign_id):
            self.world.pause(campaign_id)

    @rule(campaign_id=EITHER)
    def an_operator_stops(self, campaign_id: CampaignId) -> None:
        if self._is_running(campaign_id):
            self.world.stop(campaign_id)

    @rule(campaign_id=EITHER, lines=st.sampled_from([1, 2, 4]))
    def an_operator_starts_it_again_with_other_lines(self, campaign_id: CampaignId, lines: int) -> None:
        trunks = self.world.campaigns[campaign_id].trunks
        self.world.start(campaign(int(campaign_id), lines=lines, calls_per_second=20.0, trunks=trunks))

    def _is_running(self, campaign_id: CampaignId) -> bool:
        return self.world.disk.status.get(campaign_id) in (CampaignStatus.RUNNING, CampaignStatus.PAUSED)

    @rule(lines=st.sampled_from([1, 3, 6]), is_enabled=st.booleans())
    def a_trunk_is_changed(self, lines: int, is_enabled: bool) -> None:
        self.world.set_trunk(trunk("north", lines=lines, calls_per_second=50.0, is_enabled=is_enabled))

    @rule()
    def a_trunk_is_removed(self) -> None:
        if SOUTH in self.world.trunks:
            self.world.remove_trunk(SOUTH)

    @rule()
    def a_trunk_is_added(self) -> None:
        self.world.set_trunk(trunk("south", lines=2, calls_per_second=2.0, prefixes=("+4477009000",)))

    @rule(place=st.integers(0, 15))
    def somebody_opts_out_by_the_api(self, place: int) -> None:
        self.world.bar(phone(place))

    @rule(campaign_id=EITHER, place=st.integers(0, 20))
    def a_contact_is_added(self, campaign_id: CampaignId, place: int) -> None:
        if self.world.disk.status.get(campaign_id) is not CampaignStatus.FINISHED:
            self.world.add_contacts(campaign_id, phone(place))

    # --- laws that hold at every moment (each command is checked by the world as it is given)

    @invariant()
    def no_contact_is_in_two_open_attempts(self) -> None:
        numbers = [attempt.number for attempt in self.world.disk.open.values()]
        assert len(numbers) == len(set(numbers))

    @invariant()
    def the_picture_can_be_drawn(self) -> None:
        picture = self.world.dialer.snapshot(self.world.now)
        for shown in picture.trunks:
            assert shown.lines_used >= 0

    def teardown(self) -> None:
        """Liveness: with everything mended, every campaign ends and every attempt is closed exactly once."""
        world = self.world
        if not world.campaigns:
            return
        world.set_trunk(trunk("north", lines=3, calls_per_second=50.0))
        world.run_to_the_end()
        assert set(world.disk.closed) == {AttemptId(f"attempt{number + 1:05d}") for number in range(world.disk.ids)}
        for campaign_id, rows in world.disk.contacts.items():
            if world.disk.status[campaign_id] is CampaignStatus.FINISHED:
                left = {row.status for row in rows.values()} & {ContactStatus.PENDING, ContactStatus.IN_PROGRESS}
                assert not left, f"campaign {campaign_id} is finished with {left}"
        picture = world.dialer.snapshot(world.now)
        assert world.dialer.is_at_rest
        assert [shown.lines_used for shown in picture.trunks] == [0] * len(picture.trunks)


TestDialerLaws = DialerLaws.TestCase
TestDialerLaws.settings = settings(
    max_examples=3 * settings().max_examples,
    stateful_step_count=50,
    report_multiple_bugs=False,
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
