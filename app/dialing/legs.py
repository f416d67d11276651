"""Whose phone it is: events of legs go to the agent, the third party, or the supervisor they belong to."""

from __future__ import annotations

from app.agent_commands import HangUpPhone
from app.agent_events import (
    PhoneAnswered,
    PhoneEnded,
    PhoneEvent,
    PhoneFailed,
    PhoneJoined,
    PhoneKeyPressed,
    PhoneRinging,
)
from app.dialing.consult import Party
from app.dialing.parts import Parts


class Legs:
    """The switchboard of the floor."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._crew = parts.crew

    def take(self, event: PhoneEvent) -> bool:
        """What follows from an event of a leg; False: it came too late."""
        if (party := self._crew.parties.get(event.leg_id)) is not None:
            self._take_party(party, event)
            return True
        if self._parts.supervision.owns(event.leg_id):
            self._take_supervisor(event)
            return True
        agent = self._crew.agent_of_leg(event.leg_id)
        if agent is None or agent.phone.leg_id != event.leg_id:
            if isinstance(event, PhoneAnswered):  # whoever picks up is not left alone
                self._crew.do(HangUpPhone(leg_id=event.leg_id))
            return False
        match event:
            case PhoneAnswered():
                self._crew.do(*agent.phone.answered())
                self._crew.touch(agent)
            case PhoneJoined():
                if not agent.phone.joined(event.room_id):
                    return False
                self._crew.touch(agent)
                self._parts.reservations.phone_joined(agent)
                self._parts.talk.phone_joined(agent)
                self._parts.transfers.phone_joined(agent)
                self._parts.resuming.go_on(agent)
            case PhoneEnded():
                self._parts.losses.phone_ended(agent, event.reason)
            case PhoneFailed():
                self._parts.losses.phone_failed(agent, event)
            case PhoneKeyPressed() | PhoneRinging():
                pass
        return True

    def _take_party(self, party: Party, event: PhoneEvent) -> None:
        match event:
            case PhoneAnswered() if not party.is_up:
                self._parts.transfers.party_answered(party)
            case PhoneJoined():
                self._parts.transfers.party_joined(party)
            case PhoneEnded():
                self._parts.transfers.party_ended(party)
            case PhoneFailed(command="ConnectPhone" | "OpenRoom"):
                self._crew.do(HangUpPhone(leg_id=party.leg_id))
            case _:
                pass

    def _take_supervisor(self, event: PhoneEvent) -> None:
        match event:
            case PhoneAnswered():
                self._parts.supervision.answered(event.leg_id)
            case PhoneEnded():
                self._parts.supervision.ended(event.leg_id)
            case PhoneFailed():
                self._parts.supervision.failed(event.leg_id)
            case PhoneKeyPressed():
                self._parts.supervision.pressed(event.leg_id, event.digit)
            case PhoneJoined() | PhoneRinging():
                pass
