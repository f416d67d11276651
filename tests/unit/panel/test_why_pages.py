"""The pages that say why nobody is called: each rule in both languages, the waterfall with its examples, search."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, update

from app.compliance.plan import CompliancePlan
from app.compliance.rules import Consent
from app.outcomes import ContactStatus
from app.panel.language import Wording
from app.store.dnc import add_dnc_numbers
from app.store.people import Role
from app.store.schema import campaign_contacts, contacts
from app.store.why import REASONS
from app.units import DAY_MS, HOUR_MS, CampaignId
from tests.unit.panel.site import Site

RU = Wording(language="ru", zone_name="Europe/Moscow")
SENTENCES = (
    "2026-11-23 03:00 in Europe/London, from the contact's own time zone",
    "3 possible zones, from the number, in the country AU; all must allow: 2026-11-23 03:00 in Australia/Perth … "
    "2026-11-23 06:00 in Australia/Sydney",
    "time zone unknown: the number tells no place, and no column does",
    "outside 08:00–21:00 of Monday 2026-11-23; opens 2026-11-24 08:00 in Europe/London",
    "outside 08:00–12:00, 14:00–20:00 of Sunday 2026-11-22; no hour of Monday 2026-11-23; opens 2026-11-24 08:00 of "
    "their clock",
    "within 09:00–20:00 of Tuesday 2026-11-24",
    "3 of at most 3 calls in 24h to the same person and debt; from 2026-11-24 08:00 in Europe/London",
    "1 of at most 2 calls in a calendar week to the same number",
    "72h of rest after abandonment: an agent is guaranteed",
    "30d of rest after refusal; from 2026-12-24 08:00 in Europe/London",
    "needs prior express written consent, given: none",
    "not asked of a prerecorded call",
    "the campaign is paused",
    "3 of at most 5 tries so far",
    "another phone of theirs is called: the one before it is on a do-not-call list",
    "last outcome: no answer",
    "waits for its group 7 (nobody of it signed in); goes to anyone after",
    "anyone's: the list names '7', and no agent of that name may serve this campaign, or its column '5' "
    "does not say yes",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_a_rule_says_is_said_in_russian_whole(sentence: str) -> None:
    said = re.sub(r"[A-Z][a-z]+/[A-Z][a-z]+|\bAU\b|(?<=\d)[hd]\b", "", RU.say(sentence))
    assert not re.search("[A-Za-z]", said), said


def test_a_sentence_that_only_looks_like_a_rule_stays_as_it_is() -> None:
    for sentence in ("somebody in Moscow", "a and b", "over and out", "from the top of Friday"):
        assert RU.say(sentence) == sentence


async def held(site: Site, profile: str = "uk") -> CampaignId:
    """A campaign of five, some of whom may not be called: a broadcast that nobody agreed to hear."""
    entry = await site.add_campaign("Winter", contacts=5)
    law = CompliancePlan(profiles=(profile,), consent=Consent.NONE)
    await site.operations.change_campaign(replace(entry.campaign, compliance=law))
    await site.store.write(add_dnc_numbers, ["+447700900001"], source="import", now_ms=1)
    return entry.campaign.id


async def test_a_contact_tells_every_rule_with_its_source_and_what_would_change_it(site: Site) -> None:
    campaign_id = await held(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(f"/contacts/1/why?campaign={campaign_id}")).text()
        for words in (
            "Contact 0", "Not called now:", "the campaign is draft", "starting it", "Consent to recorded messages",
            "Privacy and Electronic Communications Regulations 2003", "Time alone does not change this",
            "What would change it:", "another profile, or consent", "Europe/London",
        ):  # fmt: skip
            assert words in page, words
        http.cookie_jar.update_cookies({"outring_language": "ru"})
        page = await (await http.get(f"/contacts/1/why?campaign={campaign_id}")).text()
        for words in ("Сейчас не звоним:", "кампания в состоянии «черновик»", "Согласие на сообщения в записи"):
            assert words in page, words
        rules = re.findall(r'<div class="words">(.*?)</div>', page)
        assert rules
        for rule in rules:
            assert not re.search("[A-Za-z]{3}", re.sub(r"Europe/\w+|way", "", rule)), rule


async def test_every_status_of_a_contact_is_told_whole(site: Site) -> None:
    campaign_id = await held(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        http.cookie_jar.update_cookies({"outring_language": "ru"})
        for status in REASONS:
            await site.store.write(_settle, status)
            page = await (await http.get(f"/contacts/1/why?campaign={campaign_id}")).text()
            told = RU.say(REASONS[status])
            assert f"{RU.say(status.value)}: {told} ({RU.say('last outcome: no answer')})" in page, status


def _settle(conn: Connection, status: ContactStatus) -> None:
    conn.execute(update(campaign_contacts).values(status=status.value, last_outcome=8, due_at_ms=None))


async def test_a_campaigns_waterfall_leads_to_examples_and_these_to_their_why(site: Site) -> None:
    campaign_id = await held(site)
    path = f"/campaigns/{campaign_id}/why"
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(path)).text()
        for words in ("the campaign is draft", "Exact: all 5 who wait were asked.", f"{path}?rule=consent#examples"):
            assert words in page, words
        found = re.findall(
            r'href="(/contacts/\d+/why\?campaign=\d+)"', await (await http.get(path + "?rule=do-not-call")).text()
        )
        assert found == [f"/contacts/2/why?campaign={campaign_id}"]
        assert "the number is on a do-not-call list" in await (await http.get(found[0])).text()
        assert "Nobody is like that now." in await (await http.get(path + "?rule=trunk")).text()
        assert (await http.get(path + "?rule=<script>")).status == 200
        listed = await (await http.get(f"/campaigns/{campaign_id}/contacts")).text()
        assert f"/contacts/5/why?campaign={campaign_id}" in listed
        live = await (await http.get(f"/campaigns/{campaign_id}")).text()
        assert "Nothing is dialed:" in live
        assert path in live


async def test_whom_nothing_holds_back_is_ready_in_both_places(site: Site) -> None:
    entry = await site.add_campaign("Any time", contacts=3)
    await site.operations.start_campaign(entry.campaign.id)
    await site.operations.pause_campaign(entry.campaign.id)
    await site.store.write(lambda conn: conn.execute(update(campaign_contacts).values(status="pending", due_at_ms=1)))
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(f"/campaigns/{entry.campaign.id}/why?rule=ready")).text()
        assert page.count("/why?campaign=") == 3
        why = await (await http.get(f"/contacts/1/why?campaign={entry.campaign.id}")).text()
        assert why.count("is-no") == 2, "the answer, and the campaign that is paused"


async def test_contacts_are_found_by_name_and_number_and_nobody_else(site: Site) -> None:
    await held(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        for search, ids in (("contact 3", ["4"]), ("+44 7700 900002", ["3"]), ("%", []), ("contact", list("12345"))):
            page = await (await http.get("/contacts", params={"search": search})).text()
            assert re.findall(r"/contacts/(\d+)/why", page) == ids, search
        assert "Nobody is like that." in await (await http.get("/contacts?search=zzz")).text()
        assert (await http.get("/contacts/99/why")).status == 404
        assert (await http.get("/contacts/x/why")).status == 404
        await site.store.write(_stray)
        assert "In no campaign." in await (await http.get("/contacts/99/why")).text()


def _stray(conn: Connection) -> None:
    from app.store.lists import create_list

    made = create_list(conn, name="stray", country="GB", now_ms=1)
    row = {"id": 99, "list_id": made.id, "key": "x", "name": "<b>", "phone1": "", "fields": {}, "created_at_ms": 1}
    conn.execute(insert(contacts).values(row | {"updated_at_ms": 1}))


async def test_a_callback_by_rest_is_refused_at_night_with_the_nearest_allowed_time(site: Site) -> None:
    campaign_id = await held(site, "careful")
    path = f"/api/v1/campaigns/{campaign_id}/contacts/3/callback"
    night_ms = site.operations.now_ms + 3 * DAY_MS
    night_ms += HOUR_MS * ((2 - night_ms // HOUR_MS) % 24)  # two in the morning, in London one hour off at the most
    async with site.program() as http:
        answer = await http.put(path, json={"at_ms": night_ms})
        told = (await answer.json())["detail"]
        assert (answer.status, "outside 09:00–20:00" in told) == (409, True), told
        nearest_ms = int(told.rsplit("at_ms ", 1)[1])
        assert nearest_ms > site.operations.now_ms
        assert (await http.put(path, json={"at_ms": nearest_ms})).status == 200
        barred = await http.put(f"/api/v1/campaigns/{campaign_id}/contacts/77/callback", json={"at_ms": nearest_ms})
        assert barred.status == 404
