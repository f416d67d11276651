"""What operators do: the verbs behind the panel, the REST interface and the command line.

Each checks what it is given, writes it down, and tells the dialer; when it returns, what it promised is on disk and
the dialer acts on it. Bad input raises OperationError with a sentence for people.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from app.agents import DialingMode
from app.barring import Barring
from app.commands import AddDnc, SetCampaignStatus
from app.dialing.snapshot import Snapshot
from app.events import (
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    CampaignStopped,
    ContactRemoved,
    ContactsAdded,
    Event,
    TrunkRemoved,
    TrunkSet,
)
from app.ivr.builtin import CONNECT_NAME, CONNECT_SOURCE
from app.ivr.flow import Flow
from app.ivr.load import FlowError, load_flow
from app.ivr.needs import static_prompts
from app.ivr.prompts import PromptStudio
from app.model import Campaign, CampaignStatus, PacingMemory, Trunk
from app.outcomes import ContactStatus
from app.plain_yaml import FileError
from app.plan_checks import NotNow, OperationError, check_campaign, check_profiles, check_trunk
from app.runtime import Runtime
from app.shown_numbers import ShownNumbers
from app.store import agents, campaigns, flows, lists, owners, pacing, requeueing, strategies, trunks
from app.store.agents import CampaignAgent
from app.store.campaigns import CampaignEntry
from app.store.door import SqlStore
from app.store.flows import FlowVersion
from app.store.mixing import ListShare, set_shares
from app.store.requeueing import REQUEUABLE
from app.store.strategies import StrategyVersion
from app.strategy.load import load_strategy
from app.strategy.rows import CallStrategy
from app.units import AttemptId, CampaignId, ContactId, FlowId, ListId, Number, TrunkId

__all__ = ["NotNow", "OperationError", "Operations"]

log = structlog.get_logger()


MAX_FIRST: Final = 1_000_000


def first_calls(entry: CampaignEntry) -> int | None:
    """How many calls until a campaign pauses by itself; None: it does not. Resumed after that pause, it goes on."""
    left = entry.campaign.pause_at - entry.progress.attempts
    if not entry.campaign.pause_at or (left <= 0 and entry.status is not CampaignStatus.RUNNING):
        return None
    return max(0, left)


class Operations:
    """The operators' verbs on one running dialer."""

    def __init__(
        self,
        *,
        store: SqlStore,
        runtime: Runtime,
        studio: PromptStudio | None = None,
        has_sound: Callable[[str], Awaitable[bool | None]] | None = None,
        queue_problem: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> None:
        """studio: where a campaign's prompts are made before its first call; without one, as calls come.

        has_sound: whether Asterisk has a sound of its own of this name; None when that cannot be known now.
        queue_problem: why a queue of Asterisk's own cannot be used now, in words; None: it can.
        """
        self.store = store
        self.barring = Barring(store, runtime)
        self.shown_numbers = ShownNumbers(store, runtime)
        self._runtime = runtime
        self._studio = studio
        self._has_sound = has_sound
        self._queue_problem = queue_problem

    # --- at the start ------------------------------------------------------------------------------------------------

    async def first_events(self) -> list[Event]:
        """What the dialer must know before anything else: its trunks, and the campaigns that were running.

        A campaign that is not running but has open attempts is told of too, and put back into its status, so that the
        calls a life before this one left behind end in it.
        """
        events: list[Event] = [TrunkSet(trunk=trunk) for trunk in await self.store.read(trunks.list_trunks)]
        events.append(await self.shown_numbers.as_event())
        recovered = await self.store.recover()
        with_calls = {attempt.campaign_id for attempt in recovered.attempts}
        for entry in await self.store.read(campaigns.list_campaigns, with_rehearsals=True):
            is_running = entry.status is CampaignStatus.RUNNING
            if not is_running and entry.campaign.id not in with_calls:
                continue
            try:
                flow = await self._flow(entry.campaign.flow_id)
                await self._make_prompts(entry.campaign, flow)
            except OperationError as error:  # made by another version of the program: do not stop the others for it
                log.error("campaign paused: its flow cannot be used", campaign=entry.campaign.id, error=str(error))
                pause = SetCampaignStatus(campaign_id=entry.campaign.id, status=CampaignStatus.PAUSED)
                await self.store.commit([pause], self.now_ms)
                continue
            memory = await self._memory(entry.campaign)
            first = first_calls(entry)
            events.append(CampaignStarted(campaign=entry.campaign, flow=flow, pacing=memory, first_calls=first))
            if entry.status is CampaignStatus.PAUSED:
                events.append(CampaignPaused(campaign_id=entry.campaign.id))
            elif not is_running:
                events.append(CampaignStopped(campaign_id=entry.campaign.id))
        return events

    # --- trunks ------------------------------------------------------------------------------------------------------

    async def save_trunk(self, trunk: Trunk) -> None:
        """Add or change a trunk. Raises OperationError."""
        check_trunk(trunk)
        await self.store.write(trunks.put_trunk, trunk)
        await self.shown_numbers.keep(trunk.caller_id)
        self._runtime.post(TrunkSet(trunk=trunk))

    async def remove_trunk(self, trunk_id: TrunkId) -> None:
        """Remove a trunk that no campaign uses. Raises StoreError, NotFound."""
        await self.store.write(trunks.remove_trunk, trunk_id)
        self._runtime.post(TrunkRemoved(trunk_id=trunk_id))

    # --- flows -------------------------------------------------------------------------------------------------------

    async def save_flow(self, name: str, source: str) -> tuple[FlowVersion, Flow]:
        """Keep a flow as a new version (the same text again is no new one). Raises OperationError with all problems."""
        try:
            flow = load_flow(source, name=name)
        except FlowError as error:
            raise OperationError(str(error)) from error
        version = await self.store.write(flows.create_flow, name=name, source=source, now_ms=self.now_ms)
        return version, flow

    # --- strategies --------------------------------------------------------------------------------------------------

    async def save_strategy(self, name: str, source: str) -> StrategyVersion:
        """Keep a call strategy as a new version; campaigns that follow it do so from their next attempt's end on.

        A running one that cannot be started anew just now (its queue is away, say) follows at its next start. Raises
        OperationError with the line and the mend, and then nothing is kept.
        """
        try:
            load_strategy(source, name)
        except FileError as error:
            raise OperationError(str(error)) from error
        version = await self.store.write(strategies.create_strategy, name=name, source=source, now_ms=self.now_ms)
        for campaign_id in await self.store.read(strategies.campaigns_of_strategy, name):
            entry = await self.store.read(campaigns.get_campaign, CampaignId(campaign_id))
            if entry.status is CampaignStatus.RUNNING:
                try:
                    await self.start_campaign(entry.campaign.id)
                except OperationError as error:
                    log.warning("campaign follows its old strategy", campaign=campaign_id, error=str(error))
        return version

    async def strategy(self, name: str) -> CallStrategy | None:
        """The strategy of a name, as a campaign takes it; None for no name. Raises NotFound."""
        return (await self.store.read(strategies.get_strategy, name)).strategy if name else None

    async def _flow(self, flow_id: FlowId) -> Flow:
        version = await self.store.read(flows.get_flow, flow_id)
        try:
            return load_flow(version.source, name=version.name)
        except FlowError as error:
            raise OperationError(str(error)) from error

    # --- campaigns ---------------------------------------------------------------------------------------------------

    async def create_campaign(self, plan: Campaign, list_ids: Sequence[ListId]) -> CampaignEntry:
        """Keep a new campaign as a draft, with its lists attached. Raises OperationError, NotFound, Duplicate.

        A campaign for agents whose flow_id is 0 gets the built-in flow: who answers is connected at once.
        """
        check_campaign(plan)
        check_profiles(plan, self.store.lawbook)
        await self._check_openings(plan)
        await self.shown_numbers.check(plan)
        plan = await self._with_flow(plan)
        for list_id in list_ids:
            await self.store.read(lists.get_list, list_id)
        entry = await self.store.write(campaigns.create_campaign, plan, now_ms=self.now_ms)
        for list_id in list_ids:
            await self.attach_list(entry.campaign.id, list_id)
        return await self.store.read(campaigns.get_campaign, entry.campaign.id)

    async def change_campaign(self, plan: Campaign) -> CampaignEntry:
        """Change a campaign's settings; a running one follows at once. Raises OperationError, NotFound, Duplicate."""
        check_campaign(plan)
        check_profiles(plan, self.store.lawbook)
        await self._check_openings(plan)
        await self.shown_numbers.check(plan)
        plan = await self._with_flow(plan)
        await self.store.write(campaigns.update_campaign, plan)
        await self.give_contacts()
        entry = await self.store.read(campaigns.get_campaign, plan.id)
        if entry.status is CampaignStatus.RUNNING:
            await self.start_campaign(plan.id)
        return entry

    async def _check_openings(self, plan: Campaign) -> None:
        """The campaigns that dispositions open contacts in are there, and others. Raises OperationError, NotFound."""
        for disposition in plan.agents.dispositions:
            if disposition.opens and disposition.opens == plan.id:
                raise OperationError(f"disposition {disposition.code!r} opens its own campaign: choose 'retry'")
            if disposition.opens:
                await self.store.read(campaigns.get_campaign, CampaignId(disposition.opens))

    async def _with_flow(self, plan: Campaign) -> Campaign:
        if plan.flow_id or plan.mode is DialingMode.BROADCAST:
            return plan
        version, _ = await self.save_flow(CONNECT_NAME, CONNECT_SOURCE)
        return replace(plan, flow_id=version.id)

    async def give_contacts(self) -> None:
        """Give contacts to their owners where the rule, the agents or a group changed; calls go on meanwhile."""
        for campaign_id in await self.store.read(owners.campaigns_to_give):
            while await self.store.write(owners.give_piece, campaign_id):
                pass
            self._runtime.post(ContactsAdded(campaign_id=campaign_id))

    async def serve_campaign(self, campaign_id: CampaignId, serving: Sequence[CampaignAgent]) -> None:
        """Say who may serve a campaign, and nobody else. Raises NotFound."""
        await self.store.write(agents.set_campaign_agents, campaign_id, serving)
        await self.give_contacts()

    async def share_lists(self, campaign_id: CampaignId, shares: Sequence[ListShare]) -> None:
        """Say how a campaign's lists share its calls. Raises NotFound for a list it does not have."""
        await self.store.write(set_shares, campaign_id, shares)
        self._runtime.post(ContactsAdded(campaign_id=campaign_id))

    async def attach_list(self, campaign_id: CampaignId, list_id: ListId) -> int:
        """Add a list's contacts to a campaign; answers how many are new to it. Raises NotFound."""
        added = await self.store.attach_list(campaign_id, list_id, self.now_ms)
        self._runtime.post(ContactsAdded(campaign_id=campaign_id))
        return added

    def contacts_added(self, campaign_ids: Sequence[CampaignId]) -> None:
        """An import put contacts into running campaigns."""
        for campaign_id in campaign_ids:
            self._runtime.post(ContactsAdded(campaign_id=campaign_id))

    async def contact_removed(self, contact_id: ContactId) -> None:
        """A contact was taken out of its list: when this returns no call to it starts any more."""
        told = self._runtime.expect(lambda seen: isinstance(seen, ContactRemoved) and seen.contact_id == contact_id)
        self._runtime.post(ContactRemoved(contact_id=contact_id))
        await told

    async def requeue(self, campaign_id: CampaignId, status: ContactStatus) -> int:
        """Have contacts of a status called again, their tries so far kept; answers how many. Raises OperationError."""
        if status not in REQUEUABLE:
            allowed = ", ".join(one.value for one in REQUEUABLE)
            raise OperationError(f"contacts that are {status.value} are not called again; only: {allowed}")
        returned = await self.store.requeue(campaign_id, status, self.now_ms)
        self._runtime.post(ContactsAdded(campaign_id=campaign_id))
        return returned

    async def requeue_contact(self, campaign_id: CampaignId, contact_id: ContactId) -> None:
        """Have one contact called again; harmless for one that waits. Raises NotFound, InUse with the reason."""
        await self.store.write(requeueing.requeue_contact, campaign_id, contact_id, self.now_ms)
        self._runtime.post(ContactsAdded(campaign_id=campaign_id))

    async def try_campaign(self, campaign_id: CampaignId, first: int) -> CampaignEntry:
        """Start or resume, and pause by itself after `first` calls; 0: do not. Raises OperationError, NotFound."""
        if not 0 <= first <= MAX_FIRST:
            raise OperationError(f"0 to {MAX_FIRST:,} calls are expected, then it pauses, not {first}")
        entry = await self.store.read(campaigns.get_campaign, campaign_id)
        plan = replace(entry.campaign, pause_at=entry.progress.attempts + first if first else 0)
        if plan != entry.campaign:
            await self.store.write(campaigns.update_campaign, plan)
        return await self.start_campaign(campaign_id)

    async def start_campaign(self, campaign_id: CampaignId) -> CampaignEntry:
        """Start, resume, or have a running campaign follow its changed settings. Raises OperationError, NotFound."""
        entry = await self.store.read(campaigns.get_campaign, campaign_id)
        if not entry.campaign.trunks:
            raise NotNow(f"campaign {entry.campaign.name!r} has no trunk to call over; give it one first")
        plan = entry.campaign
        if not entry.list_ids and plan.mode is not DialingMode.MANUAL:
            raise NotNow(f"campaign {plan.name!r} has no contact list; attach one first")
        check_profiles(plan, self.store.lawbook)
        flow = await self._flow(plan.flow_id)
        if plan.mode is not DialingMode.BROADCAST and not flow.needs_agents:
            raise NotNow(
                f"campaign {plan.name!r} dials for its agents, and its flow {flow.name!r} never goes to one: "
                "add a node of type `agents`, or leave the flow out for the built-in one"
            )
        await self.shown_numbers.check(plan, is_starting=True)
        await self._check_queue(plan)
        await self._check_sounds(entry.campaign, flow)
        await self._make_prompts(entry.campaign, flow)
        memory = await self._memory(plan)
        started = CampaignStarted(campaign=plan, flow=flow, pacing=memory, first_calls=first_calls(entry))
        return await self._tell(started, campaign_id)

    async def _memory(self, plan: Campaign) -> PacingMemory | None:
        """What a predictive campaign's pacer goes on from: the law does not forget at a restart."""
        if plan.mode is not DialingMode.PREDICTIVE:
            return None
        return await self.store.read(pacing.pacing_memory, plan, self.now_ms)

    async def _make_prompts(self, plan: Campaign, flow: Flow) -> None:
        """Everything that is the same for all contacts is spoken before the first is called, and kept."""
        if self._studio is None:
            return
        failed = await self._studio.pin(f"campaign {plan.id}", static_prompts(flow, flow.languages))
        for prompt, reason in failed.items():
            words = prompt.text or prompt.sound
            raise OperationError(f"campaign {plan.name!r}: prompt {words[:60]!r} ({prompt.language}): {reason}")

    async def _check_queue(self, plan: Campaign) -> None:
        """A queue that is not there, or nobody can look into, would leave people in silence.

        Not asked when the program comes back: it is then seen in the campaign's state, and nobody is dialed meanwhile.
        """
        if plan.agents.queue and self._queue_problem is not None:
            problem = await self._queue_problem(plan.agents.queue)
            if problem is not None:
                raise NotNow(f"campaign {plan.name!r}: {problem}")

    async def _check_sounds(self, plan: Campaign, flow: Flow) -> None:
        """A name that is neither an uploaded sound nor Asterisk's would be silence in every call.

        Not asked when the program comes back: an Asterisk that is just starting may not know its sounds yet, and would
        pause campaigns that are well.
        """
        if self._studio is None or self._has_sound is None:
            return
        for prompt in static_prompts(flow, flow.languages):
            if not prompt.sound or self._studio.is_uploaded(prompt.sound, prompt.language):
                continue
            if await self._has_sound(prompt.sound) is False:
                raise OperationError(
                    f"campaign {plan.name!r}: there is no sound {prompt.sound!r} ({prompt.language}), neither uploaded "
                    f"nor Asterisk's own; upload it with `outring sound add {prompt.sound} FILE`, or write a name "
                    "Asterisk has into the flow"
                )

    async def pause_campaign(self, campaign_id: CampaignId) -> CampaignEntry:
        """No new calls; those up go on. Raises OperationError when it is not running, NotFound."""
        await self._must_be(campaign_id, CampaignStatus.RUNNING)
        return await self._tell(CampaignPaused(campaign_id=campaign_id), campaign_id)

    async def stop_campaign(self, campaign_id: CampaignId) -> CampaignEntry:
        """No new calls; ringing ones are taken back, answered people are heard out. Raises OperationError, NotFound."""
        await self._must_be(campaign_id, CampaignStatus.RUNNING, CampaignStatus.PAUSED)
        return await self._tell(CampaignStopped(campaign_id=campaign_id), campaign_id)

    async def _must_be(self, campaign_id: CampaignId, *allowed: CampaignStatus) -> None:
        entry = await self.store.read(campaigns.get_campaign, campaign_id)
        if entry.status not in allowed:
            raise NotNow(f"campaign {entry.campaign.name!r} is {entry.status.value}: this cannot be done to it")

    async def _tell(self, event: Event, campaign_id: CampaignId) -> CampaignEntry:
        """Give the dialer an order and wait until the campaign's new status is on disk."""
        saved = self._runtime.expect(
            lambda told: isinstance(told, CampaignStatusSaved) and told.campaign_id == campaign_id
        )
        self._runtime.post(event)
        await saved
        return await self.store.read(campaigns.get_campaign, campaign_id)

    # --- do-not-call -------------------------------------------------------------------------------------------------

    async def do_not_call(
        self, number: Number, source: str, *, who: str = "", why: str = "", attempt_id: AttemptId | None = None
    ) -> None:
        """Never call this number again: when this returns it is on disk, and no call to it starts, in any process.

        attempt_id: the call in which the person asked for it: then it is all of their phones.

        Raises OperationError for what is no number in E.164.
        """
        await self.barring.bar(AddDnc(number=number, source=source, who=who, why=why, attempt_id=attempt_id))

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def runtime(self) -> Runtime:
        """The shell of the dialer, for those who look at how it works."""
        return self._runtime

    @property
    def now_ms(self) -> int:
        """The dialer's time."""
        return self._runtime.clock.now_ms()

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Let `watcher` see every event after the dialer has handled it; returns what ends it."""
        return self._runtime.watch(watcher)

    def snapshot(self) -> Snapshot:
        """The dialer at this moment."""
        return self._runtime.dialer.snapshot(self.now_ms)
