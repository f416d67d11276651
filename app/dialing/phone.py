"""An agent's phone: one leg after the other, each rung, answered, put into the agent's room, and lost again.

Nailed up, a leg lasts from sign-in to sign-out; per call, one is rung for each person.
"""

from __future__ import annotations

import enum
from typing import Final

from app.agent_commands import ConnectPhone, HangUpPhone, OpenRoom, PartPhone, RenewPhoneLease, RingPhone
from app.agents import PHONE_LEASE_MS, PhoneMode, Seat
from app.commands import Command
from app.units import SECOND_MS, LegId, RoomId

NAIL_UP_MS: Final = 45 * SECOND_MS
"""How long a phone rings at sign-in."""
RING_MS: Final = 15 * SECOND_MS
"""How long a phone rings for a person who is there."""
RENEW_AGAIN_MS: Final = 5 * SECOND_MS
"""After a phone's lease could not be renewed, how long until it is tried again."""
CALL_BACK_AGAIN_MS: Final = 2 * SECOND_MS
"""From one ring to the next of a phone that is called back: it may not be signed on, or be in the call that died."""
CALL_BACK_FOR_MS: Final = 60 * SECOND_MS
"""So long it is rung again and again; afterwards when it signs on, or when its agent asks."""


class PhoneState(enum.Enum):
    """Where the phone's call is."""

    DOWN = "down"
    RINGING = "ringing"
    UP = "up"
    """Answered, on its way into the room."""
    IN_ROOM = "in the room"


class Phone:
    """The phone of one session. Methods return the commands that follow."""

    __slots__ = (
        "_call_back_until_ms", "_lease_renewal_ms", "_place", "_rings_again_ms", "is_owed", "is_reachable", "leg_id",
        "note", "room_id", "seat", "state",
    )  # fmt: skip

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.state = PhoneState.DOWN
        self.leg_id: LegId | None = None
        self.room_id = seat.room_id  # where it is, or is on the way to: its own, or a colleague's
        self.note = ""
        self.is_reachable = True
        self.is_owed = False  # its call died with Asterisk: it is called back by itself
        self._place = 0  # legs rung so far
        self._lease_renewal_ms: int | None = None
        self._rings_again_ms = 0
        self._call_back_until_ms = 0

    @property
    def is_per_call(self) -> bool:
        """Whether it is rung for each person."""
        return self.seat.phone_mode is PhoneMode.PER_CALL

    @property
    def is_in_room(self) -> bool:
        """Whether whoever is in its own room hears it."""
        return self.state is PhoneState.IN_ROOM and self.room_id == self.seat.room_id

    @property
    def is_up(self) -> bool:
        """Whether it is in some room."""
        return self.state is PhoneState.IN_ROOM

    @property
    def is_lost(self) -> bool:
        """Whether it must be mended before anybody can be connected."""
        return not self.is_reachable or (not self.is_per_call and self.state in (PhoneState.DOWN, PhoneState.RINGING))

    @property
    def is_fit(self) -> bool:
        """Whether a person could be connected: it is in its room, or can be rung."""
        return self.is_reachable and (self.is_per_call or self.is_in_room)

    def ring(self, now_ms: int, *, shown_name: str = "", shown_number: str = "") -> list[Command]:
        """Ring it, unless it is rung or up already; what it shows is who calls."""
        if self.state is not PhoneState.DOWN:
            return []
        self._place += 1
        self.leg_id = LegId(f"{self.seat.session_id}-p{self._place}")
        self.state, self.note, self.room_id = PhoneState.RINGING, "", self.seat.room_id
        self._lease_renewal_ms = now_ms + PHONE_LEASE_MS // 2
        self._rings_again_ms = now_ms + CALL_BACK_AGAIN_MS
        return [
            OpenRoom(room_id=self.seat.room_id, leg_id=self.leg_id),
            RingPhone(
                leg_id=self.leg_id,
                endpoint=self.seat.endpoint,
                shown_name=shown_name or "Outring",
                shown_number=shown_number,
                ring_timeout_ms=RING_MS if self.is_per_call else NAIL_UP_MS,
                lease_ms=PHONE_LEASE_MS,
                has_auto_answer=self.seat.has_auto_answer,
                language=self.seat.language,
            ),
        ]

    def call_back(self, now_ms: int) -> list[Command]:
        """Its call died with Asterisk, or it signed on after that: ring it, and again until it is in its room."""
        self.is_owed, self._call_back_until_ms = True, now_ms + CALL_BACK_FOR_MS
        return self.ring(now_ms)

    def adopt(self, leg_id: LegId, now_ms: int) -> None:
        """A leg of this session that a life before this one rang."""
        self._place = int(leg_id.rpartition("-p")[2])
        self.leg_id, self.state, self.note, self.room_id = leg_id, PhoneState.RINGING, "", self.seat.room_id
        self._lease_renewal_ms = now_ms

    def found_up(self, room_id: RoomId | None) -> list[Command]:
        """After a broken line to Asterisk: it is up, in this room or in none."""
        self.note = ""
        if room_id == self.room_id:
            self.state = PhoneState.IN_ROOM
            return []
        assert self.leg_id is not None, "a phone without a leg was found"
        self.state = PhoneState.UP
        parted = [] if room_id is None else [PartPhone(leg_id=self.leg_id, room_id=room_id)]
        return [*parted, ConnectPhone(leg_id=self.leg_id, room_id=self.room_id)]

    def answered(self) -> list[Command]:
        """It was picked up: into the room with it."""
        if self.state is not PhoneState.RINGING:
            return []
        assert self.leg_id is not None, "a phone without a leg was picked up"
        self.state = PhoneState.UP
        return [ConnectPhone(leg_id=self.leg_id, room_id=self.seat.room_id)]

    def joined(self, room_id: RoomId) -> bool:
        """It is in a room; whether it is the one it was sent to."""
        is_there = self.state is PhoneState.UP and room_id == self.room_id
        if is_there:
            self.state, self.note, self.is_owed = PhoneState.IN_ROOM, "", False
        return is_there

    def move(self, room_id: RoomId) -> list[Command]:
        """Into another room, a colleague's, or back into its own."""
        if self.leg_id is None or self.state not in (PhoneState.UP, PhoneState.IN_ROOM) or room_id == self.room_id:
            return []
        left, self.room_id, self.state = self.room_id, room_id, PhoneState.UP
        return [PartPhone(leg_id=self.leg_id, room_id=left), ConnectPhone(leg_id=self.leg_id, room_id=room_id)]

    def gone(self, note: str) -> None:
        """Its call is over; note: what to tell the agent, if anything."""
        self.state, self.leg_id, self._lease_renewal_ms, self.note = PhoneState.DOWN, None, None, note

    def hang_up(self, note: str = "") -> list[Command]:
        """Let it go; what is said of this leg from now on comes late."""
        leg_id = self.leg_id
        self.gone(note)
        return [] if leg_id is None else [HangUpPhone(leg_id=leg_id)]

    def next_deadline_ms(self) -> int | None:
        """When its lease is to be renewed, or it is to be called back again."""
        return self._rings_again_ms if self._awaits_ring else self._lease_renewal_ms

    @property
    def _awaits_ring(self) -> bool:
        is_in_time = self._rings_again_ms <= self._call_back_until_ms
        return self.is_owed and self.state is PhoneState.DOWN and is_in_time

    def renew(self, now_ms: int) -> list[Command]:
        """Say again that it may live, or call it back again, if it is time."""
        if self._awaits_ring:
            return self.ring(now_ms) if now_ms >= self._rings_again_ms else []
        if self.leg_id is None or self._lease_renewal_ms is None or now_ms < self._lease_renewal_ms:
            return []
        self._lease_renewal_ms = now_ms + PHONE_LEASE_MS // 2
        return [RenewPhoneLease(leg_id=self.leg_id, lease_ms=PHONE_LEASE_MS)]

    def renew_again(self, now_ms: int) -> None:
        """The lease was not renewed: soon again."""
        if self.leg_id is not None:
            self._lease_renewal_ms = now_ms + RENEW_AGAIN_MS
