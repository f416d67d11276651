"""What becomes of phones' calls in the simulated network: ringing, picking up, leases, sound that stops, the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, assert_never

from app.agent_commands import DialParty, RingPhone
from app.agent_events import PhoneAnswered, PhoneEnded, PhoneKeyPressed, PhoneReachable, PhoneRinging
from app.sim.connection import Connection
from app.sim.exchange import FALLBACK_MS, REFUSAL_MS, TIMER_B_MS, in_whole_seconds
from app.sim.facts import Observer, PhoneGone, PhoneRung, PhoneTaken
from app.sim.farend import after_answer
from app.sim.handsets import Handset, PhoneHabit
from app.sim.leg import Leg, LegState
from app.sim.rooms import Rooms
from app.sim.schedule import Action, Schedule
from app.sim.trunks import TrunkKind
from app.units import LegId
from asterisk.lab.numbers import Behaviour

SOUND_MISSED_MS: Final = 2_000
"""How long no sound comes from a phone until Asterisk ends its call (rtp_timeout)."""
NOTICED_MS: Final = (100, 2_500)
"""How soon it is noticed that a phone is not there any more, at the least and at the most."""
BUSY_MS: Final = 30
GONE_MS: Final = 2_500
"""Length of the dialplan's message to a phone whose call nobody takes."""


class Legs:
    """All phones' calls, and the phones. `handsets`: by PJSIP endpoint; one that is not among them is unknown."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        connection: Connection,
        rooms: Rooms,
        rng: random.Random,
        phones: Mapping[str, PhoneHabit],
        behaviour: Callable[[str], Behaviour],
        jitter: float,
        on_wire: Observer,
    ) -> None:
        self.legs: dict[LegId, Leg] = {}
        self.leases_run_out = 0
        self.handsets = {endpoint: Handset(habit) for endpoint, habit in phones.items()}
        self._schedule = schedule
        self._connection = connection
        self._rooms = rooms
        self._rng = rng
        self._behaviour = behaviour
        self._jitter = jitter
        self._on_wire = on_wire

    # --- before somebody picks up ------------------------------------------------------------------------------------

    def ring(self, command: RingPhone, handset: Handset) -> None:
        """Ring a phone that is registered."""
        leg = self._begin(command, is_third_party=False)
        is_busy = any(self._is_taken(leg_id) for leg_id in handset.in_use)
        handset.in_use.add(leg.leg_id)
        if is_busy:
            self._soon(leg, partial(self.end, leg, "the phone is busy"), BUSY_MS)
            return
        habit = handset.habit
        rings_ms = self._stretched(habit.ring_ms)
        self._soon(leg, partial(self._connection.tell, PhoneRinging(leg_id=leg.leg_id)), rings_ms)
        if habit.misses > 0 and self._rng.random() < habit.misses:
            return
        if command.has_auto_answer and habit.auto_answer_ms is not None:
            self._soon(leg, partial(self._answer, leg, habit.hang_up_ms), rings_ms + habit.auto_answer_ms)
        elif habit.answer_ms is not None:
            answers_ms = rings_ms + self._stretched(habit.answer_ms)
            self._soon(leg, partial(self._answer, leg, habit.hang_up_ms), answers_ms)
        elif habit.decline_ms is not None:
            declines_ms = rings_ms + self._stretched(habit.decline_ms)
            self._soon(leg, partial(self.end, leg, "the call was declined at the phone"), declines_ms)

    def dial(self, command: DialParty, kind: TrunkKind) -> None:
        """Dial a third party: what happens is decided by the trunk and the number, as for any call."""
        leg = self._begin(command, is_third_party=True)
        far = self._behaviour(command.number)
        if kind is TrunkKind.REJECTING:
            self._soon(leg, partial(self.end, leg, "Circuit/channel congestion"), REFUSAL_MS)
        elif kind is TrunkKind.SILENT or not far.replies:
            self._soon(leg, partial(self._give_up, leg, "No user responding"), TIMER_B_MS)
        elif kind is TrunkKind.GOOD:
            self._call_up(leg, far)
        else:
            assert_never(kind)

    def _call_up(self, leg: Leg, far: Behaviour) -> None:
        clock_ms = self._stretched(far.trying_ms)
        if far.ring_ms != 0:
            self._soon(leg, partial(self._connection.tell, PhoneRinging(leg_id=leg.leg_id)), clock_ms)
        if far.ring_ms is None or far.sip_code is None:
            return
        clock_ms += self._stretched(far.ring_ms) + sum(say.duration_ms for say in far.announcement)
        if not far.is_answered:
            self._soon(leg, partial(self._give_up, leg, f"SIP {far.sip_code}"), clock_ms)
            return
        side = after_answer(far)
        self._soon(leg, partial(self._answer, leg, side.hangs_up_ms), clock_ms)
        for at_ms, key in side.keys:
            self._soon(leg, partial(self._press, leg, key), clock_ms + at_ms)

    def _begin(self, command: RingPhone | DialParty, *, is_third_party: bool) -> Leg:
        now_ms = self._schedule.now_ms
        endpoint = command.endpoint if isinstance(command, RingPhone) else command.trunk.endpoint
        leg = Leg(leg_id=command.leg_id, endpoint=endpoint, lease_until_ms=now_ms, is_third_party=is_third_party)
        self.legs[leg.leg_id] = leg
        self._rooms.learn(leg)
        party = command if isinstance(command, DialParty) else None
        self._on_wire(
            PhoneRung(
                at_ms=now_ms,
                leg_id=leg.leg_id,
                endpoint=endpoint,
                trunk_id=party.trunk.id if party else None,
                number=party.number if party else None,
            )
        )
        self.lease(leg, command.lease_ms)
        self._soon(leg, partial(self._give_up, leg, "nobody answered"), in_whole_seconds(command.ring_timeout_ms))
        return leg

    def _give_up(self, leg: Leg, reason: str) -> None:
        if leg.state is LegState.RINGING:
            self.end(leg, reason)

    # --- up ----------------------------------------------------------------------------------------------------------

    def _answer(self, leg: Leg, hang_up_ms: int | None) -> None:
        self._on_wire(PhoneTaken(at_ms=self._schedule.now_ms, leg_id=leg.leg_id))
        if not self._connection.is_connected:
            self._leave(leg)
            return
        leg.state = LegState.UP
        self._connection.tell(PhoneAnswered(leg_id=leg.leg_id))
        if hang_up_ms is not None:
            self._soon(leg, partial(self.end, leg, "the phone was put down"), hang_up_ms)

    def lease(self, leg: Leg, lease_ms: int) -> None:
        """The call may live `lease_ms` from now."""
        lease_ms = in_whole_seconds(lease_ms)
        until_ms = leg.lease_until_ms = self._schedule.now_ms + lease_ms

        def run_out() -> None:
            if leg.lease_until_ms == until_ms:
                self.leases_run_out += 1
                if leg.state is LegState.UP:
                    self._leave(leg)
                else:
                    self.end(leg, "nobody renewed the call's lease")

        self._soon(leg, run_out, lease_ms)

    def _leave(self, leg: Leg) -> None:
        """Nobody is there to take the call: the dialplan says so and ends it."""
        self._rooms.exit_phone(leg)
        leg.state, leg.target = LegState.LEFT, None
        message_ms = FALLBACK_MS if leg.is_third_party else GONE_MS
        self._soon(leg, partial(self.end, leg, "the phone was put down"), message_ms)

    def hang_up(self, leg: Leg) -> None:
        """End the call from our side, soon."""
        self._soon(leg, partial(self.end, leg, "hung up"))

    def end(self, leg: Leg, reason: str) -> None:
        """The call is gone, and the dialer is told."""
        self._remove(leg)
        self._connection.tell(PhoneEnded(leg_id=leg.leg_id, reason=reason))

    def lose_all(self) -> None:
        """All calls are gone, and nobody is told."""
        for leg in list(self.legs.values()):
            self._remove(leg)

    def _remove(self, leg: Leg) -> None:
        self._rooms.forget_phone(leg)
        leg.state = LegState.GONE
        del self.legs[leg.leg_id]
        if (handset := self.handsets.get(leg.endpoint)) is not None:
            handset.in_use.discard(leg.leg_id)
        self._on_wire(PhoneGone(at_ms=self._schedule.now_ms, leg_id=leg.leg_id))

    # --- what people do with their phones ----------------------------------------------------------------------------

    def pick_up(self, endpoint: str) -> None:
        """Somebody picks the phone up while it rings."""
        for leg in self._at(endpoint):
            if leg.state is LegState.RINGING:
                self._soon(leg, partial(self._answer, leg, None))

    def put_down(self, endpoint: str) -> None:
        """Whoever sits at the phone ends its calls, or presses the red button while it rings."""
        for leg in self._at(endpoint):
            self._soon(leg, partial(self.end, leg, "the phone was put down"))

    def press(self, endpoint: str, digit: str) -> None:
        """A key is pressed on the phone."""
        for leg in self._at(endpoint):
            self._press(leg, digit)

    def lose_sound(self, endpoint: str) -> None:
        """No more sound comes from the phone: a while later its calls are ended."""
        for leg in self._at(endpoint):
            leg.is_dumb = True
            self._soon(leg, partial(self.end, leg, "no sound came from the phone any more"), SOUND_MISSED_MS)

    def lose_phone(self, endpoint: str, away_ms: int) -> None:
        """The phone is cut off from the network, and back after `away_ms`; nothing happens when it is away already."""
        handset = self.handsets[endpoint]
        if handset.is_registered:
            handset.is_registered = False
            self.lose_sound(endpoint)
            self._schedule.plan(self._rng.randint(*NOTICED_MS), partial(self._tell_reach, endpoint))
            self._schedule.plan(away_ms, partial(self.register, endpoint))

    def unregister(self, endpoint: str) -> None:
        """The phone signs off; a call it is in goes on."""
        self.handsets[endpoint].is_registered = False
        self._schedule.plan(self._rng.randint(0, 2), partial(self._tell_reach, endpoint))

    def register(self, endpoint: str) -> None:
        """The phone signs on again."""
        self.handsets[endpoint].is_registered = True
        self._tell_reach(endpoint)

    # --- who can be reached ------------------------------------------------------------------------------------------

    def look_around(self, *, is_first: bool) -> None:
        """The dialer is (back) here: it is told what changed meanwhile. is_first: it is one that knows nothing yet.

        What it knows to listen to are the phones that it has rung, and those that are in a call.
        """
        for endpoint, handset in self.handsets.items():
            if is_first:
                handset.told, handset.is_listened_to = None, bool(handset.in_use)
            self._tell_reach(endpoint)

    def listen_to(self, endpoint: str) -> None:
        """The phone is rung: from the first time on the dialer is told whether it can be reached."""
        handset = self.handsets[endpoint]
        handset.is_listened_to = True
        self._tell_reach(endpoint)

    def _tell_reach(self, endpoint: str) -> None:
        handset = self.handsets[endpoint]
        if self._connection.is_connected and handset.is_listened_to and handset.told is not handset.is_registered:
            handset.told = handset.is_registered
            self._connection.tell(PhoneReachable(endpoint=endpoint, is_reachable=handset.is_registered))

    def _at(self, endpoint: str) -> Iterator[Leg]:
        return iter([leg for leg in self.legs.values() if leg.endpoint == endpoint and not leg.is_third_party])

    def _is_taken(self, leg_id: LegId) -> bool:
        leg = self.legs.get(leg_id)
        return leg is not None and leg.state in (LegState.UP, LegState.LEFT)

    def _press(self, leg: Leg, digit: str) -> None:
        if leg.state is LegState.UP:
            self._connection.tell(PhoneKeyPressed(leg_id=leg.leg_id, digit=digit))

    def _soon(self, leg: Leg, action: Action, wait_ms: int = 0) -> None:
        self._schedule.plan(wait_ms + self._rng.randint(0, 2), action, leg)

    def _stretched(self, length_ms: int) -> int:
        return length_ms + int(length_ms * self._jitter * self._rng.random())
