"""Telephony on a real Asterisk: commands become ARI requests, ARI's events become ours.

What is asked of people's calls is in app.asterisk.calls, of phones in phones, of rooms in rooms, of supervisors' ears
in spying, of the admin's own queues in queues; here they are put together over one ARI client. Requests of one attempt,
or of one leg, are made one after the other, so that a hang-up never overtakes the call it ends.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final, assert_never

import structlog

from app.agent_commands import (
    CloseRoom,
    Connect,
    ConnectPhone,
    DialParty,
    HangUpPhone,
    MutePhone,
    OpenRoom,
    PartPhone,
    PersonCommand,
    PhoneCommand,
    PlayToPhone,
    RenewPhoneLease,
    RingPhone,
    RoomCommand,
    SendToQueue,
    Spy,
    StopSpying,
    WatchQueue,
)
from app.agent_events import PhoneFailed
from app.asterisk.ami_address import AmiAddress
from app.asterisk.ari import (
    AriClient,
    AriDown,
    AriError,
    AriNotFound,
    AriUnauthorized,
    AriUp,
    ConnectionNews,
    DownReason,
)
from app.asterisk.calls import Calls, tells_tones
from app.asterisk.echoes import Echoes
from app.asterisk.lanes import Lanes
from app.asterisk.names import channel_id, leg_channel
from app.asterisk.phone_trial import PhoneCheck
from app.asterisk.phones import Phones
from app.asterisk.queues import Queues
from app.asterisk.reach import Reach
from app.asterisk.rooms import Rooms
from app.asterisk.snoops import Snoops
from app.asterisk.spying import Spying
from app.asterisk.stock import QUEUE_CONTEXT, Stock
from app.commands import CallCommand, PlaceCall, TelephonyCommand
from app.events import CallRefused, CommandFailed, Event, TelephonyDown, TelephonyUp
from app.phone_trials import PhoneTrial
from app.ports import Inbox, OnDuty
from app.units import RoomId

log = structlog.get_logger()

LaneCommand = CallCommand | RoomCommand | SendToQueue
"""What is done in order with others."""
EVENTS: Final = (
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelEnteredBridge",
    "ChannelLeftBridge",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ChannelToneDetected",
    "ContactStatusChange",
    "Dial",
    "EndpointStateChange",
    "PlaybackFinished",
    "RecordingFailed",
    "RecordingFinished",
    "StasisEnd",
    "StasisStart",
)
"""All that is listened to; Asterisk sends nothing else."""
SOURCES: Final = ("channel:", "bridge:")
LIST_AGAIN_S: Final = 1.0
"""After Asterisk could not list its channels, how long until it is asked again."""
LANGUAGE_FOLDER: Final = re.compile(r"[a-z]{2,3}([_-]\w+)*")
"""What folders of sounds for a language are called: en, en_AU, es-MX, fr_CA_f_June; not custom or digits."""


class AsteriskTelephony:
    """The Telephony port on one Asterisk.

    url: ARI's address with its /ari. context: the dialplan context answered calls enter. on_unusable: called with
    the reason when Asterisk refuses us for good (wrong password), or another dialer has taken the application.
    ami: the manager interface, for queues of the admin's own; None: no one can be sent to them. duty: says when this
    dialer may do nothing, because another does; None: it is the only one.
    """

    def __init__(
        self,
        *,
        url: str,
        user: str,
        password: str,
        app: str = "outring",
        context: str = "outring-answered",
        pool_limit: int = 16,
        on_unusable: Callable[[str], None] | None = None,
        ami: AmiAddress | None = None,
        duty: OnDuty | None = None,
    ) -> None:
        self._duty = duty
        self._client = client = AriClient(
            url,
            user,
            password,
            app,
            sink=self._hear,
            listener=self._news,
            pool_limit=pool_limit,
            subscriptions=SOURCES,
            event_filter=EVENTS,
            gate=_always if duty is None else duty.may_act,
        )
        self._inbox: Inbox = lambda event: None
        self._lanes: Lanes[LaneCommand] = Lanes(self._do)
        self._stock = Stock(client)
        self._has_begun = False
        self._snoops = Snoops(client)
        placed = self._stock.placed
        self._queues = Queues(client, self._tell, ami)
        self._calls = Calls(client, self._queues.pass_on, context=context, on_placed=placed)
        self._rooms = Rooms(client, self._tell, self._lanes, playing=self._calls.playing)
        self._phones = Phones(
            client,
            self._tell,
            self._lanes,
            self._snoops,
            context=context,
            has_company=self._rooms.has_company,
            on_placed=placed,
        )
        self._spying = Spying(client, self._lanes, self._snoops)
        self._reach = Reach(client, self._tell, self._lanes)
        self._check = PhoneCheck(client)
        self._ears = (
            self._snoops, self._queues, self._calls, self._rooms, self._phones, self._spying, self._reach, self._check
        )  # fmt: skip
        self._echoes = Echoes()
        self._latest_news: ConnectionNews | None = None
        self._on_unusable = on_unusable

    @property
    def client(self) -> AriClient:
        """The ARI client, for what goes beyond calls (doctor, recordings)."""
        return self._client

    async def start(self, inbox: Inbox) -> None:
        """Connect, and go on connecting; news and events go to `inbox`."""
        self._inbox = inbox
        self._client.start()
        self._queues.start()

    async def stop(self) -> None:
        """Leave Asterisk alone: calls go on by their dialplan and leases."""
        await self._check.stop()
        await self._lanes.stop()
        await self._queues.stop()
        await self._client.close()

    def watch_phone(self, endpoint: str) -> None:
        """Tell from now on whether a phone can be reached (PhoneReachable). Phones that are rung are watched anyway."""
        self._reach.watch(endpoint)

    def begin_trial(self, endpoint: str, language: str) -> None:
        """Ring a phone to try it; harmless while it is tried already. Raises ValueError for what is no phone's name."""
        self._check.begin(endpoint, language)

    def trial(self, endpoint: str) -> PhoneTrial | None:
        """The last trial of a phone since the program began."""
        return self._check.of(endpoint)

    async def queue_problem(self, queue: str) -> str | None:
        """Why a campaign cannot use this queue of the admin's now, with the mend, in words; None: all is well."""
        return await self._queues.problem(queue)

    async def has_sound(self, name: str) -> bool | None:
        """Whether Asterisk has a sound of this name, in any language; None when it does not answer.

        Which language is played is the channel's (`language` of its endpoint), not ours. Asterisk takes every folder of
        its sounds for a language: what is played as `custom/hello` is listed as `hello` in the language `custom`.
        """
        folder, _, rest = name.partition("/")
        try:
            if await self._lists_sound(name):
                return True
            return bool(rest) and await self._lists_sound(rest, language=folder)
        except AriError as error:
            log.warning("sound not looked up", sound=name, reason=str(error))
            return None

    async def _lists_sound(self, name: str, *, language: str = "") -> bool:
        try:
            found = await self._client.sounds.get(soundId=name)
        except AriNotFound:
            return False
        listed = [form.language for form in found.formats]
        return language in listed if language else any(map(LANGUAGE_FOLDER.fullmatch, listed))

    # --- commands ----------------------------------------------------------------------------------------------------

    def perform(self, command: TelephonyCommand) -> None:
        """Carry out a command after those given before it for the same attempt, leg or room."""
        match command:
            case Connect() | ConnectPhone():
                self._rooms.expect(command)
            case RingPhone():
                self._reach.watch(command.endpoint)
            case WatchQueue():
                self._queues.watch(command)
                return
            case _:
                pass
        if (channel := _new_channel(command)) is not None:
            self._stock.asked(channel)
        self._lanes.put(_lane(command), command)

    async def _do(self, command: LaneCommand) -> None:
        try:
            await self._carry_out(command)
        finally:
            if (channel := _new_channel(command)) is not None:
                self._stock.answered(channel)

    async def _carry_out(self, command: LaneCommand) -> None:
        if self._duty is not None:
            if isinstance(command, PlaceCall) and not self._duty.may_dial():
                # Not even after a wait: what the disk and the rates allowed was for then.
                reason = "this dialer may not dial now: its duty is not confirmed by the database"
                self._tell(CallRefused(attempt_id=command.attempt_id, reason=reason))
                return
            if not self._duty.may_act() and not await self._duty.admitted():
                return  # the dialer that took over looks after everything that is up
        if isinstance(command, CallCommand):
            await self._calls.do(command)
        elif isinstance(command, CloseRoom):
            await self._rooms.close(command)
        elif isinstance(command, PersonCommand | SendToQueue):
            try:
                await (self._queues.send(command) if isinstance(command, SendToQueue) else self._rooms.do(command))
            except (AriError, ValueError) as error:
                name = type(command).__name__
                self._tell(CommandFailed(attempt_id=command.attempt_id, command=name, reason=str(error)))
        else:
            try:
                await self._do_for_phone(command)
            except (AriError, ValueError, TimeoutError) as error:
                reason = str(error) or "Asterisk took too long"
                self._tell(PhoneFailed(leg_id=command.leg_id, command=type(command).__name__, reason=reason))

    async def _do_for_phone(self, command: PhoneCommand) -> None:
        match command:
            case OpenRoom():
                await self._rooms.open(command)
            case ConnectPhone():
                await self._rooms.connect_phone(command)
                await self._spying.end_if_spying(command.leg_id)
            case PartPhone():
                await self._rooms.part_phone(command)
            case Spy():
                await self._spying.begin(command)
            case StopSpying():
                await self._spying.end(command.leg_id)
            case RingPhone() | DialParty() | HangUpPhone() | RenewPhoneLease() | PlayToPhone() | MutePhone():
                await self._phones.do(command)
            case _:
                assert_never(command)

    # --- events ------------------------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        self._inbox(event)

    def _hear(self, message: Any) -> None:
        if self._echoes.is_echo(message):
            return
        for ear in self._ears:
            ear.hear(message)

    # --- the connection ----------------------------------------------------------------------------------------------

    def _news(self, news: ConnectionNews) -> None:
        self._latest_news = news
        match news:
            case AriUp():
                self._calls.tells_tones = tells_tones(news.asterisk_version)
                log.info("asterisk up", version=news.asterisk_version, new_life=news.new_life)
                self._lanes.begin(self._take_stock(news))
            case AriDown():
                tell = log.debug if news.reason is DownReason.STOPPED else log.warning
                tell("asterisk down", reason=news.reason.value, detail=news.detail)
                self._tell(TelephonyDown(reason=f"{news.reason.value}: {news.detail}"))
                if news.reason in (DownReason.UNAUTHORIZED, DownReason.REPLACED) and self._on_unusable is not None:
                    self._on_unusable(f"{news.reason.value}: {news.detail}")

    async def _take_stock(self, news: AriUp) -> None:
        """What lives now: nothing that happened while we were away is told again."""
        self._stock.begin()
        while True:
            try:
                found = await self._stock.take()
                break
            except AriUnauthorized as error:
                self._tell(TelephonyDown(reason=str(error)))
                return
            except AriError as error:
                log.warning("asterisk's channels could not be listed", error=str(error))
                await asyncio.sleep(LIST_AGAIN_S)
            if self._latest_news is not news:
                return
        if self._latest_news is not news:  # the events are cut off again: this list is of the past
            return
        # Nothing is awaited from the list to its telling: what begins in between would be in neither.
        left = frozenset[RoomId]() if self._has_begun else self._rooms.left_behind(found.empty_rooms())
        self._has_begun = True
        live, phones = found.calls(), found.phones()
        self._calls.adopt(call.attempt_id for call in live)
        self._queues.adopt({call.attempt_id for call in live}, found.in_context(QUEUE_CONTEXT))
        waiting = (call.attempt_id for call in live if call.is_in_hand and not call.room_id)
        self._rooms.adopt(found.bridges, waiting, without=left)
        self._phones.adopt({phone.leg_id: phone.is_up for phone in phones})
        self._spying.adopt(found.spies())
        self._snoops.open_now = found.snoops()
        for endpoint in found.phone_endpoints():
            self._reach.watch(endpoint)
        self._reach.again()
        self._lanes.begin(self._stock.clear_away(found))
        self._lanes.begin(self._rooms.sweep(left))
        self._tell(TelephonyUp(is_new_life=news.new_life, live=live, phones=phones))


def _new_channel(command: LaneCommand) -> str | None:
    """The channel a command asks for; None: it asks for none."""
    match command:
        case PlaceCall():
            return channel_id(command.attempt_id)
        case RingPhone() | DialParty():
            return leg_channel(command.leg_id)
        case _:
            return None


def _always() -> bool:
    return True


def _lane(command: LaneCommand) -> str:
    if isinstance(command, CloseRoom):
        return command.room_id
    if isinstance(command, CallCommand | PersonCommand | SendToQueue):
        return command.attempt_id
    return command.leg_id
