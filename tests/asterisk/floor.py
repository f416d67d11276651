"""A floor on the real PBX: phones that speak and listen, people called who do, and all that the Telephony tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from app.agent_commands import Connect, ConnectPhone, DialParty, OpenRoom, RingPhone
from app.agent_events import PersonJoined, PhoneAnswered, PhoneJoined
from app.asterisk.telephony import AsteriskTelephony
from app.commands import PlaceCall, TelephonyCommand
from app.events import CallAnswered, Event, TelephonyUp
from app.model import Trunk
from app.units import AttemptId, LegId, Number, RoomId, TrunkId
from asterisk.lab import Lab
from asterisk.lab.phones import Phone
from asterisk.lab.voices import Listening, Voices
from tests.asterisk.tones import Sound, sound

PATIENCE_S: Final = 20.0
TRUNK: Final = Trunk(id=TrunkId("network"), endpoint="network", prefixes=("+",))
PERSON_HZ, AGENT_HZ, OTHER_HZ, SUPERVISOR_HZ = 600, 1_000, 1_400, 1_800
NOBODY, NO_LEG = AttemptId(""), LegId("")
E_ = TypeVar("E_", bound=Event)


class Teller:
    """Somebody on the line: speaks one tone, and is listened to."""

    async def speak(self, frequency_hz: int) -> None:
        """Sound one frequency from now on."""
        raise NotImplementedError

    async def listen(self) -> Listening:
        """Record what they hear."""
        raise NotImplementedError


@dataclass(slots=True)
class Agent(Teller):
    """A phone in a call of ours."""

    leg_id: LegId
    phone: Phone
    room: RoomId | None = None

    async def speak(self, frequency_hz: int) -> None:
        await self.phone.play_tone(frequency_hz)

    async def listen(self) -> Listening:
        return await self.phone.listen()


@dataclass(slots=True)
class Called(Teller):
    """Somebody called over the trunk: a person, or a third party."""

    number: Number
    floor: Floor
    attempt_id: AttemptId = NOBODY
    leg_id: LegId = NO_LEG

    @property
    def keys(self) -> str:
        """The keys that were pressed for them to hear."""
        return self.floor.keys.get(self.channel, "")

    @property
    def channel(self) -> str:
        """Their channel in the telephone network."""
        return self.floor.channels[self.number.removeprefix("+")]

    async def speak(self, frequency_hz: int) -> None:
        await self.floor.voices.speak(self.channel, frequency_hz)

    async def listen(self) -> Listening:
        return await self.floor.voices.listen(self.channel)


class Floor:
    """One Telephony on a laboratory's PBX. `async with Floor(lab, "a") as floor`; name: its ids begin with it."""

    def __init__(self, lab: Lab, name: str, phones: list[Phone]) -> None:
        self.lab = lab
        self.told: list[Event] = []
        self.telephony = AsteriskTelephony(url=lab.pbx.ari_url, user=lab.pbx.ari_user, password=lab.pbx.ari_password)
        self.voices = Voices(lab.network, f"voices-{name}", on_event=self._follow)
        self.channels: dict[str, str] = {}
        """Of the telephone network, by the number called, without its plus."""
        self.keys: dict[str, str] = {}
        """Heard on each of them."""
        self._name = name
        self._phones = phones
        self._used = 0
        self._news = asyncio.Event()

    async def __aenter__(self) -> Floor:
        await self.voices.start(hears_all=True)
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
        await self.voices.stop()
        for server in (self.lab.pbx, self.lab.network, self.lab.phones.server):
            await server.cli("channel request hangup all")

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    async def _follow(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "ChannelCreated" if event["channel"]["name"].startswith("PJSIP/"):
                number = event["channel"]["dialplan"]["exten"].removeprefix("+")
                self.channels[number] = event["channel"]["id"]
            case "ChannelDtmfReceived":
                channel = event["channel"]["id"]
                self.keys[channel] = self.keys.get(channel, "") + event["digit"]

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
        person = Called(number=self._number(), floor=self, attempt_id=attempt_id)
        self.do(
            PlaceCall(
                attempt_id=attempt_id,
                trunk=TRUNK,
                number=person.number,
                caller_id="+442079460000",
                ring_timeout_ms=20_000,
                lease_ms=300_000,
                language="en",
            )
        )
        await self.until(CallAnswered, lambda event: event.attempt_id == attempt_id)
        return person

    async def third(self) -> Called:
        """A third party who answered."""
        party = Called(number=self._number(), floor=self, leg_id=LegId(f"{self._next()}-c1"))
        self.do(
            DialParty(
                leg_id=party.leg_id,
                trunk=TRUNK,
                number=party.number,
                caller_id="",
                ring_timeout_ms=20_000,
                lease_ms=300_000,
            )
        )
        await self.until(PhoneAnswered, lambda event: event.leg_id == party.leg_id)
        return party

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


async def heard(during: Coroutine[Any, Any, object] | float, *tellers: Teller) -> list[Sound]:
    """What each hears while something happens, or for some seconds."""
    recordings = [await teller.listen() for teller in tellers]
    await (asyncio.sleep(during) if isinstance(during, float) else during)
    return [sound(await recording.stop()) for recording in recordings]
