"""A contact's own page: found in its list, changed, changed by two at once, taken out, and a new one."""

from __future__ import annotations

import re
from dataclasses import replace

from app.contacts.given import GivenContact, GivenPhone
from app.outcomes import ContactStatus
from app.panel.contact_form import NOBODY, form_of, read_form
from app.panel.routing import PREFIX
from app.store import campaigns, lists
from app.store.audit import audit_page
from app.store.people import Role
from app.units import CampaignId, ContactId, ListId
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

COLUMNS = ("City", "Tariff")


def filled(page: str) -> dict[str, str]:
    """What a browser sends of the form of somebody of whom nothing but name and number is known."""
    empty = form_of(NOBODY, COLUMNS)
    names = [f"{what}{at}" for what in ("phone", "kind") for at in range(5)]
    names += ["name", "priority", "email", "language", "time_zone", "region", "owner", "consent", "column0", "column1"]
    seen = page.partition('name="seen_at_ms" value="')[2].partition('"')[0]
    return {name: empty[name] for name in names} | {
        "csrf_token": token_of(page), "channels": "voice", "seen_at_ms": seen,
    }  # fmt: skip


async def add(site: Site) -> ContactId:
    """Ann, in a list with two columns, in a draft campaign."""
    entry = await site.add_campaign(contacts=2)
    given = GivenContact(
        key="ann",
        name="Ann <b>",
        phones=[GivenPhone(number="020 7946 0018", kind="home")],
        fields=dict.fromkeys(COLUMNS, "x"),
    )
    row, *_ = await site.panel._contacts.upsert(ListId(1), [given], by="anna")
    assert (entry.campaign.id, row.problems, row.contact_id) == (1, (), 3)
    return ContactId(3)


async def test_a_contact_is_found_in_its_list_changed_and_its_changes_are_shown(site: Site) -> None:
    contact_id = await add(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        assert 'href="/contacts?list=1"' in await (await http.get("/lists")).text()
        page = await (await http.get("/contacts?list=1")).text()
        assert page.count('href="/contacts/') == 6  # three contacts, each with why not
        assert "Ann &lt;b&gt;" in page
        page = await (await http.get(f"/contacts/{contact_id}")).text()
        assert all(words in page for words in ("+442079460018", "Reminders", "pending", "Tariff"))
        form = filled(page) | {
            "name": "Ann Lee", "phone0": "020 7946 0018", "kind0": "work", "phone1": "+44 7700 900123",
            "kind1": "mobile", "priority": "7", "time_zone": "Europe/London", "consent": "written", "owner": "anna",
            "column0": "Leeds", "column1": "x",
        }  # fmt: skip
        saved = await http.post(f"/contacts/{contact_id}", data=form)
        page = await saved.text()
        assert (saved.status, "Saved." in page, "x → Leeds" in page) == (200, True, True)
    contact = await site.store.read(lists.get_contact, contact_id)
    assert (contact.name, contact.phones, contact.phone_kinds) == (
        "Ann Lee", ("+442079460018", "+447700900123"), ("work", "mobile"),
    )  # fmt: skip
    assert (contact.priority, contact.time_zone, contact.consent, contact.channels) == (
        7, "Europe/London", "written", ("voice",),
    )  # fmt: skip
    assert contact.fields == {"City": "Leeds", "Tariff": "x"}
    told = (await site.store.read(audit_page, subject=f"contact {contact_id}")).entries
    assert {one.details.get("field") for one in told} >= {"name", "phone2", "City", "priority"}


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(site: Site) -> None:
    contact_id = await add(site)
    before = await site.store.read(lists.get_contact, contact_id)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(f"/contacts/{contact_id}")).text()
        form = filled(page) | {"phone2": "12", "time_zone": "Mars/Olympus", "priority": "900", "column0": "Leeds"}
        refused = await http.post(f"/contacts/{contact_id}", data=form)
        page = await refused.text()
        assert (refused.status, "from -100 to 100" in page, "Leeds" in page) == (422, True, True)
        refused = await http.post(f"/contacts/{contact_id}", data=form | {"priority": "9"})
        page = await refused.text()
        assert refused.status == 422
        assert re.search(r'id="wrong-phone2">[^<]*digits', page)
        assert "there is no such time zone" in page
        assert "2 things are to be mended" in page
        http.cookie_jar.update_cookies({"outring_language": "ru"})
        in_russian = await (await http.post(f"/contacts/{contact_id}", data=form | {"priority": "9"})).text()
        assert "такого часового пояса нет: напишите как" in in_russian
        assert re.search(r"wrong-phone2\">[^<]*[а-я]{4,}[^<]*2", in_russian)
        http.cookie_jar.update_cookies({"outring_language": "en"})
        nobody = {name: text for name, text in form.items() if name != "channels"} | {"priority": "9"}
        assert "do-not-call" in await (await http.post(f"/contacts/{contact_id}", data=nobody)).text()
    assert await site.store.read(lists.get_contact, contact_id) == before


async def test_two_who_change_one_contact_see_each_others_words(site: Site) -> None:
    contact_id = await add(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(f"/contacts/{contact_id}")).text()
        mine = filled(page) | {"name": "Ann Lee", "phone0": "+442079460018", "kind0": "home"}
        other = GivenContact(name="Ann Smith", fields={"City": "York"})
        await site.panel._contacts.change(contact_id, other, by="boris", seen_at_ms=None)
        refused = await http.post(f"/contacts/{contact_id}", data=mine)
        page = await refused.text()
        assert refused.status == 409
        assert all(words in page for words in ("Now there: Ann Smith", "Now there: York", 'value="Ann Lee"'))
        assert (await site.store.read(lists.get_contact, contact_id)).name == "Ann Smith"
        again = await http.post(f"/contacts/{contact_id}", data=mine | {"seen_at_ms": filled(page)["seen_at_ms"]})
        assert again.status == 200
    assert (await site.store.read(lists.get_contact, contact_id)).name == "Ann Lee"


async def test_a_contact_is_taken_out_and_its_page_tells_so(site: Site) -> None:
    contact_id = await add(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get(f"/contacts/{contact_id}")).text()
        form = {"csrf_token": token_of(page)}
        gone = await http.post(f"/contacts/{contact_id}/remove", data=form)
        page = await gone.text()
        assert (gone.status, "Taken out of the list" in page, 'name="seen_at_ms"' in page) == (200, True, False)
        assert (await http.post(f"/contacts/{contact_id}/remove", data=form)).status == 404
        assert (await http.get("/contacts/99")).status == 404
    assert (await site.store.read(campaigns.get_campaign, CampaignId(1))).progress.statuses == {
        ContactStatus.PENDING: 2
    }


async def test_a_contact_is_added_and_one_with_its_number_is_not_added_again(site: Site) -> None:
    await add(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get("/lists/1/contacts/new")).text()
        form = filled(page) | {"key": "bob", "name": "Bob", "phone0": "07700 900456", "column0": "Hull"}
        assert "give at least one phone" in await (await http.post("/lists/1/contacts", data=filled(page))).text()
        made = await http.post("/lists/1/contacts", data=form)
        assert (made.status, made.url.path) == (200, "/contacts/4")
        again = await http.post("/lists/1/contacts", data=form)
        assert (again.status, "has it already" in await again.text()) == (422, True)
        assert (await http.get("/lists/9/contacts/new")).status == 404
    contact = await site.store.read(lists.get_contact, ContactId(4))
    assert (contact.name, contact.phones, contact.fields["City"]) == ("Bob", ("+447700900456",), "Hull")
    assert (await site.store.read(campaigns.get_campaign, CampaignId(1))).progress.statuses == {
        ContactStatus.PENDING: 4
    }
    async with site.program(Role.SUPERVISOR) as http:
        changes = await (await http.get(f"{PREFIX}/contacts/4/changes")).json()
    assert [one["what"] for one in changes["entries"]] == ["added contact"]


def test_a_form_that_was_not_touched_says_nothing() -> None:
    ann = replace(
        NOBODY, name="Ann", phones=("+442079460018", "+447700900123"), phone_kinds=("", "mobile"), channels=("sms",),
        consent="prior", priority=-3, fields={"City": "Leeds"},
    )  # fmt: skip
    for contact in (NOBODY, ann):
        form = form_of(contact, COLUMNS)
        assert read_form(form, contact, COLUMNS) == GivenContact()
        assert form.is_good
