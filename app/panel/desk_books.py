"""What the desk reads and writes on disk: cards, notes, callbacks, own figures; phones and reasons for a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from app.agents import (
    DEFAULT_DISPOSITIONS,
    NOT_SET,
    CallbackPlan,
    Card,
    DispositionEffect,
    PauseReason,
    PhoneMode,
)
from app.dialing.strategy import after_conversation
from app.model import Campaign, ContactNext, OpenedAttempt
from app.operations import OperationError
from app.outcomes import Outcome
from app.panel.call_hours import CallHours, hours_of
from app.panel.calling_time import zones_of
from app.panel.desk_state import card_fields
from app.panel.language import Wording
from app.store import agents, attempts, callbacks, callers, campaigns, cards, pauses, phones
from app.store.amending import Amended, amend_conversation
from app.store.attempts import AttemptEntry
from app.store.audit import AuditNote, audited
from app.store.callbacks import Callback
from app.store.cards import ContactCard, ContactFact
from app.store.confirming import why_not_over
from app.store.door import SqlStore
from app.store.people import User
from app.store.phones import Phone
from app.units import DAY_MS, AgentId, AttemptId, CampaignId, ContactId, Number

MAX_CALLBACKS: Final = 30
SAVED_S: Final = 0.1
SAVED_TRIES: Final = 30


class DeskBooks:
    """The disk, as agents use it."""

    def __init__(self, store: SqlStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    # --- the shift ---------------------------------------------------------------------------------------------------

    async def phones(self, agent: User) -> list[Phone]:
        """The phones an agent may sit at, their own first."""
        return await self._store.read(phones.list_phones, agent_id=AgentId(agent.id))

    async def phone(self, endpoint: str, phone_mode: PhoneMode) -> Phone:
        """A phone by its name; one that nobody has written down is taken as it comes."""
        known = await self._store.read(phones.list_phones)
        found = next((one for one in known if one.endpoint == endpoint), None)
        return found or Phone(endpoint=endpoint, phone_mode=phone_mode)

    async def skill(self, agent: User) -> int:
        """How early an agent is served."""
        return (await self._store.read(agents.agent_profile, AgentId(agent.id))).skill

    async def campaigns_of(self, agent: User) -> frozenset[CampaignId]:
        """The campaigns an agent was put on; empty: nobody said, they may serve any."""
        return frozenset(await self._store.read(agents.campaigns_of_agent, AgentId(agent.id)))

    async def pause_reasons(self) -> Sequence[PauseReason]:
        """Why one may pause."""
        return await self._store.read(pauses.list_pause_reasons)

    async def today(self, agent: User, zone: tzinfo) -> dict[str, int]:
        """What an agent did since midnight on their own clock."""
        now = datetime.fromtimestamp(self._now_ms() / 1_000, tz=zone)
        midnight_ms = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1_000)
        found = await self._store.read(
            agents.agent_figures, AgentId(agent.id), since_ms=midnight_ms, now_ms=self._now_ms()
        )
        return {"calls": found.calls, "contacts": found.contacts, "talk": found.talk_ms}

    # --- people ------------------------------------------------------------------------------------------------------

    async def card(self, contact_id: ContactId) -> ContactCard:
        """What is on disk of a contact. Raises NotFound."""
        return await self._store.read(cards.contact_card, contact_id)

    async def contact_with(self, number: Number, campaign_id: CampaignId) -> ContactId | None:
        """The campaign's contact with this number: whoever types it gets their card."""
        return await self._store.read(callers.contact_in_campaign, campaign_id, number)

    async def edit(self, agent: User, contact_id: ContactId, field: str, *, saw: str, value: str) -> None:
        """Change a field of a contact. Raises Conflict when it is another than the agent saw, NotFound."""
        kind, _, name = field.partition(":")
        if (kind, name) == ("fact", ContactFact.NAME.value):
            value = value.strip()
            if len(value) > 200:
                raise OperationError("a name has at most 200 characters")
        elif kind != "column":
            raise OperationError("this field cannot be changed here")
        await self._store.write(
            cards.edit_contact,
            contact_id,
            ContactFact.NAME if kind == "fact" else name,
            saw=saw,
            value=value,
            by=agent.name,
            now_ms=self._now_ms(),
        )

    async def note(self, agent: User, contact_id: ContactId, text: str) -> None:
        """Write something down about a contact. Raises NotFound."""
        if not text:
            raise OperationError("there is nothing to write down")
        await self._store.write(cards.add_note, contact_id, author=agent.name, text=text, at_ms=self._now_ms())

    async def amend(
        self, agent: User, attempt_id: AttemptId, code: str, note: str, callback: CallbackPlan | None
    ) -> tuple[Amended, bool]:
        """Give a conversation that was just saved another result; the second answer: whether its number is barred.

        Raises NotFound, InUse, OperationError for a result that the campaign does not have.
        """
        entry = await self._closed(attempt_id)
        plan = (await self._store.read(campaigns.get_campaign, entry.campaign_id)).campaign
        chosen = next((one for one in plan.agents.dispositions if one.code == code), None)
        if chosen is None:
            raise OperationError("the campaign does not have this result any more; choose another")
        now_ms = self._now_ms()

        def decide(opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
            word = after_conversation(opened, chosen, callback, plan, now_ms)
            return word.outcome, word.next

        mended = AuditNote(
            who=agent.name, what="changed result", subject=f"attempt {attempt_id}", at_ms=now_ms, details={"to": code}
        )
        amended = await self._store.write(
            audited,
            mended,
            amend_conversation,
            attempt_id,
            AgentId(agent.id),
            disposition=code,
            words=note,
            decide=decide,
            now_ms=now_ms,
            listeners=self._store.listeners,
        )
        return amended, chosen.effect is DispositionEffect.DO_NOT_CALL

    async def _closed(self, attempt_id: AttemptId) -> AttemptEntry:
        """An attempt, once its end is on disk: whoever presses a wrong key notices it before that, sometimes."""
        for _ in range(SAVED_TRIES):
            entry = await self._store.read(attempts.get_attempt, attempt_id)
            if entry.closed_at_ms is not None:
                break
            await asyncio.sleep(SAVED_S)
        return entry

    async def check_phone(self, attempt_id: AttemptId, number: Number) -> None:
        """Whether an agent may take another phone for an attempt. Raises OperationError with the reason."""
        reason, _ = await self._store.read(why_not_over, self._store.lawbook, attempt_id, number, self._now_ms())
        if reason:
            raise OperationError(reason)

    async def hours(self, card: Card, zone: str) -> CallHours:
        """When the law lets the person of a card be called again. Raises OperationError, NotFound."""
        try:
            return await self._store.read(
                hours_of,
                self._store.lawbook,
                card.campaign_id,
                card.contact_id,
                Number(card.number),
                self._now_ms(),
                zone=zone,
                talk=card.attempt_id,
            )
        except ValueError as error:
            raise OperationError(f"its compliance profiles cannot be used: {error}") from error

    # --- promises ----------------------------------------------------------------------------------------------------

    async def callbacks(self, agent: User, served: frozenset[CampaignId]) -> list[Callback]:
        """The agent's own callbacks, and anyone's of the campaigns they serve; the soonest first."""
        mine = await self._store.read(callbacks.callbacks_page, agent_id=AgentId(agent.id), limit=MAX_CALLBACKS)
        found = {(one.campaign_id, one.contact_id): one for one in mine.callbacks}
        soon_ms = self._now_ms() + DAY_MS
        for campaign_id in sorted(served):
            page = await self._store.read(callbacks.callbacks_page, campaign_id=campaign_id, limit=MAX_CALLBACKS)
            for one in page.callbacks:
                if one.at_ms <= soon_ms and (one.agent_id is None or one.until_ms <= self._now_ms()):
                    found.setdefault((one.campaign_id, one.contact_id), one)
        return sorted(found.values(), key=lambda one: one.at_ms)[:MAX_CALLBACKS]


def callback_told(one: Callback, agent: User, words: Wording) -> dict[str, Any]:
    """A promise, for the page."""
    return {
        "contact": one.contact_id,
        "campaign": one.campaign_id,
        "name": one.contact_name,
        "number": one.number,
        "shown": words.phone(one.number),
        "at": one.at_ms,
        "is_mine": one.agent_id == agent.id,
        "zones": list(zones_of(one.number, one.time_zone)),
    }


def person_told(
    card: ContactCard, dialed: str, words: Wording, plans: Mapping[CampaignId, Campaign], now: str = ""
) -> dict[str, Any]:
    """A contact as the page shows them beside what the dialer told. now: the attempt that goes on, not of the past."""
    contact = card.contact
    return {
        "contact": contact.id,
        "name": contact.name,
        "list": card.list_name,
        "zones": list(zones_of(dialed or next(iter(contact.phones), ""), contact.time_zone)),
        "phones": [{"number": one, "shown": words.phone(one), "is_dialed": one == dialed} for one in contact.phones],
        "fields": card_fields(_values(card), contact.name, contact.phones, words),
        "attempts": [_attempt_told(one, words, plans) for one in card.attempts if one.attempt_id != now],
        "notes": [{"at": one.at_ms, "by": one.author, "text": one.text} for one in card.notes],
    }


def _values(card: ContactCard) -> dict[str, str]:
    """The columns of the list in their order, empty ones too; then what else is written of the contact."""
    fields = card.contact.fields
    return {column: fields.get(column, "") for column in card.columns} | dict(fields)


def _attempt_told(one: AttemptEntry, words: Wording, plans: Mapping[CampaignId, Campaign]) -> dict[str, Any]:
    talk = one.conversation
    return {
        "at": one.facts.answered_at_ms or one.opened_at_ms,
        "number": words.phone(one.number),
        "outcome": words.say(one.outcome.label if one.outcome else "in progress"),
        "disposition": words.say(label_of(talk.disposition, plans.get(one.campaign_id))) if talk else "",
        "by": one.agent_name if talk else "",
        "note": talk.note if talk else "",
        "talk": talk.talk_ms if talk else 0,
    }


def label_of(code: str, plan: Campaign | None) -> str:
    """A disposition's label, by its code; one that its campaign does not have any more is shown as it is."""
    if code == NOT_SET:
        return "no result set"
    known = (*(plan.agents.dispositions if plan else ()), *DEFAULT_DISPOSITIONS)
    return next((one.label for one in known if one.code == code), code)
