"""A floor on the real PBX: phones that speak and listen, people called who do, and all that the Telephony tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from app.agent_commands import Connect, ConnectPhone, DialParty, OpenRoom, RingPhone
from app.agent_events import PersonJoined, PhoneAnswered, PhoneJoined
from app.asterisk.telephony import AsteriskTelephony
from app.commands import PlaceCall, TelephonyCommand
from app.events import CallAnswered, Event, TelephonyUp
from app.model import Trunk
from app.units import AttemptId, LegId, Number, RoomId, TrunkId
from asterisk.lab import Lab
from asterisk.lab.phones import Phone
from asterisk.lab.voices import Listening
from tests.asterisk.tellers import Callee, Callees

PATIENCE_S: Final = 20.0
TRUNK: Final = Trunk(id=TrunkId("network"), endpoint="network", prefixes=("+",))
PERSON_HZ, AGENT_HZ, OTHER_HZ, SUPERVISOR_HZ = 600, 1_000, 1_400, 1_800
NOBODY, NO_LEG = AttemptId(""), LegId("")
E_ = TypeVar("E_", bound=Event)


@dataclass(slots=True)
class Agent:
    """A phone in a call of ours."""

    leg_id: LegId
    phone: Phone
    room: RoomId | None = None

    async def speak(self, frequency_hz: int) -> None:
        await self.phone.play_tone(frequency_hz)

    async def listen(self) -> Listening:
        return await self.phone.listen()


class Called(Callee):
    """Somebody called over the trunk: a person, or a third party."""

    def __init__(
        self, callees: Callees, number: Number, attempt_id: AttemptId = NOBODY, leg_id: LegId = NO_LEG
    ) -> None:
        super().__init__(callees, number)
        self.attempt_id = attempt_id
        self.leg_id = leg_id


class Floor:
    """One Telephony on a laboratory's PBX. `async with Floor(lab, "a") as floor`; name: its ids begin with it."""

    def __init__(self, lab: Lab, name: str, phones: list[Phone]) -> None:
        self.lab = lab
        self.told: list[Event] = []
        self.telephony = AsteriskTelephony(url=lab.pbx.ari_url, user=lab.pbx.ari_user, password=lab.pbx.ari_password)
        self.callees = Callees(lab, name)
        self._name = name
        self._phones = phones
        self._used = 0
        self._news = asyncio.Event()

    async def __aenter__(self) -> Floor:
        await self.callees.__aenter__()
        await self.telephony.start(self._take)
        await self.until(TelephonyUp)
        return self

    async def start_again(self) -> TelephonyUp:
        """Connect with a new telephony."""
        since = len(self.told)
        await self.telephony.start(self._take)
        return await self.until(TelephonyUp, since=since)

    async def __aexit__(self, *_exc: object) -> None:
        await self.telephony.stop()
        await self.callees.__aexit__()
        for server in (self.lab.pbx, self.lab.network, self.lab.phones.server):
            await server.cli("channel request hangup all")

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    def do(self, *commands: TelephonyCommand) -> None:
        """Give commands."""
        for command in commands:
            self.telephony.perform(command)

    async def until(self, kind: type[E_], is_it: Callable[[E_], bool] = lambda _: True, *, since: int = 0) -> E_:
        """The first such event told after the `since`-th. Raises AssertionError when it does not come."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    for event in self.told[since:]:
                        if isinstance(event, kind) and is_it(event):
                            return event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no such {kind.__name__}; told: {self.told[since:]}") from None

    # --- who is there ------------------------------------------------------------------------------------------------

    def _next(self) -> str:
        self._used += 1
        return f"{self._name}{self._used:08}"

    def free_phone(self) -> Phone:
        """A phone nobody sits at."""
        return self._phones.pop()

    async def agent(self, *, kind: str = "p", in_room: bool = True, is_musical: bool = False) -> Agent:
        """A phone that is up; in a room of its own, unless it is a supervisor's."""
        name, phone = self._next(), self.free_phone()
        agent = Agent(leg_id=LegId(f"{name}-{kind}1"), phone=phone)
        self.do(
            RingPhone(
                leg_id=agent.leg_id,
                endpoint=phone.name,
                shown_name="Floor",
                shown_number="",
                ring_timeout_ms=10_000,
                lease_ms=300_000,
                has_auto_answer=True,
            )
        )
        await self.until(PhoneAnswered, lambda event: event.leg_id == agent.leg_id)
        await phone.until_up()
        if in_room:
            agent.room = RoomId(f"{name}-room")
            self.do(OpenRoom(room_id=agent.room, leg_id=agent.leg_id, is_musical=is_musical))
            await self.bring(agent, agent.room)
        return agent

    async def bring(self, who: Agent | Called, room: RoomId) -> None:
        """Put a leg into a room."""
        since = len(self.told)
        self.do(ConnectPhone(leg_id=who.leg_id, room_id=room))
        await self.until(PhoneJoined, lambda event: event.leg_id == who.leg_id, since=since)

    async def person(self) -> Called:
        """Somebody who answered."""
        attempt_id = AttemptId(self._next())
        number = self._number()
        self.do(
            PlaceCall(
                attempt_id=attempt_id,
                trunk=TRUNK,
                number=number,
                caller_id="+442079460000",
                ring_timeout_ms=20_000,
                lease_ms=300_000,
                language="en",
            )
        )
        await self.until(CallAnswered, lambda event: event.attempt_id == attempt_id)
        return Called(self.callees, number, attempt_id=attempt_id)

    async def third(self) -> Called:
        """A third party who answered."""
        leg_id, number = LegId(f"{self._next()}-c1"), self._number()
        self.do(
            DialParty(
                leg_id=leg_id,
                trunk=TRUNK,
                number=number,
                caller_id="",
                ring_timeout_ms=20_000,
                lease_ms=300_000,
            )
        )
        await self.until(PhoneAnswered, lambda event: event.leg_id == leg_id)
        return Called(self.callees, number, leg_id=leg_id)

    def _number(self) -> Number:
        self._used += 1
        return Number(f"+4477009{self._used:03}24")  # says nothing: what it is heard to say is the test's

    async def connect(self, person: Called, room: RoomId) -> None:
        """Put a person into a room."""
        since = len(self.told)
        self.do(Connect(attempt_id=person.attempt_id, room_id=room))
        await self.until(PersonJoined, lambda event: event.attempt_id == person.attempt_id, since=since)

    async def talking(self) -> tuple[Agent, Called]:
        """An agent and a person in the agent's room, both speaking."""
        agent, person = await self.agent(), await self.person()
        await self.connect(person, room_of(agent))
        await agent.speak(AGENT_HZ)
        await person.speak(PERSON_HZ)
        return agent, person


def room_of(agent: Agent) -> RoomId:
    """The agent's own room."""
    assert agent.room is not None
    return agent.room
