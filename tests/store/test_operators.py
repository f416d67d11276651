"""What operators and their programs keep: people, trunks, flows, lists, campaigns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from app.agents import AgentPlan, DialingMode, Disposition, DispositionEffect, PreviewDefault, RecordingPolicy
from app.commands import SetCampaignStatus
from app.model import Campaign, CampaignStatus, NumberFormat, RetryPolicy, Trunk
from app.store import Duplicate, LastAdmin, NotFound, SqlStore, StoreError
from app.store.campaigns import campaign_by_name, create_campaign, get_campaign, list_campaigns, update_campaign
from app.store.dnc import add_dnc_numbers, remove_dnc
from app.store.flows import create_flow, get_flow, latest_flow, list_flow_versions, list_flows
from app.store.lists import contacts_page, create_list, get_contact, get_list, grow_list, list_by_name, list_lists
from app.store.people import (
    Role,
    add_api_key,
    add_user,
    api_key_user,
    change_user,
    count_users,
    drop_expired_sessions,
    end_session,
    list_api_keys,
    list_users,
    open_session,
    revoke_api_key,
    session_user,
    set_disabled,
    set_password,
    user_by_name,
)
from app.store.progress import Progress
from app.store.trunks import create_trunk, get_trunk, list_trunks, remove_trunk, update_trunk
from app.units import CampaignId, ContactId, FlowId, ListId, TrunkId
from tests.store.world import T0, build, phone

TRUNK = Trunk(
    id=TrunkId("sip"),
    endpoint="carrier",
    lines=30,
    calls_per_second=7.5,
    prefixes=("+44", "+7916"),
    number_format=NumberFormat(keep_plus=False, prefix="9"),
    caller_id="+442079460000",
)


async def test_a_person_signs_in_until_the_session_ends(store: SqlStore) -> None:
    assert await store.read(count_users) == 0
    user = await store.write(add_user, name="ann", password_hash="$argon2id$x", role=Role.ADMIN, now_ms=T0)
    assert await store.read(user_by_name, "ann") == user
    assert await store.read(user_by_name, "Ann") is None
    assert "argon2id" not in repr(user)
    for token in ("one", "two"):
        await store.write(open_session, user_id=user.id, token_hash=token, now_ms=T0, expires_at_ms=T0 + 100)
    assert await store.read(session_user, "one", T0 + 99) == user
    assert await store.read(session_user, "one", T0 + 100) is None
    assert await store.read(session_user, "three", T0) is None
    await store.write(end_session, "one")
    assert await store.read(session_user, "one", T0) is None
    assert await store.write(drop_expired_sessions, T0 + 100) == 1


@pytest.mark.parametrize("change", ["password", "disabled"])
async def test_a_new_password_or_a_shut_door_signs_out_at_once(store: SqlStore, change: str) -> None:
    user = await store.write(add_user, name="ann", password_hash="old", role=Role.AGENT, now_ms=T0)
    await store.write(add_api_key, user_id=user.id, name="crm", key_hash="k", now_ms=T0)
    await store.write(open_session, user_id=user.id, token_hash="t", now_ms=T0, expires_at_ms=T0 + 100)
    if change == "password":
        await store.write(set_password, user.id, "new")
    else:
        await store.write(set_disabled, user.id, True)
        assert await store.read(api_key_user, "k") is None
        [listed] = await store.read(list_users)
        assert listed.is_disabled
    assert await store.read(session_user, "t", T0) is None
    with pytest.raises(NotFound, match="there is no user 99"):
        await store.write(set_disabled, 99, True)


async def test_the_last_admin_who_may_sign_in_cannot_be_disabled(store: SqlStore) -> None:
    ann = await store.write(add_user, name="ann", password_hash="x", role=Role.ADMIN, now_ms=T0)
    bob = await store.write(add_user, name="bob", password_hash="x", role=Role.ADMIN, now_ms=T0)
    await store.write(add_user, name="eve", password_hash="x", role=Role.SUPERVISOR, now_ms=T0)
    await store.write(set_disabled, ann.id, True)
    with pytest.raises(LastAdmin, match="'bob' is the last admin"):
        await store.write(set_disabled, bob.id, True)
    await store.write(set_disabled, ann.id, True)  # is so already
    await store.write(set_disabled, ann.id, False)
    assert (await store.write(change_user, bob.id, is_disabled=True)).is_disabled


async def test_an_api_key_works_until_it_is_revoked(store: SqlStore) -> None:
    user = await store.write(add_user, name="ann", password_hash="x", role=Role.SUPERVISOR, now_ms=T0)
    key = await store.write(add_api_key, user_id=user.id, name="crm", key_hash="hash", now_ms=T0)
    assert await store.read(api_key_user, "hash") == user
    with pytest.raises(Duplicate, match="'crm'"):
        await store.write(add_api_key, user_id=user.id, name="crm", key_hash="other", now_ms=T0)
    await store.write(revoke_api_key, key.id, T0 + 5)
    await store.write(revoke_api_key, key.id, T0 + 9)
    assert await store.read(api_key_user, "hash") is None
    assert (
        await store.read(list_api_keys)
        == await store.read(list_api_keys, user.id)
        == [replace(key, revoked_at_ms=T0 + 5)]
    )
    with pytest.raises(NotFound):
        await store.write(add_api_key, user_id=99, name="crm", key_hash="more", now_ms=T0)


async def test_names_are_taken_once(store: SqlStore) -> None:
    await store.write(add_user, name="ann", password_hash="x", role=Role.AGENT, now_ms=T0)
    await store.write(create_list, name="people", country="GB", now_ms=T0)
    await store.write(create_trunk, TRUNK)
    with pytest.raises(Duplicate, match="there is a user named 'ann' already"):
        await store.write(add_user, name="ann", password_hash="y", role=Role.ADMIN, now_ms=T0)
    with pytest.raises(Duplicate, match="list named 'people'"):
        await store.write(create_list, name="people", country="RU", now_ms=T0)
    with pytest.raises(Duplicate, match="trunk named 'sip'"):
        await store.write(create_trunk, TRUNK)
    assert len(await store.read(list_lists)) == 1


async def test_a_trunk_is_read_as_it_was_written(store: SqlStore) -> None:
    await store.write(create_trunk, TRUNK)
    assert await store.read(get_trunk, TRUNK.id) == TRUNK
    changed = replace(TRUNK, lines=2, prefixes=("+",), is_enabled=False)
    await store.write(update_trunk, changed)
    assert await store.read(list_trunks) == [changed]
    await store.write(remove_trunk, TRUNK.id)
    for missing in (
        store.write(remove_trunk, TRUNK.id),
        store.write(update_trunk, TRUNK),
        store.read(get_trunk, TRUNK.id),
    ):
        with pytest.raises(NotFound, match="there is no trunk sip"):
            await missing


async def test_a_trunk_in_use_is_not_removed(store: SqlStore) -> None:
    await store.write(build, [])
    with pytest.raises(StoreError, match="used by a campaign"):
        await store.write(remove_trunk, TrunkId("sip"))
    assert len(await store.read(list_trunks)) == 1


async def test_a_flow_has_a_new_version_when_it_differs(store: SqlStore) -> None:
    first = await store.write(create_flow, name="hello", source="say: 1", now_ms=T0)
    same = await store.write(create_flow, name="hello", source="say: 1", now_ms=T0 + 1)
    second = await store.write(create_flow, name="hello", source="say: 2", now_ms=T0 + 2)
    other = await store.write(create_flow, name="bye", source="say: 1", now_ms=T0 + 3)
    assert (first.version, same, second.version, other.version) == (1, first, 2, 1)
    assert await store.read(get_flow, first.id) == first
    assert await store.read(latest_flow, "hello") == second
    assert await store.read(latest_flow, "none") is None
    assert await store.read(list_flows) == [other, second]
    assert await store.read(list_flow_versions, "hello") == [second, first]


async def test_a_campaign_is_read_as_it_was_written(store: SqlStore) -> None:
    for trunk_id in ("b", "a"):
        await store.write(create_trunk, replace(TRUNK, id=TrunkId(trunk_id)))
    flow = await store.write(create_flow, name="hello", source="x", now_ms=T0)
    plan = Campaign(
        id=CampaignId(0),
        name="Весна",
        flow_id=flow.id,
        trunks=(TrunkId("b"), TrunkId("a")),
        lines=12,
        calls_per_second=2.5,
        caller_id="+442079460000",
        language="ru",
        retry=RetryPolicy(max_attempts=5, retry_ms=7),
    )
    entry = await store.write(create_campaign, plan, now_ms=T0)
    assert entry.campaign == replace(plan, id=entry.campaign.id)
    assert (entry.status, entry.progress, entry.list_ids) == (CampaignStatus.DRAFT, Progress(), ())
    assert await store.read(get_campaign, entry.campaign.id) == entry
    assert await store.read(campaign_by_name, "Весна") == entry
    changed = replace(entry.campaign, lines=1, trunks=(TrunkId("a"),))
    await store.write(update_campaign, changed)
    assert (await store.read(get_campaign, changed.id)).campaign == changed
    with pytest.raises(Duplicate, match="Весна"):
        await store.write(create_campaign, plan, now_ms=T0)
    with pytest.raises(NotFound, match="there is no trunk c"):
        await store.write(create_campaign, replace(plan, name="x", trunks=(TrunkId("c"),)), now_ms=T0)
    with pytest.raises(NotFound, match="there is no flow 9"):
        await store.write(create_campaign, replace(plan, name="x", flow_id=FlowId(9)), now_ms=T0)
    with pytest.raises(NotFound, match="there is no campaign 9"):
        await store.write(update_campaign, replace(plan, id=CampaignId(9), name="x"))
    assert await store.read(list_campaigns) == [await store.read(get_campaign, changed.id)]


async def test_campaigns_are_listed_newest_first_and_by_status(store: SqlStore) -> None:
    one, two, three = await store.write(build, [phone(1), ""], campaigns=3)
    await store.commit([SetCampaignStatus(campaign_id=two, status=CampaignStatus.RUNNING)], T0)
    entries = await store.read(list_campaigns)
    assert [entry.campaign.id for entry in entries] == [three, two, one]
    assert [(entry.progress.total, entry.progress.waiting, entry.progress.settled) for entry in entries] == [
        (2, 1, 1)
    ] * 3
    running = await store.read(list_campaigns, CampaignStatus.RUNNING)
    assert [entry.campaign.id for entry in running] == [two]
    with pytest.raises(NotFound, match="there is no campaign 99"):
        await store.commit([SetCampaignStatus(campaign_id=CampaignId(99), status=CampaignStatus.RUNNING)], T0)


async def test_a_lists_contacts_are_read_page_by_page(store: SqlStore) -> None:
    await store.write(build, [phone(1), "", phone(3)])
    contact_list = await store.read(list_by_name, "people")
    assert contact_list is not None
    assert (contact_list.contacts, contact_list.columns) == (3, ("City",))
    first = await store.read(contacts_page, contact_list.id, limit=2)
    second = await store.read(contacts_page, contact_list.id, after_id=first[-1].id, limit=2)
    assert [(contact.id, contact.phones) for contact in first + second] == [
        (1, (phone(1),)),
        (2, ()),
        (3, (phone(3),)),
    ]
    assert await store.read(get_contact, ContactId(3)) == second[0]
    assert second[0].fields == {"City": "Łódź"}
    await store.write(grow_list, contact_list.id, 2, ["City", "Age"])
    grown = await store.read(get_list, contact_list.id)
    assert (grown.contacts, grown.columns) == (5, ("City", "Age"))
    for missing in (store.write(grow_list, ListId(99), 1), store.read(get_contact, ContactId(99))):
        with pytest.raises(NotFound):
            await missing


async def test_a_number_is_taken_off_the_do_not_call_list_where_it_was(store: SqlStore) -> None:
    await store.write(add_dnc_numbers, [phone(1)], source="import", now_ms=T0)
    await store.write(remove_dnc, phone(1))
    with pytest.raises(NotFound):
        await store.write(remove_dnc, phone(1))


async def test_pages_cannot_write(store: SqlStore) -> None:
    with pytest.raises(StoreError):
        await store.read(create_list, name="people", country="GB", now_ms=T0)
    assert await store.read(list_lists) == []


async def test_a_campaigns_plan_for_agents_is_read_as_it_was_written(store: SqlStore) -> None:
    await store.write(create_trunk, TRUNK)
    flow = await store.write(create_flow, name="hello", source="x", now_ms=T0)
    agents = AgentPlan(
        lines_per_agent=3,
        preview_default=PreviewDefault.PAUSE,
        recording=RecordingPolicy.ALWAYS,
        safe_harbor="Это {seller}",
        dispositions=(
            Disposition(code="yes", label="Да", is_success=True),
            Disposition(code="later", label="Later", effect=DispositionEffect.RETRY, retry_ms=5),
        ),
    )
    plan = Campaign(
        id=CampaignId(0), name="x", flow_id=flow.id, trunks=(TRUNK.id,), mode=DialingMode.PREVIEW, agents=agents
    )
    entry = await store.write(create_campaign, plan, now_ms=T0)
    assert entry.campaign == replace(plan, id=entry.campaign.id)


async def test_a_campaign_from_before_there_were_agents_is_a_broadcast(store: SqlStore) -> None:
    [campaign_id] = await store.write(build, [])
    old = (
        '{"lines": 3, "calls_per_second": 1, "ring_timeout_ms": 25000, "caller_id": "", "language": "en", "retry": '
        '{"max_attempts": 3, "retry_ms": 14400000, "max_faults": 10, "fault_retry_ms": 60000}, "unknown": 1}'
    )
    await store.write(lambda conn: conn.execute(text("UPDATE campaigns SET settings = :old"), {"old": old}))
    read = (await store.read(get_campaign, campaign_id)).campaign
    assert (read.mode, read.agents, read.lines) == (DialingMode.BROADCAST, AgentPlan(), 3)
