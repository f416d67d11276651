"""The phones of the contract, as whoever sits at them: simulated ones, and real ones of the laboratory."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Protocol

from app.sim.handsets import PhoneHabit
from app.sim.network import SimNetwork
from app.sim.telephony import SimTelephony
from asterisk.lab.phones import OnRing, Phone


class Habit(enum.Enum):
    """What happens at a phone that rings."""

    KNOWS_AUTO_ANSWER = "knows auto-answer"
    """It answers by itself when asked to, else it rings until it is picked up."""
    DECLINES = "declines"


class Handset(Protocol):
    """One phone. endpoint: its name at the PBX."""

    endpoint: str

    async def will(self, habit: Habit) -> None:
        """From now on this happens when it rings."""

    async def pick_up(self) -> None:
        """Answer the call that rings."""

    async def put_down(self) -> None:
        """End the call."""

    async def press(self, digit: str) -> None:
        """Press a key."""

    async def lose_sound(self) -> None:
        """Send no sound any more."""

    async def unregister(self) -> None:
        """Sign off from the PBX."""

    async def register(self) -> None:
        """Sign on again."""


class SimulatedHandset:
    """A phone of the simulated network."""

    def __init__(self, telephony: SimTelephony, endpoint: str) -> None:
        self.endpoint = endpoint
        self._telephony = telephony

    async def will(self, habit: Habit) -> None:
        knows = PhoneHabit(answer_ms=None, auto_answer_ms=60)
        declines = PhoneHabit(answer_ms=None, decline_ms=100)
        chosen = declines if habit is Habit.DECLINES else knows

        def change(network: SimNetwork) -> None:
            network.phones.handsets[self.endpoint].habit = chosen

        self._telephony.disturb(change)

    async def pick_up(self) -> None:
        self._do(lambda phones: phones.pick_up(self.endpoint))

    async def put_down(self) -> None:
        self._do(lambda phones: phones.put_down(self.endpoint))

    async def press(self, digit: str) -> None:
        self._do(lambda phones: phones.press(self.endpoint, digit))

    async def lose_sound(self) -> None:
        self._do(lambda phones: phones.lose_sound(self.endpoint))

    async def unregister(self) -> None:
        self._do(lambda phones: phones.unregister(self.endpoint))

    async def register(self) -> None:
        self._do(lambda phones: phones.register(self.endpoint))

    def _do(self, what: Callable[[Any], None]) -> None:
        self._telephony.disturb(lambda network: what(network.phones))


class LabHandset:
    """A phone of the laboratory."""

    def __init__(self, phone: Phone) -> None:
        self.endpoint = phone.name
        self._phone = phone
        phone.on_ring = OnRing.AUTO_ANSWER

    async def will(self, habit: Habit) -> None:
        self._phone.on_ring = OnRing.DECLINE if habit is Habit.DECLINES else OnRing.AUTO_ANSWER

    async def pick_up(self) -> None:
        await self._phone.until_ringing()
        await self._phone.answer()

    async def put_down(self) -> None:
        await self._phone.until_up()
        await self._phone.hang_up()

    async def press(self, digit: str) -> None:
        await self._phone.until_up()
        await self._phone.press(digit)

    async def lose_sound(self) -> None:
        await self._phone.until_up()
        await self._phone.stop_sound()

    async def unregister(self) -> None:
        await self._phone.unregister()

    async def register(self) -> None:
        await self._phone.register()
