"""Whose a contact is: given when it comes, when somebody talked with it, when its owner does not come, and anew."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from app.agent_commands import OpenManual
from app.agent_events import ManualRefused
from app.agents import CallbackPlan, Conversation, DialingMode, PhoneMode, Seat
from app.commands import ClaimContacts
from app.compliance.library import Lawbook
from app.contacts.given import GivenContact, GivenPhone
from app.contacts.importing import import_list
from app.contacts.reading import ImportOptions
from app.contacts.upserting import upsert_contacts
from app.dialing.strategy import kept
from app.events import AttemptsOpened
from app.model import CampaignStatus
from app.outcomes import ContactStatus, Outcome
from app.ownership import OwnershipPlan, OwnershipRule
from app.store import SqlStore
from app.store.agents import CampaignAgent, set_campaign_agents, sign_in
from app.store.attaching import attach_list
from app.store.callbacks import book_callback
from app.store.campaigns import get_campaign, update_campaign
from app.store.cards import ContactFact, edit_contact
from app.store.groups import change_group, create_group, list_groups, remove_group
from app.store.owners import campaigns_to_give, give_piece, waiting_for_owners
from app.store.people import Role, add_user, change_user
from app.store.schema import campaign_contacts, campaigns, contacts
from app.store.waterfall import waterfall
from app.store.why import why_not
from app.units import DAY_MS, AgentId, CampaignId, ContactId, ListId, SessionId
from tests.store.world import T0, add_contacts, build, closing, phone

ANN, BOB, CAT = AgentId(1), AgentId(2), AgentId(3)
BOOK = Lawbook()
RULE = OwnershipRule


async def world(
    store: SqlStore, count: int = 6, *, owners: dict[int, str] | None = None, plan: OwnershipPlan | None = None
) -> CampaignId:
    """A campaign of some contacts; owners: by contact what the list says; Ann, Bob and Cat are agents."""

    def make(conn: Connection) -> CampaignId:
        for name in ("Ann", "Bob", "Cat"):
            add_user(conn, name=name, password_hash="", role=Role.AGENT, now_ms=T0)
        [campaign_id] = build(conn, [phone(place) for place in range(1, count + 1)])
        for contact_id, owner in (owners or {}).items():
            conn.execute(update(contacts).where(contacts.c.id == contact_id).values(owner=owner))
        conn.execute(update(campaigns).values(status=CampaignStatus.RUNNING.value))
        return campaign_id

    campaign_id = await store.write(make)
    await own(store, campaign_id, plan or OwnershipPlan())
    return campaign_id


async def own(store: SqlStore, campaign_id: CampaignId, plan: OwnershipPlan, size: int = 2) -> None:
    """Have the campaign follow a rule, its contacts given to the end."""
    entry = await store.read(get_campaign, campaign_id)
    changed = replace(entry.campaign, ownership=plan, mode=DialingMode.PROGRESSIVE)
    await store.write(update_campaign, changed)
    await give(store, size)


async def give(store: SqlStore, size: int = 2) -> None:
    for campaign_id in await store.read(campaigns_to_give):
        while await store.write(give_piece, campaign_id, size):
            pass


async def owners_now(store: SqlStore) -> dict[int, int | None]:
    found = select(campaign_contacts.c.contact_id, campaign_contacts.c.owner_id)
    return {row[0]: row[1] for row in await store.read(lambda conn: conn.execute(found).all())}


async def claim(
    store: SqlStore, campaign_id: CampaignId, *agents: AgentId, count: int = 9, now_ms: int = T0
) -> AttemptsOpened:
    [event] = await store.commit([ClaimContacts(campaign_id=campaign_id, count=count, agents=agents)], now_ms)
    assert isinstance(event, AttemptsOpened)
    return event


def for_whom(event: AttemptsOpened) -> list[tuple[int, AgentId | None]]:
    return [(one.contact_id, one.agent_id) for one in event.attempts]


async def talk(store: SqlStore, event: AttemptsOpened, agent_id: AgentId, *, due_at_ms: int = T0) -> None:
    """An agent talked with everybody of a claim; they are to be called again."""
    plan = (await store.read(get_campaign, event.campaign_id)).campaign
    commands = []
    for one in event.attempts:
        end = closing(one, outcome=Outcome.CONNECTED_TO_AGENT, status=ContactStatus.PENDING, due_at_ms=due_at_ms)
        said = Conversation(
            agent_id=agent_id, session_id=SessionId("s"), connected_at_ms=T0, waited_ms=0, disposition="no-decision"
        )
        then = kept(end.result.next, plan, said)
        commands.append(replace(end, result=replace(end.result, next=then, conversation=said)))
    await store.commit(commands, T0)


async def here(store: SqlStore, agent_id: AgentId, name: str, campaign_id: CampaignId) -> None:
    seat = Seat(agent_id=agent_id, session_id=SessionId(f"s{agent_id}"), name=name, endpoint=f"e{agent_id}",
                phone_mode=PhoneMode.PER_CALL)  # fmt: skip
    await store.write(sign_in, seat, [campaign_id], now_ms=T0)


# --- by the list -----------------------------------------------------------------------------------------------------


async def test_the_lists_owner_gets_them_and_unknown_names_are_anyones(store: SqlStore) -> None:
    listed = {1: "Ann", 2: " bob ", 3: "Nobody Known", 4: "ANN"}
    campaign_id = await world(store, owners=listed, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    assert await owners_now(store) == {1: ANN, 2: BOB, 3: None, 4: ANN, 5: None, 6: None}
    assert for_whom(await claim(store, campaign_id, BOB, count=2)) == [(2, BOB), (3, None)]
    assert for_whom(await claim(store, campaign_id, count=9)) == [(5, None), (6, None)]
    assert for_whom(await claim(store, campaign_id, ANN)) == [(1, ANN)]


async def test_contacts_that_come_later_are_given_as_they_come(store: SqlStore) -> None:
    campaign_id = await world(store, 1, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    given = GivenContact(key="new", phones=[GivenPhone(number=phone(50))], facts={"owner": "Cat"})

    def add(conn: Connection) -> None:
        add_contacts(conn, ListId(1), [phone(2), phone(3)], first=2)
        conn.execute(update(contacts).where(contacts.c.id == 3).values(owner="Bob"))
        attach_list(conn, campaign_id, ListId(1), T0)
        upsert_contacts(conn, ListId(1), [given], by="api", now_ms=T0)

    await store.write(add)
    assert await owners_now(store) == {1: None, 2: None, 3: BOB, 4: CAT}


async def test_a_changed_owner_column_moves_the_contact(store: SqlStore) -> None:
    await world(store, 2, owners={1: "Ann"}, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    given = GivenContact(key="1", facts={"owner": "Bob"})
    await store.write(upsert_contacts, ListId(1), [given], by="api", now_ms=T0)
    assert await owners_now(store) == {1: BOB, 2: None}
    await store.write(edit_contact, ContactId(2), ContactFact.NAME, saw="Person 2", value="P", by="x", now_ms=T0)
    assert await owners_now(store) == {1: BOB, 2: None}


async def test_a_sheet_that_is_read_again_moves_those_whose_owner_changed(store: SqlStore, tmp_path: Path) -> None:
    await world(store, 3, owners={1: "Ann", 2: "Ann"}, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    assert await owners_now(store) == {1: ANN, 2: ANN, 3: None}
    sheet = tmp_path / "people.csv"
    keys = await store.read(lambda conn: conn.execute(select(contacts.c.key).order_by(contacts.c.id)).scalars().all())
    rows = [
        f"{key},{phone(at)},{owner}" for at, (key, owner) in enumerate(zip(keys, ("Bob", "", "Cat"), strict=True), 1)
    ]
    sheet.write_text("\n".join(["id,phone,owner", *rows]))
    options = ImportOptions(duplicates="update", key_column="id", mapping={"owner": "owner"})
    report = await import_list(store, sheet, "people", "GB", options)
    assert report.counts.updated == 3
    assert await owners_now(store) == {1: BOB, 2: None, 3: CAT}


async def test_who_added_a_contact_owns_it(store: SqlStore) -> None:
    await world(store, 1, plan=OwnershipPlan(rule=RULE.CREATOR))
    await store.write(
        upsert_contacts, ListId(1), [GivenContact(key="k", phones=[GivenPhone(number=phone(9))])], by="Bob", now_ms=T0
    )
    assert await owners_now(store) == {1: None, 2: BOB}


async def test_a_flag_keeps_some_for_their_owner(store: SqlStore) -> None:
    await world(store, 4, owners=dict.fromkeys(range(1, 5), "Ann"))
    for contact_id, cell in enumerate(("yes", "no", " Да", ""), 1):
        await store.write(set_field, contact_id, City="Y", Keep=cell)
    await own(store, CampaignId(1), OwnershipPlan(rule=RULE.FLAG, flag_column="Keep"))
    assert await owners_now(store) == {1: ANN, 2: None, 3: ANN, 4: None}
    await own(store, CampaignId(1), OwnershipPlan(rule=RULE.FLAG, flag_column="City"))
    assert set((await owners_now(store)).values()) == {ANN}


# --- groups ----------------------------------------------------------------------------------------------------------


async def test_a_groups_contacts_go_to_whoever_of_it_is_free(store: SqlStore) -> None:
    campaign_id = await world(store, owners={1: "North", 2: "North", 3: "South", 4: "Empty"})
    north = await store.write(create_group, name="North", agents=[ANN, BOB], now_ms=T0)
    await store.write(create_group, name="South", agents=[CAT], now_ms=T0)
    await store.write(create_group, name="Empty", now_ms=T0)
    await own(store, campaign_id, OwnershipPlan(rule=RULE.GROUP))
    assert (await owners_now(store))[1] == -north.id
    assert (await owners_now(store))[4] is None, "nobody is in that group: it would wait for ever"
    first = await claim(store, campaign_id, BOB, ANN, count=2)
    assert for_whom(first) == [(1, BOB), (4, None)], "one of a group at a time; the next claim brings the next"
    assert first.next_due_at_ms == T0
    assert for_whom(await claim(store, campaign_id, ANN, count=1)) == [(2, ANN)]
    assert for_whom(await claim(store, campaign_id, ANN, BOB)) == [(5, None), (6, None)], "the third is of the south"
    assert for_whom(await claim(store, campaign_id, CAT)) == [(3, CAT)]


async def test_who_joins_a_group_serves_its_line_at_once_and_a_removed_group_lets_go(store: SqlStore) -> None:
    campaign_id = await world(store, 3, owners={1: "North", 2: "North", 3: "North"})
    north = await store.write(create_group, name="North", agents=[ANN], now_ms=T0)
    await own(store, campaign_id, OwnershipPlan(rule=RULE.GROUP))
    assert for_whom(await claim(store, campaign_id, BOB)) == []
    await store.write(change_group, north.id, agents=[BOB])
    assert for_whom(await claim(store, campaign_id, ANN)) == []
    assert for_whom(await claim(store, campaign_id, BOB)) == [(1, BOB)]
    await store.write(remove_group, north.id)
    await give(store)
    assert await store.read(list_groups) == []
    assert for_whom(await claim(store, campaign_id, ANN)) == [(2, None), (3, None)]


# --- by talking ------------------------------------------------------------------------------------------------------


async def test_who_talked_first_keeps_them(store: SqlStore) -> None:
    campaign_id = await world(store, 2, plan=OwnershipPlan(rule=RULE.FIRST_COME))
    await talk(store, await claim(store, campaign_id, count=1), ANN)
    assert await owners_now(store) == {1: ANN, 2: None}
    assert for_whom(await claim(store, campaign_id, BOB)) == [(2, None)]
    again = await claim(store, campaign_id, ANN)
    assert for_whom(again) == [(1, ANN)]
    await talk(store, again, BOB)  # put through to him
    assert (await owners_now(store))[1] == ANN


async def test_nobody_becomes_an_owner_where_the_campaign_does_not_say_so(store: SqlStore) -> None:
    campaign_id = await world(store, 1)
    await talk(store, await claim(store, campaign_id), ANN)
    assert await owners_now(store) == {1: None}
    await own(store, campaign_id, OwnershipPlan(rule=RULE.FIRST_COME))
    assert await owners_now(store) == {1: ANN}, "who talked before the rule came is remembered"
    await own(store, campaign_id, OwnershipPlan())
    assert await owners_now(store) == {1: None}


async def test_whose_owner_does_not_come_is_anyones_after_a_while(store: SqlStore) -> None:
    plan = OwnershipPlan(rule=RULE.ESCALATION, escalates_after_ms=3 * DAY_MS)
    campaign_id = await world(store, 1, plan=plan)
    await talk(store, await claim(store, campaign_id), ANN, due_at_ms=T0 + DAY_MS)
    late = T0 + 4 * DAY_MS
    assert for_whom(await claim(store, campaign_id, BOB, now_ms=late - 1)) == []
    over = await claim(store, campaign_id, BOB, now_ms=late)
    assert for_whom(over) == [(1, None)]
    await talk(store, over, BOB)
    assert await owners_now(store) == {1: BOB}, "and who talks with them then keeps them"


async def test_escalation_is_found_whatever_else_is_owned(store: SqlStore) -> None:
    campaign_id = await world(
        store, 300, owners=dict.fromkeys(range(1, 301), "Ann"),
        plan=OwnershipPlan(rule=RULE.PREDETERMINED, escalates_after_ms=DAY_MS),
    )  # fmt: skip
    await claim(store, campaign_id, BOB, count=1, now_ms=T0 + DAY_MS)
    freed = [one for one, owner in (await owners_now(store)).items() if owner is None]
    assert len(freed) == 200, "a bounded piece at each claim"
    await claim(store, campaign_id, BOB, count=1, now_ms=T0 + DAY_MS)
    assert set((await owners_now(store)).values()) == {None}


async def test_a_promise_goes_before_ownership(store: SqlStore) -> None:
    campaign_id = await world(store, 1, owners={1: "Ann"}, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    await store.write(book_callback, campaign_id, ContactId(1), CallbackPlan(at_ms=T0 + 5, agent_id=BOB))
    assert for_whom(await claim(store, campaign_id, ANN, now_ms=T0 + 5)) == []
    assert for_whom(await claim(store, campaign_id, BOB, now_ms=T0 + 5)) == [(1, BOB)]


# --- people come and go ----------------------------------------------------------------------------------------------


async def test_who_may_not_serve_the_campaign_owns_nothing_in_it(store: SqlStore) -> None:
    plan = OwnershipPlan(rule=RULE.PREDETERMINED)
    campaign_id = await world(store, 2, owners={1: "Ann", 2: "Bob"}, plan=plan)
    await store.write(set_campaign_agents, campaign_id, [CampaignAgent(agent_id=BOB)])
    assert await store.read(campaigns_to_give) == [campaign_id]
    await give(store)
    assert await owners_now(store) == {1: None, 2: BOB}
    await store.write(change_user, BOB, is_disabled=True)
    await give(store)
    assert await owners_now(store) == {1: None, 2: None}


async def test_a_new_agent_gets_what_the_list_has_for_them(store: SqlStore) -> None:
    await world(store, 1, owners={1: "Dan"}, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    dan = await store.write(add_user, name="Dan", password_hash="", role=Role.AGENT, now_ms=T0)
    await give(store)
    assert await owners_now(store) == {1: dan.id}


async def test_giving_that_was_broken_off_is_gone_on_with_by_the_next_claim(store: SqlStore) -> None:
    campaign_id = await world(store, 5, owners=dict.fromkeys(range(1, 6), "Ann"))
    entry = await store.read(get_campaign, campaign_id)
    await store.write(update_campaign, replace(entry.campaign, ownership=OwnershipPlan(rule=RULE.PREDETERMINED)))
    assert await store.write(give_piece, campaign_id, 2) is True  # and here the power fails
    assert for_whom(await claim(store, campaign_id, BOB)) == []
    assert set((await owners_now(store)).values()) == {ANN}
    assert await store.read(campaigns_to_give) == []


# --- by hand ---------------------------------------------------------------------------------------------------------


async def test_nobody_dials_anothers_contact_by_hand(store: SqlStore) -> None:
    plan = OwnershipPlan(rule=RULE.PREDETERMINED, escalates_after_ms=DAY_MS)
    campaign_id = await world(store, 1, owners={1: "Ann"}, plan=plan)
    boss = await store.write(add_user, name="Boss", password_hash="", role=Role.SUPERVISOR, now_ms=T0)

    async def dial(agent_id: int, now_ms: int = T0) -> object:
        order = OpenManual(
            agent_id=AgentId(agent_id), campaign_id=campaign_id, contact_id=ContactId(1), number=phone(1)
        )
        [event] = await store.commit([order], now_ms)
        if isinstance(event, AttemptsOpened):
            await store.commit([closing(event.attempts[0], status=ContactStatus.PENDING, due_at_ms=T0)], now_ms)
        return event

    refused = await dial(BOB)
    assert isinstance(refused, ManualRefused)
    assert refused.reason == "this contact belongs to Ann: they call it, or a supervisor does"
    for agent_id, now_ms in ((ANN, T0), (boss.id, T0), (BOB, T0 + DAY_MS)):
        assert isinstance(await dial(agent_id, now_ms), AttemptsOpened)


# --- told ------------------------------------------------------------------------------------------------------------


async def test_why_names_the_owner_and_when_it_goes_to_anyone(store: SqlStore) -> None:
    plan = OwnershipPlan(rule=RULE.PREDETERMINED, escalates_after_ms=DAY_MS)
    campaign_id = await world(store, 3, owners={1: "Ann", 2: "Nobody"}, plan=plan)

    async def told(contact: int, now_ms: int = T0) -> tuple[bool, str, int | None]:
        [found] = await store.read(why_not, BOOK, ContactId(contact), now_ms)
        [reason] = [one for one in found.reasons if one.rule == "owner"]
        return reason.is_allowed, reason.why, reason.from_ms

    assert await told(1) == (False, "waits for its owner Ann (signed out); goes to anyone after", T0 + DAY_MS)
    assert await told(1, T0 + DAY_MS) == (
        True, "waited for its owner Ann long enough: goes to anyone", T0 + DAY_MS,
    )  # fmt: skip
    said = "anyone's: the list names 'Nobody', and no agent of that name may serve this campaign"
    assert await told(2) == (True, said, T0)
    assert await told(3) == (True, "anyone's: nobody owns this contact", T0)
    await here(store, ANN, "Ann", campaign_id)
    assert await told(1) == (True, "is for its owner Ann, who is signed in", T0)
    [found] = await store.read(waiting_for_owners, campaign_id)
    assert (found.owner.name, found.owner.is_here, found.contacts, found.from_ms) == ("Ann", True, 1, T0)


async def test_the_waterfall_counts_who_waits_for_somebody_away(store: SqlStore) -> None:
    listed = {1: "Ann", 2: "Ann", 3: "Bob"}
    campaign_id = await world(store, owners=listed, plan=OwnershipPlan(rule=RULE.PREDETERMINED))
    await here(store, BOB, "Bob", campaign_id)
    found = await store.read(waterfall, BOOK, campaign_id, T0)
    assert [(step.rule, step.lost) for step in found.steps] == [("agent", 2)]
    assert [(one.owner.name, one.owner.is_here, one.contacts) for one in found.owners] == [
        ("Ann", False, 2), ("Bob", True, 1),
    ]  # fmt: skip
    assert found.ready == 4 == len((await claim(store, campaign_id, BOB)).attempts)


# --- the law of it ---------------------------------------------------------------------------------------------------


def lines_now(conn: Connection) -> list[int]:
    """How many wait in each of the three lines."""
    cc = campaign_contacts.c
    waiting = select(func.count()).where(cc.status == "pending", cc.due_at_ms.is_not(None))
    lines = (
        (cc.owner_id.is_(None), cc.callback_at_ms.is_(None)),
        (cc.owner_id.is_not(None), cc.callback_at_ms.is_(None)),
        (cc.callback_at_ms.is_not(None),),
    )
    return [conn.execute(waiting.where(*line)).scalar_one() for line in lines]


def set_field(conn: Connection, contact_id: int, /, **fields: str) -> None:
    conn.execute(update(contacts).where(contacts.c.id == contact_id).values(fields=fields))


@pytest.mark.parametrize("seed", range(6))
async def test_nobody_is_dialed_for_a_stranger_and_everybody_stands_in_one_line(store: SqlStore, seed: int) -> None:
    """Rules, groups, agents and time change at random between claims; an own reckoning says who may call whom."""
    dice = random.Random(seed)
    names = ["Ann", "Bob", "Cat", "North", "South", "Nobody", ""]
    listed = {contact: dice.choice(names) for contact in range(1, 41)}
    campaign_id = await world(store, 40, owners=listed)
    groups = {
        name: await store.write(create_group, name=name, agents=dice.sample([ANN, BOB, CAT], 2), now_ms=T0)
        for name in ("North", "South")
    }
    agents = {"Ann": ANN, "Bob": BOB, "Cat": CAT}
    plan, now_ms, talked = OwnershipPlan(), T0, dict[int, AgentId]()
    due = dict.fromkeys(listed, T0)
    for _ in range(40):
        match dice.randrange(4):
            case 0:
                rule = dice.choice([one for one in RULE if one is not RULE.CREATOR])
                plan = OwnershipPlan(rule=rule, escalates_after_ms=dice.choice([0, DAY_MS]), flag_column="City")
                await own(store, campaign_id, plan, dice.choice([3, 1_000]))
            case 1:
                name = dice.choice(list(groups))
                members = dice.sample([ANN, BOB, CAT], dice.randrange(1, 4))
                groups[name] = await store.write(change_group, groups[name].id, agents=members)
                await give(store)
            case 2:
                now_ms += dice.choice([1, DAY_MS // 2])
        asked = dice.sample([ANN, BOB, CAT], dice.randrange(4))
        lines = await owners_now(store)
        event = await claim(store, campaign_id, *asked, count=dice.randrange(1, 5), now_ms=now_ms)
        for one in event.attempts:
            owner = listed[one.contact_id]
            allowed: set[AgentId]
            match plan.rule:
                case RULE.PREDETERMINED:
                    allowed = {agents[owner]} if owner in agents else set()
                case RULE.GROUP:
                    allowed = set(groups[owner].agents) if owner in groups else set()
                case RULE.FIRST_COME | RULE.ESCALATION:
                    line = lines[one.contact_id]
                    assert line is None or one.contact_id in talked
                    allowed = set() if line is None else {AgentId(line)}
                case _:  # no column says yes
                    allowed = set()
            waited = plan.escalates_after_ms and due[one.contact_id] + plan.escalates_after_ms <= now_ms
            if one.agent_id is None:
                assert not allowed or waited or lines[one.contact_id] is None
            else:
                assert one.agent_id in allowed
                assert one.agent_id in asked
        given = [one.agent_id for one in event.attempts if one.agent_id is not None]
        assert len(given) == len(set(given)), "an agent takes one person at a time"
        for one in event.attempts:
            by = one.agent_id or dice.choice([ANN, BOB, CAT])
            alone = replace(event, attempts=(one,))
            due[one.contact_id] = now_ms + dice.choice([0, DAY_MS])
            await talk(store, alone, by, due_at_ms=due[one.contact_id])
            talked.setdefault(one.contact_id, by)
        assert sum(await store.read(lines_now)) == len(listed)
