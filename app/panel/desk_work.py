"""What an agent's page asks is done here: each ask becomes a request to the floor, or an answer out of the books."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from app.agent_events import (
    AgentJoined,
    AgentPaused,
    AgentRequest,
    AgentSignedOut,
    AgentWentReady,
    DeskTold,
    DeskWord,
    DispositionSet,
    HangUpAsked,
    HoldAsked,
    KeysAsked,
    ManualDialAsked,
    MuteAsked,
    PhoneAsked,
    PreviewAccepted,
    PreviewRefused,
    RecordAsked,
    TransferAsked,
    TransferCancelled,
    TransferFinished,
    WrapUpExtended,
)
from app.agents import CALLBACK_WINDOW_MS, AgentState, CallbackPlan, Card, PhoneMode
from app.contacts.numbers import NumberProblem, normalise
from app.dialing.snapshot import AgentPicture
from app.model import CampaignStatus
from app.operations import OperationError, Operations
from app.panel import desk_asks as asks
from app.panel.call_hours import CallHours
from app.panel.calling_time import at_local, local
from app.panel.desk_books import DeskBooks, callback_told
from app.panel.desk_floor import Floor
from app.panel.desk_state import MAX_PAUSE_REASONS, slug
from app.panel.language import Wording
from app.store import campaigns, lists
from app.store.door import SqlStore
from app.store.people import User
from app.units import AgentId, AttemptId, CampaignId, ContactId, Number
from app.units import number as checked_number

MAX_AHEAD_MS: Final = 366 * 86_400_000
_REMEMBERED: Final = 4


class DeskWork:
    """One agent's asks."""

    def __init__(
        self,
        *,
        floor: Floor,
        books: DeskBooks,
        store: SqlStore,
        operations: Operations,
        user: User,
        words: Wording,
    ) -> None:
        self._floor = floor
        self._books = books
        self._store = store
        self._operations = operations
        self._user = user
        self._words = words
        self.agent_id = AgentId(user.id)
        self._people: OrderedDict[str, tuple[Card, tuple[str, ...]]] = OrderedDict()

    async def do(self, ask: asks.AnyAsk, now_ms: int) -> dict[str, Any]:
        """Do what is asked; answers what the page is told of it. Raises OperationError and what the store raises."""
        match ask:
            case asks.Begin():
                await self._begin(ask)
            case asks.Targets():
                return self._targets()
            case asks.When():
                return await self._when(ask, now_ms)
            case asks.Edit():
                await self._books.edit(self._user, ContactId(ask.contact), ask.field, saw=ask.seen, value=ask.value)
            case asks.Note():
                await self._books.note(self._user, ContactId(ask.contact), ask.text.strip())
            case asks.Callbacks():
                return {"callbacks": await self.callbacks()}
            case asks.Amend():
                await self._amend(ask, now_ms)
            case _:
                await self._floor.ask(await self._request(ask, now_ms))
        return {}

    async def _begin(self, ask: asks.Begin) -> None:
        phone_mode = PhoneMode.NAILED_UP if ask.is_nailed_up else PhoneMode.PER_CALL
        phone = await self._books.phone(ask.endpoint.strip(), phone_mode)
        if phone.agent_id not in (None, self.agent_id):
            raise OperationError(f"phone {phone.endpoint} is somebody else's; choose another, or ask an admin")
        await self._floor.sign_in(
            self._user,
            endpoint=phone.endpoint,
            phone_mode=phone_mode,
            campaigns_served=await self._served(ask.campaigns),
            skill=await self._books.skill(self._user),
            has_auto_answer=phone.has_auto_answer,
            language=self._words.language,
        )

    async def _amend(self, ask: asks.Amend, now_ms: int) -> None:
        plan = await self._callback(ask, now_ms)
        note = ask.note.strip()
        amended, is_barred = await self._books.amend(self._user, AttemptId(ask.attempt), ask.code, note, plan)
        if is_barred:
            await self._operations.do_not_call(amended.number, "agent")
        self._operations.contacts_added([amended.campaign_id])

    async def _served(self, asked: Sequence[int]) -> tuple[CampaignId, ...]:
        """Campaigns that are there, and that the agent may serve. Raises NotFound, OperationError."""
        put_on = await self._books.campaigns_of(self._user)
        served = tuple(CampaignId(one) for one in dict.fromkeys(asked))
        for campaign_id in served:
            entry = await self._store.read(campaigns.get_campaign, campaign_id)
            if put_on and campaign_id not in put_on:
                raise OperationError(f"campaign {entry.campaign.name!r} has other agents; ask a supervisor to add you")
        return served

    async def _request(self, ask: asks.AnyAsk, now_ms: int) -> AgentRequest:
        me = self.agent_id
        match ask:
            case asks.Ready():
                return AgentWentReady(agent_id=me)
            case asks.Pause():
                return await self._pause(ask)
            case asks.SignOut():
                return AgentSignedOut(agent_id=me)
            case asks.Join():
                return AgentJoined(agent_id=me, campaigns=await self._served(ask.campaigns))
            case asks.RingPhone():
                return PhoneAsked(agent_id=me)
            case asks.Accept():
                number = ask.number and await self._number(ask.number)
                if number:
                    await self._books.check_phone(AttemptId(ask.attempt), Number(number))
                return PreviewAccepted(agent_id=me, attempt_id=AttemptId(ask.attempt), number=number)
            case asks.Skip():
                return PreviewRefused(
                    agent_id=me, attempt_id=AttemptId(ask.attempt), is_closed=ask.is_closed, reason=ask.reason.strip()
                )
            case asks.Dial():
                campaign_id = CampaignId(ask.campaign)
                number = await self._number(ask.number, campaign_id)
                contact_id = ContactId(ask.contact) if ask.contact is not None else None
                contact_id = contact_id or await self._books.contact_with(number, campaign_id)
                return ManualDialAsked(agent_id=me, campaign_id=campaign_id, number=number, contact_id=contact_id)
            case asks.HangUp():
                return HangUpAsked(agent_id=me)
            case asks.Hold():
                return HoldAsked(agent_id=me, is_on=ask.is_on)
            case asks.Mute():
                return MuteAsked(agent_id=me, is_on=ask.is_on)
            case asks.Record():
                return RecordAsked(agent_id=me, is_on=ask.is_on)
            case asks.Keys():
                return KeysAsked(agent_id=me, digits=ask.digits)
            case asks.Transfer():
                return await self._transfer(ask)
            case asks.Finish():
                return TransferFinished(agent_id=me, is_conference=ask.is_conference)
            case asks.Cancel():
                return TransferCancelled(agent_id=me)
            case asks.Dispose():
                plan = await self._callback(ask, now_ms)
                return DispositionSet(
                    agent_id=me, attempt_id=AttemptId(ask.attempt), code=ask.code, note=ask.note.strip(),
                    callback=plan, is_done=ask.is_done,
                )  # fmt: skip
            case asks.Extend():
                return WrapUpExtended(agent_id=me)
            case asks.Tell():
                word = DeskWord.CLOSING if ask.step is None else DeskWord.STEP
                return DeskTold(agent_id=me, attempt_id=AttemptId(ask.attempt), word=word, step=ask.step or 0)
            case _:
                raise AssertionError(f"no request for {type(ask).__name__}")

    async def _pause(self, ask: asks.Pause) -> AgentPaused:
        known = list(await self._books.pause_reasons())[:MAX_PAUSE_REASONS]
        reason = next((one for one in known if one.code == ask.reason), None)
        if reason is None:
            raise OperationError("there is no such reason for a pause; choose one of the list")
        return AgentPaused(agent_id=self.agent_id, reason=reason)

    async def _transfer(self, ask: asks.Transfer) -> TransferAsked:
        if sum(one is not None for one in (ask.agent, ask.campaign, ask.number or None)) != 1:
            raise OperationError("choose one: an agent, a campaign or a number")
        return TransferAsked(
            agent_id=self.agent_id,
            to_agent_id=AgentId(ask.agent) if ask.agent is not None else None,
            to_campaign_id=CampaignId(ask.campaign) if ask.campaign is not None else None,
            to_number=await self._number(ask.number) if ask.number else None,
            is_attended=ask.is_attended,
        )

    def _targets(self) -> dict[str, Any]:
        """Agents who are here, those who can take somebody now first; and campaigns with agents."""
        now = self._operations.snapshot()
        order = {AgentState.AVAILABLE: 0, AgentState.WRAP_UP: 1, AgentState.PAUSED: 2}
        colleagues = [one for one in now.agents if one.agent_id != self.agent_id]
        colleagues.sort(key=lambda one: (order.get(one.state, 3), one.name.lower()))
        return {
            "agents": [{"id": one.agent_id, "name": one.name, "state": slug(one.state)} for one in colleagues],
            "campaigns": [
                {"id": one.id, "agents": one.agents, "available": one.available}
                for one in now.campaigns
                if one.agents and one.status is CampaignStatus.RUNNING
            ],
        }

    # --- numbers -----------------------------------------------------------------------------------------------------

    async def _number(self, written: str, campaign_id: CampaignId | None = None) -> Number:
        """A number as people write it, in the country of the campaign's first list. Raises OperationError."""
        try:
            return checked_number(written)
        except ValueError:
            pass
        country = await self._country(campaign_id or self._campaign_id())
        if not country:
            raise OperationError("write the number with + and its country code")
        found = normalise(written, country)
        if isinstance(found, NumberProblem):
            raise OperationError(f"{found.why}; {found.mend}")
        return found

    def _campaign_id(self) -> CampaignId | None:
        picture = self._picture()
        return picture.card.campaign_id if picture and picture.card else None

    async def _country(self, campaign_id: CampaignId | None) -> str:
        if campaign_id is None:
            return ""
        entry = await self._store.read(campaigns.get_campaign, campaign_id)
        if not entry.list_ids:
            return ""
        return (await self._store.read(lists.get_list, entry.list_ids[0])).country

    # --- callbacks ---------------------------------------------------------------------------------------------------

    def remember(self, card: Card, zones: tuple[str, ...]) -> None:
        """Who the person of an attempt is, and where they may be: the present one, and the one before, whose result
        may be mended."""
        self._people[card.attempt_id] = (card, zones)
        self._people.move_to_end(card.attempt_id)
        while len(self._people) > _REMEMBERED:
            self._people.popitem(last=False)

    def _zones_of(self, attempt_id: str, chosen: str) -> tuple[str, ...]:
        return (chosen,) if chosen else self._people[attempt_id][1] if attempt_id in self._people else ()

    async def _hours_of(self, attempt_id: str, chosen: str) -> CallHours:
        """When the campaign's law lets the person be called. Raises OperationError for nobody who is known."""
        if attempt_id not in self._people:
            raise OperationError("that conversation is too long ago to promise a call from it; book it on the contact")
        card, _ = self._people[attempt_id]
        return await self._books.hours(card, chosen)

    async def _when(self, ask: asks.When, now_ms: int) -> dict[str, Any]:
        """A time to call again, on both clocks; the nearest that the law allows where it is none."""
        zones = self._zones_of(ask.attempt, ask.zone)
        clock = zones[0] if zones else "UTC"
        try:
            at_ms = _asked_time(ask, clock, now_ms)
        except (ValueError, OverflowError) as error:
            raise OperationError("that is no date and time; write them as 2025-11-23 10:30") from error
        hours = await self._hours_of(ask.attempt, ask.zone)
        asked_ms = min(at_ms, now_ms + MAX_AHEAD_MS)
        is_legal = now_ms <= at_ms <= now_ms + MAX_AHEAD_MS and hours.may(at_ms)
        return {
            "at": at_ms,
            "zones": list(zones),
            "is_legal": is_legal,
            "is_past": at_ms < now_ms,
            "nearest": hours.nearest(asked_ms, now_ms),
            "why": "" if is_legal else self._words.say(hours.why(max(at_ms, now_ms))),
        }

    async def _callback(self, ask: asks.Dispose | asks.Amend, now_ms: int) -> CallbackPlan | None:
        """Raises OperationError where the law forbids that hour, with the nearest time it allows."""
        asked = ask.callback
        if asked is None:
            return None
        zones = self._zones_of(ask.attempt, ask.zone)
        hours = await self._hours_of(ask.attempt, ask.zone)
        if not now_ms - 60_000 <= asked.at_ms <= now_ms + MAX_AHEAD_MS or not hours.may(asked.at_ms):
            nearest_ms = hours.nearest(min(asked.at_ms, now_ms + MAX_AHEAD_MS), now_ms)
            if nearest_ms is None:
                raise OperationError("at that time they may not be called; choose another")
            near = format(local(nearest_ms, zones[0] if zones else "UTC"), "%Y-%m-%d %H:%M")
            raise OperationError(f"at that time they may not be called; the nearest time that is legal: {near}")
        return CallbackPlan(
            at_ms=asked.at_ms,
            agent_id=self.agent_id if asked.is_mine else None,
            until_ms=asked.at_ms + CALLBACK_WINDOW_MS,
        )

    async def callbacks(self) -> list[dict[str, Any]]:
        """What was promised, for the page."""
        picture = self._picture()
        served = frozenset(picture.campaigns) if picture else frozenset()
        found = await self._books.callbacks(self._user, served)
        return [callback_told(one, self._user, self._words) for one in found]

    def _picture(self) -> AgentPicture | None:
        return self._floor.picture(self.agent_id)


def _asked_time(ask: asks.When, clock: str, now_ms: int) -> int:
    if ask.in_ms is not None:
        return now_ms + ask.in_ms
    if ask.days is not None:
        day = local(now_ms, clock)
        later = day.replace(tzinfo=None) + timedelta(days=ask.days)
        return at_local(later.isoformat(timespec="minutes"), clock)
    if ask.written is not None:
        return at_local(ask.written, clock)
    raise ValueError("no time is given")
