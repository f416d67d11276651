"""The phones of agents and supervisors, and third parties: they are rung, spoken to, muted and hung up.

Phones are rung into the admin's dialplan context `outring-phone`, which hands them to us; third parties go the way of
everybody who is called from outside, and hear the apology where we are not there. Whatever happens, a leg ends with
PhoneEnded: where it is not known whether Asterisk took the request, it is asked until it says.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

import structlog

from app.agent_commands import DialParty, HangUpPhone, MutePhone, PlayToPhone, RenewPhoneLease, RingPhone
from app.agent_events import PhoneAnswered, PhoneEnded, PhoneFailed, PhoneKeyPressed, PhoneRinging
from app.asterisk.ari import AriClient, AriConflict, AriError, AriNotFound, AriServerError
from app.asterisk.ari import models as ari
from app.asterisk.calls import in_seconds
from app.asterisk.endpoint import AUTO_ANSWER, caller_id_for, endpoint_for, phone_endpoint, shown_as
from app.asterisk.lanes import Lanes
from app.asterisk.names import helper_of, leg_channel, leg_of, say_channel
from app.asterisk.snoops import Snoops
from app.ports import Inbox
from app.units import LegId

log = structlog.get_logger()

PHONE_CONTEXT: Final = "outring-phone"
"""The dialplan's context that phones are rung into (asterisk/conf/extensions.conf)."""
ASKED_AGAIN_S: Final = 1.0
"""How often Asterisk is asked for a leg of which it is not known whether it was rung."""
MISSED_TIMES: Final = 3
"""So often it must not know the leg: the request may still be on its way to a slow Asterisk."""
BEEP: Final = "tone:beep"
_BEEP_SOUND, _BEEP_OFFSET_MS = "sound:beep", 275
"""The last 150 ms of Asterisk's beep of 425 ms: as long as it sounds, the phone and its room do not hear each other."""
PlainPhoneCommand = RingPhone | DialParty | HangUpPhone | RenewPhoneLease | PlayToPhone | MutePhone

_NO_SOUND: Final = 44
_REASONS: Final[Mapping[int, str]] = {
    1: "there is no such number",
    16: "the phone was put down",
    17: "the phone is busy",
    18: "the phone does not respond",
    19: "nobody answered",
    21: "the call was declined at the phone",
    34: "no line was free",
    _NO_SOUND: "no sound came from the phone any more",
}


class Phones:
    """Legs and what is asked of them. has_company: whether a leg is in a room with somebody, or about to be.

    on_placed: told of every channel whose request was taken.
    """

    def __init__(
        self,
        client: AriClient,
        tell: Inbox,
        lanes: Lanes[Any],
        snoops: Snoops,
        *,
        context: str,
        has_company: Callable[[LegId], bool],
        on_placed: Callable[[str], None],
    ) -> None:
        self._client = client
        self._tell = tell
        self._lanes = lanes
        self._snoops = snoops
        self._context = context
        self._has_company = has_company
        self._on_placed = on_placed
        self._alive: set[LegId] = set()  # heard of, and not ended
        self._unknown: set[LegId] = set()  # nobody knows whether Asterisk took the request
        self._given_up: set[LegId] = set()
        self._hung_up: set[LegId] = set()

    # --- commands ----------------------------------------------------------------------------------------------------

    async def do(self, command: PlainPhoneCommand) -> None:
        """Carry out a command. Raises AriError, ValueError or TimeoutError where that fails."""
        channels = self._client.channels
        channel = leg_channel(command.leg_id)
        match command:
            case RingPhone() | DialParty():
                await self._ring(command)
            case HangUpPhone():
                self._hung_up.add(command.leg_id)
                try:
                    await channels.hangup(channelId=channel)
                except AriNotFound:
                    self._hung_up.discard(command.leg_id)  # it has ended already, and says so itself
            case RenewPhoneLease():
                seconds = str(in_seconds(command.lease_ms))
                await channels.setChannelVar(channelId=channel, variable="TIMEOUT(absolute)", value=seconds)
            case PlayToPhone():
                await self._play(command)
            case MutePhone(is_on=True):
                await channels.mute(channelId=channel, direction="in")
            case MutePhone():
                await channels.unmute(channelId=channel, direction="in")
            case _:
                assert_never(command)

    async def _ring(self, command: RingPhone | DialParty) -> None:
        leg_id = command.leg_id
        variables: dict[str, object] = {
            "TIMEOUT(absolute)": str(in_seconds(command.lease_ms)),
            "CHANNEL(language)": command.language,
        }
        try:
            if isinstance(command, RingPhone):
                endpoint, context, extension = phone_endpoint(command.endpoint), PHONE_CONTEXT, "s"
                caller_id = shown_as(command.shown_name, command.shown_number)
                variables |= AUTO_ANSWER if command.has_auto_answer else {}
            else:
                endpoint, context, extension = endpoint_for(command.trunk, command.number), self._context, leg_id
                caller_id = caller_id_for(command.caller_id)
            await self._client.channels.originate(
                endpoint=endpoint,
                context=context,
                extension=extension,
                priority=1,
                callerId=caller_id,
                timeout=in_seconds(command.ring_timeout_ms),
                variables=variables,
                channelId=leg_channel(leg_id),
            )
        except ValueError as error:
            self._tell(PhoneEnded(leg_id=leg_id, reason=str(error), was_refused=True))
        except AriConflict as error:
            if leg_id in self._alive or await self._is_there(leg_id):
                raise  # the leg of before lives on: it ends by itself
            # A thread of Asterisk's that once met an id in use says so of every refusal after it (ast_channel_errno)
            self._tell(PhoneEnded(leg_id=leg_id, reason=_refusal(command, error), was_refused=True))
        except AriError as error:
            if error.is_certainly_not_done:
                self._tell(PhoneEnded(leg_id=leg_id, reason=_refusal(command, error), was_refused=True))
            elif leg_id not in self._alive:
                log.warning("whether a phone rings is not known", leg=leg_id, reason=str(error))
                self._unknown.add(leg_id)
                self._lanes.begin(self._resolve(leg_id))
        else:
            self._on_placed(leg_channel(leg_id))

    async def _is_there(self, leg_id: LegId) -> bool:
        """Whether Asterisk has such a channel. Raises AriError when it does not say."""
        try:
            await self._client.channels.get(channelId=leg_channel(leg_id))
        except AriNotFound:
            return False
        return True

    async def _resolve(self, leg_id: LegId) -> None:
        """Ask until Asterisk says whether there is such a channel, or it is heard of."""
        missed = 0
        while leg_id in self._unknown:
            await asyncio.sleep(ASKED_AGAIN_S)
            try:
                await self._client.channels.get(channelId=leg_channel(leg_id))
            except AriNotFound:
                missed += 1
            except AriError:
                continue
            else:
                self._unknown.discard(leg_id)
            if missed == MISSED_TIMES and leg_id in self._unknown:
                self._unknown.discard(leg_id)
                self._given_up.add(leg_id)
                self._tell(PhoneEnded(leg_id=leg_id, reason="Asterisk did not answer when it was to ring the phone"))

    async def _play(self, command: PlayToPhone) -> None:
        """A beep on the phone's own channel, the rest beside what it hears, when there is somebody to hear.

        A sound on the channel is heard for certain, but deafens it for its room; a whisper deafens nobody, and is
        heard only while other sound comes in.
        """
        channel, media = leg_channel(command.leg_id), command.media
        endless = [uri for uri in media if uri.startswith("tone:") and uri != BEEP]
        if endless or not media:
            raise ValueError(f"a tone without an end cannot be played to a phone: {endless}; {BEEP} can")
        if media[0] == BEEP:
            media = media[1:]
            await self._client.channels.play(channelId=channel, media=_BEEP_SOUND, offsetms=_BEEP_OFFSET_MS)
        media = tuple(_BEEP_SOUND if uri == BEEP else uri for uri in media)
        if media and self._has_company(command.leg_id):
            voice = say_channel(command.leg_id, secrets.token_hex(4))
            await self._snoops.open(voice, on=channel, whisper="out")
            await self._client.channels.play(channelId=voice, media=media)
        elif media:
            await self._client.channels.play(channelId=channel, media=media)

    # --- events ------------------------------------------------------------------------------------------------------

    def adopt(self, legs: Mapping[LegId, bool]) -> None:
        """The legs that live now, after the events broke off; whether each is up."""
        self._alive = set(legs)
        self._unknown -= legs.keys()

    def hear(self, message: Any) -> None:
        """What Asterisk says; all that is not of a phone's call is passed over."""
        translate = _TRANSLATIONS.get(type(message))
        if translate is not None:
            translate(self, message)

    def _leg_of(self, channel: str, message: Any) -> LegId | None:
        """The leg a message is of; None where it is none, or nobody waits for it any more."""
        leg_id = leg_of(channel)
        if leg_id is None:
            return None
        if leg_id in self._given_up and not isinstance(message, ari.ChannelDestroyed):
            self._lanes.put(leg_id, HangUpPhone(leg_id=leg_id))
            return None
        self._unknown.discard(leg_id)
        self._alive.add(leg_id)
        return leg_id

    def _dial(self, message: ari.Dial) -> None:
        if message.dialstatus == "RINGING" and (leg_id := self._leg_of(message.peer.id, message)):
            self._tell(PhoneRinging(leg_id=leg_id))

    def _stasis_start(self, message: ari.StasisStart) -> None:
        if leg_id := self._leg_of(message.channel.id, message):
            self._tell(PhoneAnswered(leg_id=leg_id))

    def _digit(self, message: ari.ChannelDtmfReceived) -> None:
        if leg_id := self._leg_of(message.channel.id, message):
            self._tell(PhoneKeyPressed(leg_id=leg_id, digit=message.digit))

    def _destroyed(self, message: ari.ChannelDestroyed) -> None:
        if (leg_id := self._leg_of(message.channel.id, message)) is None:
            return
        was_hung_up = leg_id in self._hung_up
        self._alive.discard(leg_id)
        self._hung_up.discard(leg_id)
        if leg_id in self._given_up:
            self._given_up.discard(leg_id)
            return
        reason = _REASONS.get(message.cause, message.cause_txt or "the call ended")
        self._tell(PhoneEnded(leg_id=leg_id, reason="hung up" if was_hung_up else reason))

    def _played(self, message: ari.PlaybackFinished) -> None:
        channel = message.playback.target_uri.removeprefix("channel:")
        leg_id = leg_of(channel) or helper_of(channel)
        if leg_id is None:
            return
        if channel in self._snoops.open_now:
            self._lanes.begin(self._fall_silent(channel))
        if message.playback.state == "failed":
            reason = f"it could not be played: {message.playback.media_uri}"
            self._tell(PhoneFailed(leg_id=leg_id, command=PlayToPhone.__name__, reason=reason))

    async def _fall_silent(self, voice: str) -> None:
        try:
            await self._snoops.close(voice)
        except (AriError, TimeoutError) as error:
            log.warning("a voice in a phone's ear could not be ended", channel=voice, reason=str(error))


_TRANSLATIONS: Final[Mapping[type, Callable[[Phones, Any], None]]] = {
    ari.Dial: Phones._dial,
    ari.StasisStart: Phones._stasis_start,
    ari.ChannelDtmfReceived: Phones._digit,
    ari.ChannelDestroyed: Phones._destroyed,
    ari.PlaybackFinished: Phones._played,
}


def _refusal(command: RingPhone | DialParty, error: AriError) -> str:
    if isinstance(error, AriServerError | AriConflict) and isinstance(command, RingPhone):
        return f"the phone {command.endpoint} is not registered"
    return error.message
