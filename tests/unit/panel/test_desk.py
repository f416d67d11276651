"""The desk's wire: what a page is told and when, what it may ask, one desk for each agent, pages that vanish."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.agent_events import (
    AgentPaused,
    AgentRequest,
    BrowserLost,
    DeskTold,
    DeskWord,
    DispositionSet,
    HangUpAsked,
    KeysAsked,
    ManualDialAsked,
    PreviewAccepted,
    TransferAsked,
)
from app.agents import AgentState, CallbackPlan, DialingMode
from app.compliance.plan import CompliancePlan
from app.contact_operations import ContactNews
from app.panel import desk, desk_line
from app.panel.calling_time import at_local
from app.store import campaigns, cards, people, phones
from app.store.people import Role
from app.store.phones import Phone
from app.store.schema import lists
from app.units import DAY_MS
from tests.unit.panel.desk_site import FIELDS, NUMBER, DeskSite, open_desk_site
from tests.unit.panel.site import PASSWORD

PATIENCE_S = 20


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[DeskSite]:
    """A panel with a stand-in floor."""
    async with open_desk_site(tmp_path) as opened:
        yield opened


class Page:
    """A desk's page without a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.state: dict[str, Any] = {}
        self.told: list[dict[str, Any]] = []
        self.messages = 0
        self._ref = 0

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        message = await self.socket.receive(timeout=PATIENCE_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        found: dict[str, Any] = json.loads(message.data)
        self.messages += 1
        self.state |= found.get("set", {})
        self.told += found.get("told", [])
        return found

    async def until(self, name: str, value: Any) -> None:
        """Listen until the page knows it."""
        async with asyncio.timeout(PATIENCE_S):
            while self.state.get(name) != value:
                await self.hear()

    async def until_known(self, name: str) -> Any:
        """Listen until there is something under a name."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.state.get(name):
                await self.hear()
        return self.state[name]

    async def until_told(self, name: str) -> Any:
        """Listen until something is told once."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := [one[name] for one in self.told if name in one]):
                await self.hear()
        return found[-1]

    async def ask(self, what: str, **body: Any) -> dict[str, Any]:
        """Ask, and listen until the answer comes."""
        self._ref += 1
        await self.socket.send_str(json.dumps({"ask": what, "ref": self._ref, **body}))
        async with asyncio.timeout(PATIENCE_S):
            while not (found := [one for one in self.told if one.get("re") == self._ref]):
                await self.hear()
        return found[0]


@asynccontextmanager
async def signed_in(world: DeskSite, name: str = "maria") -> AsyncIterator[aiohttp.ClientSession]:
    """A browser in which somebody who is there already has signed in."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(world.site.url, cookie_jar=jar, headers={"Origin": world.site.url}) as http:
        answer = await http.post("/sign-in", data={"name": name, "password": PASSWORD}, allow_redirects=False)
        assert answer.status == 303
        yield http


@asynccontextmanager
async def open_page(world: DeskSite, tab: str = "one", query: str = "") -> AsyncIterator[Page]:
    """Maria's desk, open."""
    async with signed_in(world) as http, http.ws_connect(f"/desk/live?tab={tab}{query}") as socket:
        page = Page(socket)
        await page.hear()
        yield page


async def closed_with(page: Page) -> int:
    """The code the server closes with."""
    async with asyncio.timeout(PATIENCE_S):
        while (message := await page.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)
    assert page.socket.close_code is not None
    return page.socket.close_code


async def until(condition: Any) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# --- doors -----------------------------------------------------------------------------------------------------------


async def test_an_agent_who_signs_in_lands_at_the_desk(world: DeskSite) -> None:
    async with signed_in(world) as http:
        answer = await http.get("/")
        assert answer.url.path == "/desk"
        page = await answer.text()
        assert "<script>" not in page
        assert " style=" not in page
        assert all('src="/static/' in part for part in page.split("<script")[1:])


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_may_sit_at_a_desk(world: DeskSite, role: Role) -> None:
    async with world.site.browser("anna", role) as http:
        assert (await http.get("/desk", allow_redirects=False)).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_the_socket_is_for_our_own_pages(world: DeskSite, origin: str | None) -> None:
    async with signed_in(world) as http:
        headers = {"Origin": origin} if origin else {}
        async with aiohttp.ClientSession(world.site.url, cookie_jar=http.cookie_jar) as other:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await other.ws_connect("/desk/live", headers=headers)
            assert refused.value.status == 403


async def test_without_a_session_there_is_no_desk(world: DeskSite) -> None:
    async with aiohttp.ClientSession(world.site.url, headers={"Origin": world.site.url}) as http:
        assert (await http.get("/desk", allow_redirects=False)).headers["Location"].startswith("/sign-in")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect("/desk/live")
    async with signed_in(world) as http:
        assert (await http.get("/desk/live")).status == 426


async def test_the_socket_ends_with_the_session(world: DeskSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_line, "CHECK_S", 0.05)
    async with open_page(world) as page:
        await world.site.store.write(people.set_password, world.agent.id, world.agent.password_hash)
        assert await closed_with(page) == desk_line.SIGNED_OUT


# --- what is told ----------------------------------------------------------------------------------------------------


async def test_a_person_is_told_at_once_and_what_is_on_disk_follows(world: DeskSite) -> None:
    store = world.site.store
    await store.write(cards.add_note, world.contact_id, author="boris", text="Prefers mornings", at_ms=5)
    async with open_page(world) as page:
        await page.until_known("reasons")
        world.talk()
        await page.until("state", "talking")
        card = page.state["card"]
        assert (card["name"], card["shown"]) == ("Olga Petrova", "+7 916 123-45-67")
        assert ["column:City", "City", "Kazan"] in card["fields"]
        person = await page.until_known("person")
        assert person["zones"] == ["Europe/Moscow"]
        assert [one["number"] for one in person["phones"]] == [NUMBER, "+74951234567"]
        assert person["notes"][0]["text"] == "Prefers mornings"
        assert [name for _, name, _ in person["fields"]] == [name for _, name, _ in card["fields"]]
        assert page.state["plans"][str(world.campaign_id)]["dispositions"][0]["label"] == "Success"


async def test_only_what_changed_is_sent(world: DeskSite) -> None:
    async with open_page(world) as page:
        await page.until_known("today")
        world.talk()
        await page.until_known("person")
        seen = page.messages
        world.floor.change(world.agent_id, is_muted=True)
        async with asyncio.timeout(PATIENCE_S):
            while "set" not in (found := await page.hear()):
                pass
        assert found["set"] == {"muted": True}
        assert page.messages > seen


async def test_a_page_that_hears_nothing_else_hears_a_beat_with_the_time(
    world: DeskSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_line, "BEAT_S", 0.05)
    async with open_page(world) as page:
        async with asyncio.timeout(PATIENCE_S):
            while set(found := await page.hear()) != {"now"}:
                pass
        assert abs(found["now"] - world.site.operations.now_ms) < 60_000


async def test_a_supervisors_message_reaches_its_agent_and_nobody_else(world: DeskSite) -> None:
    async with open_page(world) as page:
        world.floor.say(None, "Stand up meeting at five", "boris")
        assert (await page.until_told("message"))["text"] == "Stand up meeting at five"
        page.told.clear()
        other = await world.site.add_user("other")
        world.floor.say(type(world.agent_id)(other.id), "not for Maria", "boris")
        world.floor.say(world.agent_id, "for Maria", "boris")
        assert (await page.until_told("message"))["text"] == "for Maria"
        assert all("not for" not in str(one) for one in page.told)


async def test_a_field_with_markup_comes_as_it_is_written(world: DeskSite) -> None:
    evil = '<img src=x onerror="alert(1)">'
    async with open_page(world) as page:
        world.talk(card=world.card(fields={"City": evil, "name": evil}))
        await page.until("state", "talking")
        assert page.state["card"]["name"] == evil


# --- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "body", "kind", "facts"),
    [
        ("hang-up", {}, HangUpAsked, {}),
        ("tell", {"attempt": "attempt00001"}, DeskTold, {"word": DeskWord.CLOSING, "step": 0}),
        ("tell", {"attempt": "attempt00001", "step": 3}, DeskTold, {"word": DeskWord.STEP, "step": 3}),
        ("keys", {"digits": "12#"}, KeysAsked, {"digits": "12#"}),
        ("pause", {"reason": "lunch"}, AgentPaused, {"by": ""}),
        ("accept", {"attempt": "attempt00001", "number": "8 495 123-45-67"}, PreviewAccepted,
         {"number": "+74951234567"}),
        ("transfer", {"number": "+447700900123", "is_attended": True}, TransferAsked,
         {"to_number": "+447700900123", "is_attended": True}),
        ("dispose", {"attempt": "attempt00001", "code": "success", "note": " ok ", "is_done": True}, DispositionSet,
         {"code": "success", "note": "ok", "is_done": True}),
    ],
)  # fmt: skip
async def test_an_ask_becomes_a_request_of_this_agent(
    world: DeskSite, ask: str, body: dict[str, Any], kind: type[AgentRequest], facts: dict[str, Any]
) -> None:
    await world.site.store.write(lambda conn: conn.execute(lists.update().values(country="RU")))  # as they write there
    async with open_page(world) as page:
        world.talk()
        await page.until("state", "talking")
        assert "no" not in await page.ask(ask, **body)
        request = world.floor.asked[-1]
        assert type(request) is kind
        assert request.agent_id == world.agent_id
        assert {name: getattr(request, name) for name in facts} == facts


async def test_what_the_floor_refuses_is_told_in_its_words(world: DeskSite) -> None:
    async with open_page(world) as page:
        world.floor.said_no = "you are not talking with anybody"
        assert (await page.ask("hang-up"))["no"] == "you are not talking with anybody"


@pytest.mark.parametrize(
    "message",
    ["", "{}", "[]", '{"ask":"fly","ref":1}', '{"ask":"hold","ref":1}', '{"ask":"hold","ref":1,"is_on":1}',
     '{"ask":"keys","ref":1,"digits":"1;2"}', '{"ask":"hang-up","ref":1,"agent":7}',
     '{"ask":"note","ref":1,"contact":-1}', "\x00", '{"ask":"accept","ref":1,"attempt":"../../etc"}'],
)  # fmt: skip
async def test_what_is_no_ask_is_answered_and_changes_nothing(world: DeskSite, message: str) -> None:
    async with open_page(world) as page:
        await page.socket.send_str(message)
        await page.until_told("no")
        assert not world.floor.asked
        assert "no" not in await page.ask("callbacks")


async def test_a_shift_begins_with_a_phone_and_campaigns(world: DeskSite) -> None:
    async with open_page(world) as page:
        await page.until("state", "signed-out")
        await page.ask("begin", endpoint=" agent-101 ", is_nailed_up=True, campaigns=[world.campaign_id])
        await page.until("state", "paused")
        assert world.floor.signed_in[0]["endpoint"] == "agent-101"
        assert (await page.ask("begin", endpoint="x", is_nailed_up=True, campaigns=[999]))["no"]


async def test_somebody_elses_phone_is_refused(world: DeskSite) -> None:
    other = await world.site.add_user("other")
    phone = Phone(endpoint="agent-7", label="Other's", agent_id=type(world.agent_id)(other.id))
    await world.site.store.write(phones.put_phone, phone)
    async with open_page(world) as page:
        answer = await page.ask("begin", endpoint="agent-7", is_nailed_up=True, campaigns=[])
        assert "somebody else's" in answer["no"]
        assert not world.floor.signed_in


async def test_a_pause_needs_a_known_reason(world: DeskSite) -> None:
    async with open_page(world) as page:
        assert "no such reason" in (await page.ask("pause", reason="bored"))["no"]


@pytest.mark.parametrize(("number", "has"), [("07700 900123", "+447700900123"), ("+1 212 555 0123", "+12125550123")])
async def test_a_typed_number_is_read_as_in_the_campaigns_country(world: DeskSite, number: str, has: str) -> None:
    async with open_page(world) as page:
        await page.ask("dial", campaign=world.campaign_id, number=number)
        request = world.floor.asked[-1]
        assert isinstance(request, ManualDialAsked)
        assert request.number == has


async def test_a_number_that_is_none_is_told_why(world: DeskSite) -> None:
    async with open_page(world) as page:
        assert "digits" in (await page.ask("dial", campaign=world.campaign_id, number="12345"))["no"]
        assert not world.floor.asked


# --- callbacks -------------------------------------------------------------------------------------------------------


async def test_a_callback_out_of_hours_is_refused_with_the_nearest_legal_time(world: DeskSite) -> None:
    entry = await world.site.store.read(campaigns.get_campaign, world.campaign_id)
    careful = replace(entry.campaign, compliance=CompliancePlan())
    await world.site.store.write(campaigns.update_campaign, careful)
    async with open_page(world) as page:
        world.talk()
        await page.until_known("person")
        asked = await page.ask("when", attempt="attempt00001", written="2027-03-01T22:15", zone="Europe/Moscow")
        assert not asked["is_legal"]
        assert asked["why"].startswith("outside 09:00–20:00 of Monday 2027-03-01")
        early = await page.ask("when", attempt="attempt00001", written="2020-01-01T12:00")
        assert early["is_past"]
        days = await page.ask("when", attempt="attempt00001", days=1)
        night_ms = days["at"] - days["at"] % 86_400_000 + 86_400_000 + at_local("1970-01-01T23:00", "Europe/Moscow")
        body = {"attempt": "attempt00001", "code": "callback", "is_done": True}
        refused = await page.ask("dispose", **body, callback={"at_ms": night_ms, "is_mine": True})
        assert "nearest time that is legal" in refused["no"]
        assert not world.floor.asked
        nearest = (await page.ask("when", attempt="attempt00001", days=3))["nearest"]
        assert "no" not in await page.ask("dispose", **body, callback={"at_ms": nearest, "is_mine": False})
        request = world.floor.asked[-1]
        assert isinstance(request, DispositionSet)
        assert request.callback == CallbackPlan(at_ms=nearest, agent_id=None, until_ms=nearest + 1_800_000)


async def test_a_callback_is_held_against_the_law_of_its_campaign(world: DeskSite) -> None:
    """Hours of the profile it has, rests after the talk that goes on, and consent that nobody gave."""
    entry = await world.site.store.read(campaigns.get_campaign, world.campaign_id)

    async def under(profile: str, mode: DialingMode = DialingMode.PROGRESSIVE) -> None:
        plan = replace(entry.campaign, mode=mode, compliance=CompliancePlan(profiles=(profile,)))
        await world.site.store.write(campaigns.update_campaign, plan)

    async with open_page(world) as page:
        world.talk()
        await page.until_known("person")
        early = {"attempt": "attempt00001", "written": "2027-03-01T08:30", "zone": "Europe/Moscow"}
        await under("ru_debt_230fz")
        asked = await page.ask("when", **early)
        assert asked["is_legal"], "debts: from eight on a weekday"
        await under("careful")
        assert not (await page.ask("when", **early))["is_legal"]
        await under("us_reg_f_debt")
        soon = await page.ask("when", attempt="attempt00001", days=1)
        assert not soon["is_legal"]
        assert "of rest after conversation" in soon["why"]
        assert soon["nearest"] >= world.site.operations.now_ms + 7 * DAY_MS
        await under("ru_advertising")
        never = await page.ask("when", attempt="attempt00001", days=1)
        assert (never["is_legal"], never["nearest"]) == (False, None)
        body = {"attempt": "attempt00001", "code": "callback", "is_done": True}
        refused = await page.ask("dispose", **body, callback={"at_ms": never["at"], "is_mine": True})
        assert "may not be called" in refused["no"]
        assert not world.floor.asked


# --- two people, one field -------------------------------------------------------------------------------------------


async def test_an_edit_is_written_and_shown_to_others_who_have_the_contact(world: DeskSite) -> None:
    async with open_page(world) as page:
        world.talk()
        await page.until_known("person")
        assert "no" not in await page.ask(
            "edit", contact=world.contact_id, field="column:City", seen="Kazan", value="Ufa"
        )
        async with asyncio.timeout(PATIENCE_S):
            while ["column:City", "City", "Ufa"] not in page.state["person"]["fields"]:
                await page.hear()
        boris = await world.site.add_user("boris")
        await world.site.panel.desk.books.edit(boris, world.contact_id, "column:City", saw="Ufa", value="Perm")
        world.site.panel.desk.edited(world.contact_id, "column:City", "Perm", boris)
        told = await page.until_told("edited")
        assert (told["value"], told["by"]) == ("Perm", "boris")


async def test_what_a_program_changes_is_seen_at_once_and_who_is_taken_out_too(world: DeskSite) -> None:
    async with open_page(world) as page, world.site.program() as http:
        world.talk()
        await page.until_known("person")
        address = f"/api/v1/contacts/{world.contact_id}"
        changed = await http.patch(address, json={"fields": {"City": "Perm"}, "region": "RU-PER"})
        assert (await changed.json())["result"] == "updated"
        told = await page.until_told("edited")
        assert (told["field"], told["value"], told["by"]) in (
            ("column:City", "Perm", "admin of keys"), ("column:region", "RU-PER", "admin of keys"),
        )  # fmt: skip
        gone = ContactNews(contact_id=world.contact_id, by="ann", changed={}, is_deleted=True)
        world.site.panel.desk.contact_news(gone)
        assert "taken out of its list" in (await page.until_told("message"))["text"]


async def test_whoever_saw_another_value_is_told_theirs_and_nothing_is_written(world: DeskSite) -> None:
    boris = await world.site.add_user("boris")
    async with open_page(world) as page:
        world.talk()
        await page.until_known("person")
        await world.site.panel.desk.books.edit(boris, world.contact_id, "column:City", saw="Kazan", value="Perm")
        answer = await page.ask("edit", contact=world.contact_id, field="column:City", seen="Kazan", value="Ufa")
        assert (answer["theirs"], answer["by"]) == ("Perm", "boris")
        card = await world.site.store.read(cards.contact_card, world.contact_id)
        assert card.contact.fields == {**FIELDS, "City": "Perm"}


async def test_phones_and_what_is_no_field_are_not_edited_here(world: DeskSite) -> None:
    async with open_page(world) as page:
        for field in ("fact:phone1", "City", "column:Nowhere", "fact:time_zone"):
            answer = await page.ask("edit", contact=world.contact_id, field=field, seen="", value="x")
            assert answer["no"], field


async def test_a_name_is_changed_too(world: DeskSite) -> None:
    async with open_page(world) as page:
        await page.ask("edit", contact=world.contact_id, field="fact:name", seen="Olga Petrova", value=" Olga Ivanova ")
        assert (await world.site.store.read(cards.contact_card, world.contact_id)).contact.name == "Olga Ivanova"


async def test_a_note_is_kept_with_the_person_and_seen(world: DeskSite) -> None:
    async with open_page(world) as page:
        world.talk()
        await page.until_known("person")
        await page.ask("note", contact=world.contact_id, text="Has a dog")
        async with asyncio.timeout(PATIENCE_S):
            while not page.state["person"]["notes"]:
                await page.hear()
        assert page.state["person"]["notes"][0] | {"at": 0} == {"at": 0, "by": "maria", "text": "Has a dog"}


# --- one desk, and pages that vanish ---------------------------------------------------------------------------------


async def test_a_second_tab_is_told_and_may_take_over(world: DeskSite) -> None:
    async with open_page(world, "one") as first:
        async with signed_in(world) as http, http.ws_connect("/desk/live?tab=two") as socket:
            assert await closed_with(Page(socket)) == desk_line.ELSEWHERE
        assert "no" not in await first.ask("callbacks")
        async with open_page(world, "two", "&take=1") as second:
            assert await closed_with(first) == desk_line.ELSEWHERE
            assert "no" not in await second.ask("callbacks")


async def test_the_same_tab_comes_back_without_asking(world: DeskSite) -> None:
    async with open_page(world, "one") as first, open_page(world, "one") as again:
        assert await closed_with(first) == desk_line.ELSEWHERE
        assert "no" not in await again.ask("callbacks")


async def test_a_page_that_stays_away_is_told_to_the_floor_and_its_return_too(
    world: DeskSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LOST_S", 0.05)
    world.show(AgentState.AVAILABLE)
    async with open_page(world):
        pass
    await until(lambda: world.floor.asked)
    assert world.floor.asked == [BrowserLost(agent_id=world.agent_id, is_lost=True)]
    world.floor.change(world.agent_id, is_browser_lost=True)
    async with open_page(world):
        await until(lambda: len(world.floor.asked) == 2)
    assert world.floor.asked[1] == BrowserLost(agent_id=world.agent_id, is_lost=False)


async def test_a_reload_is_no_loss(world: DeskSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "LOST_S", 3600.0)
    world.show(AgentState.AVAILABLE)
    async with open_page(world):
        pass
    async with open_page(world) as page:
        await page.ask("callbacks")
        assert not world.site.panel.desk._missing
    assert not world.floor.asked


async def test_stopping_sends_pages_away_and_loses_nobody(world: DeskSite) -> None:
    world.show(AgentState.AVAILABLE)
    async with open_page(world) as page:
        stopping = asyncio.create_task(world.site.panel.stop())
        assert await closed_with(page) == aiohttp.WSCloseCode.GOING_AWAY
        await stopping
    assert not world.floor.asked


async def test_preview_cards_are_shown_before_any_call(world: DeskSite) -> None:
    async with open_page(world) as page:
        world.show(AgentState.RESERVED, card=world.card(is_preview=True, mode=DialingMode.PREVIEW))
        await page.until("state", "reserved")
        assert page.state["card"]["is_preview"]
        assert {"accept", "skip", "close"} <= set(page.state["may"])
