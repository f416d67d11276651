"""The wallboard's wire and a supervisor's orders: changed rows only, at once; refusals in words; all in the trail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from app.agents import AgentState, DialingMode, SpyMode
from app.dialing.snapshot import AgentPicture, PacingPicture, Snapshot
from app.model import Campaign
from app.panel import floor as floor_wire
from app.store import audit, campaigns, people, phones
from app.store.people import Role
from app.store.phones import Phone
from app.units import DAY_MS, AgentId, CampaignId, FlowId
from tests.unit.panel import stage
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of


class Stage:
    """Agents as a test wants them, in the place of the dialer's."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.agents: dict[AgentId, AgentPicture] = {}
        self.watchers: list[Callable[[frozenset[AgentId]], None]] = []
        self._site = site
        monkeypatch.setattr(site.operations, "snapshot", self.snapshot)
        monkeypatch.setattr(site.agents, "picture", self.agents.get)
        floor = site.panel._floor.floor
        monkeypatch.setattr(floor._world, "snapshot", self.snapshot)
        monkeypatch.setattr(floor._world, "picture", self.agents.get)

    def snapshot(self) -> Snapshot:
        """The dialer now."""
        now_ms = self._site.operations.now_ms
        return stage.snapshot(*self.agents.values(), at_ms=now_ms, campaigns=(), trunks=())

    def put(self, key: int, name: str, state: AgentState, **more: Any) -> None:
        """An agent is in a state from now on."""
        made = stage.agent(key, name, state, **more)
        self.agents[AgentId(key)] = replace(made, since_ms=self._site.operations.now_ms)
        self._site.panel._floor.floor._note(frozenset({AgentId(key)}))


@pytest.fixture
def floor(site: Site, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """An empty floor."""
    return Stage(site, monkeypatch)


@asynccontextmanager
async def board(site: Site, role: Role = Role.SUPERVISOR) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """An open wallboard."""
    async with site.browser("anna", role) as http, http.ws_connect("/live/floor") as socket:
        yield socket


def shows(state: AgentState) -> Callable[[dict[str, Any]], bool]:
    """Whether a message has Anna's row in this state."""
    return lambda told: f's-{state.value}"' in told.get("html", {}).get("a1", "")


async def until(socket: aiohttp.ClientWebSocketResponse, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message for which it is true."""
    async with asyncio.timeout(20):
        while True:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            found: dict[str, Any] = json.loads(message.data)
            if is_it(found):
                return found


async def test_a_wallboard_is_told_everything_once_and_then_what_changes(site: Site, floor: Stage) -> None:
    for key in range(1, 41):
        floor.put(key, f"Agent {key}", AgentState.AVAILABLE)
    async with board(site) as socket:
        first = await until(socket, lambda told: "a40" in told.get("html", {}))
        assert len(first["order"]) == 40
        await until(socket, lambda told: "html" not in told)
        floor.put(7, "Agent 7", AgentState.TALKING, card=stage.card())
        news = await until(socket, lambda told: "a7" in told.get("html", {}))
        assert [key for key in news["html"] if key.startswith("a") and key[1:].isdigit()] == ["a7"]
        assert "Grace Hopper" in news["html"]["a7"]


async def test_an_agents_change_does_not_wait_for_the_second(
    site: Site, floor: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.put(1, "Anna", AgentState.AVAILABLE)
    async with board(site) as socket:
        await until(socket, lambda told: "a1" in told.get("html", {}))
        monkeypatch.setattr(floor_wire, "TICK_S", 3600.0)
        await asyncio.sleep(0)
        for state in (AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP):
            floor.put(1, "Anna", state, card=stage.card())
            await until(socket, shows(state))


async def test_who_leaves_goes_from_the_board_and_names_are_text(site: Site, floor: Stage) -> None:
    floor.put(1, "<script>alert(1)</script>", AgentState.AVAILABLE)
    async with board(site) as socket:
        first = await until(socket, lambda told: "a1" in told.get("html", {}))
        assert "<script>alert" not in first["html"]["a1"]
        del floor.agents[AgentId(1)]
        floor._site.panel._floor.floor._note(frozenset({AgentId(1)}))
        gone = await until(socket, lambda told: "order" in told)
        assert gone["order"] == []


async def test_whoever_listens_in_sees_their_own_bar(site: Site, floor: Stage) -> None:
    floor.put(1, "Ben", AgentState.TALKING, card=stage.card(), spies=(("anna", SpyMode.WHISPER),))
    async with board(site) as socket:
        told = await until(socket, lambda told: "mine-bar" in told.get("html", {}).get("mine", ""))
        assert 'id="mine-whisper" data-do="/floor/agents/1/whisper" aria-pressed="true"' in told["html"]["mine"]


async def test_the_wallboard_ends_with_the_session(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor_wire, "CHECK_EVERY", 1)
    async with board(site) as socket:
        user = await site.store.read(people.user_by_name, "anna")
        assert user is not None
        await site.store.write(people.end_sessions_of, user.id)
        async with asyncio.timeout(20):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4401


# --- orders ----------------------------------------------------------------------------------------------------------


class Orders:
    """A supervisor's browser that gives orders as the page's script does."""

    def __init__(self, http: aiohttp.ClientSession, token: str) -> None:
        self._http = http
        self._token = token

    async def give(self, path: str, **form: str) -> tuple[int, dict[str, Any]]:
        """The status, and what is said."""
        answer = await self._http.post(
            path, data={"csrf_token": self._token, **form}, headers={"X-Requested-With": "live"}
        )
        return answer.status, await answer.json() if answer.status != 204 else {}


@asynccontextmanager
async def orders(site: Site) -> AsyncIterator[Orders]:
    """Somebody who may give them."""
    async with site.browser("boss", Role.SUPERVISOR) as http:
        yield Orders(http, token_of(await (await http.get("/floor")).text()))


async def trail(site: Site) -> list[tuple[str, str, str]]:
    """What was written down, oldest first."""
    page = await site.store.read(audit.audit_page)
    return [(one.who, one.what, one.subject) for one in reversed(page.entries)]


async def test_what_cannot_be_done_is_said_and_not_written_down(site: Site) -> None:
    async with orders(site) as boss:
        assert (await boss.give("/floor/agents/1/listen"))[0] == 409
        status, told = await boss.give("/floor/agents/1/pause", reason="lunch")
        assert (status, told["words"]) == (409, "this agent is not signed in")
        assert (await boss.give("/floor/agents/1/pause", reason="nonsense"))[0] == 422
        assert (await boss.give("/floor/agents/1/hang-up", reason=" x "))[0] == 422
        assert (await boss.give("/floor/message", text=" "))[0] == 422
        assert (await boss.give("/floor/agents/" + "9" * 30 + "/listen"))[0] in (404, 409)
    assert await trail(site) == []


async def test_a_message_to_all_is_heard_and_written_down(site: Site) -> None:
    heard: list[tuple[AgentId | None, str, str]] = []
    site.agents.watch_messages(lambda agent_id, text, by: heard.append((agent_id, text, by)))
    async with orders(site) as boss:
        assert (await boss.give("/floor/message", text="Lunch  at one"))[0] == 200
    assert heard == [(None, "Lunch at one", "boss")]
    assert await trail(site) == [("boss", "message", "everybody")]


async def test_a_running_campaign_is_steered_and_it_is_written_down(site: Site) -> None:
    entry = await site.add_campaign(contacts=3)
    await site.operations.start_campaign(entry.campaign.id)
    path = f"/floor/campaigns/{entry.campaign.id}"
    async with orders(site) as boss:
        status, told = await boss.give(path, lines="7", calls_per_second="2,5")
        assert (status, told["words"]) == (200, "changed; it counts from the next call")
        for form in ({"lines": "many"}, {"lines": "0"}, {"calls_per_second": "-1"}, {"lines": "99999999"}):
            assert (await boss.give(path, **form))[0] == 422, form
        assert (await boss.give("/floor/campaigns/99", lines="7"))[0] == 404
    plan = (await site.store.read(campaigns.get_campaign, CampaignId(entry.campaign.id))).campaign
    assert (plan.lines, plan.calls_per_second) == (7, 2.5)
    assert await trail(site) == [("boss", "steered campaign", f"campaign {entry.campaign.id}")]


async def test_a_campaign_goes_from_progressive_to_predictive_and_back_while_it_runs(site: Site) -> None:
    entry = await site.add_campaign(contacts=3)
    path = f"/floor/campaigns/{entry.campaign.id}"
    plan = replace(entry.campaign, mode=DialingMode.PROGRESSIVE, flow_id=FlowId(0))
    await site.operations.change_campaign(plan)
    await site.operations.start_campaign(plan.id)

    async def now() -> Campaign:
        return (await site.store.read(campaigns.get_campaign, plan.id)).campaign

    async with orders(site) as boss:
        change = {"mode": "predictive", "target_percent": "2,5", "fixed_ratio": "1.5", "calls_per_agent": "4"}
        assert (await boss.give(path, **change, lines_per_agent="hidden"))[0] == 200
        pacing = (await now()).agents.pacing
        assert (pacing.abandonment_target, pacing.fixed_ratio, pacing.calls_per_agent) == (0.025, 1.5, 4.0)
        assert site.operations.snapshot().campaigns[0].pacing is not None
        status, told = await boss.give(path, target_percent="5")
        assert (status, "the law caps it at 3%" in told["words"]) == (422, True)
        for form in ({"target_percent": "nan"}, {"fixed_ratio": "0.5"}, {"fixed_ratio": "x"}, {"calls_per_agent": "0"}):
            assert (await boss.give(path, **form))[0] == 422, form
        assert (await boss.give(path, mode="progressive", target_percent="hidden"))[0] == 200
        assert ((await now()).mode, (await now()).agents.pacing) == (DialingMode.PROGRESSIVE, pacing)
        assert site.operations.snapshot().campaigns[0].pacing is None
    page = await site.store.read(audit.audit_page)
    assert page.entries[-1].details["abandoned at most, percent"] == "1 → 2.5"


async def test_the_budget_is_on_the_board_and_on_the_campaigns_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await site.add_campaign(contacts=3)
    await site.operations.change_campaign(replace(entry.campaign, mode=DialingMode.PREDICTIVE, flow_id=FlowId(0)))
    await site.operations.start_campaign(entry.campaign.id)
    pacing = PacingPicture(
        why="8 in flight, agents idle: 4, 2 each → 0", answered=260, abandoned=3, target=0.01, window_ms=DAY_MS,
        budget_left=-0.4, is_spent=True,
    )  # fmt: skip
    shot = stage.snapshot(campaigns=(stage.picture(entry.campaign.id, pacing=pacing),), trunks=())
    monkeypatch.setattr(site.operations, "snapshot", lambda: shot)
    monkeypatch.setattr(site.panel._floor.floor._world, "snapshot", lambda: shot)
    async with site.browser("boss", Role.SUPERVISOR) as http:
        for path in ("/floor", "/campaigns/1"):
            page = " ".join((await (await http.get(path)).text()).split())
            for words in (
                "Predictive", "1.2%", "115% of the budget", "1 over", "target 1.0%", pacing.why,
                "Budget spent: dialing progressively</strong> for about 140 more answers",
            ):  # fmt: skip
                assert words in page, (path, words)
        assert "3/260 · 24 hr" in await (await http.get("/floor")).text()
        russian = await (await http.get("/floor", cookies={"outring_language": "ru"})).text()
        assert "Бюджет исчерпан: набор прогрессивный" in russian
        assert "вызовов 8, свободно операторов 4" in russian
        lent = replace(pacing, answered=241, abandoned=8, target=0.03, budget_left=2.2, is_spent=False)
        shot = stage.snapshot(campaigns=(stage.picture(entry.campaign.id, pacing=lent),), trunks=())
        page = await (await http.get("/floor")).text()
        assert "Over 3% were abandoned, beyond the law; calls still go out ahead" in page
        assert "Budget spent" not in page
        russian = await (await http.get("/floor", cookies={"outring_language": "ru"})).text()
        assert "Брошено больше 3%" in russian


async def test_starting_and_stopping_are_written_down(site: Site) -> None:
    entry = await site.add_campaign(contacts=3)
    async with orders(site) as boss:
        await site.operations.start_campaign(entry.campaign.id)
        for verb in ("pause", "start"):
            assert (await boss.give(f"/campaigns/{entry.campaign.id}/{verb}"))[0] == 204
        assert (await boss.give(f"/campaigns/{entry.campaign.id}/stop", is_sure="yes"))[0] == 204
    whats = [what for _, what, _ in await trail(site)]
    assert whats == ["paused campaign", "started campaign", "stopped campaign"]


async def test_the_phone_that_rings_for_a_supervisor_is_kept_by_their_browser(site: Site) -> None:
    await site.store.write(phones.put_phone, Phone(endpoint="boss-1", label="Glass box"))
    async with site.browser("boss", Role.SUPERVISOR) as http:
        token = token_of(await (await http.get("/floor")).text())
        assert (await http.post("/floor/phone", data={"csrf_token": token, "phone": "boss-1"})).status == 200
        assert '<option value="boss-1" selected>' in await (await http.get("/floor")).text()
        odd = await http.post("/floor/phone", data={"csrf_token": token, "phone": "PJSIP/x@evil"})
        assert odd.status == 422
