"""The admin's pages by plain forms: what is kept, what is refused beside its field, and what the trail says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from app.agents import (
    AgentPlan,
    DialingMode,
    DispositionEffect,
    PacingPlan,
    PacingSignal,
    PauseReason,
    PhoneMode,
    RecordingPolicy,
)
from app.calling_order import OrderPlan
from app.contacts import importing, reading
from app.model import Campaign, CampaignStatus
from app.pacing import Guard
from app.panel import campaign_forms
from app.panel.forms import Form
from app.panel.passwords import is_password
from app.store import agents, audit, campaigns, lists, pauses, people, phones, trunks
from app.store.errors import StoreError
from app.store.people import Role
from app.units import HOUR_MS, AgentId, CampaignId, TrunkId
from tests.unit.panel.site import PASSWORD, Site
from tests.unit.panel.stage import entry
from tests.unit.panel.test_pages import EVIL
from tests.unit.panel.test_signing_in import token_of


class Desk:
    """An admin's browser."""

    def __init__(self, http: aiohttp.ClientSession, token: str) -> None:
        self.http = http
        self.token = token

    async def post(self, path: str, **form: str) -> tuple[int, str]:
        """The status, and where it leads or what the page says."""
        answer = await self.http.post(path, data={"csrf_token": self.token, **form}, allow_redirects=False)
        return answer.status, answer.headers.get("Location") or await answer.text()


@asynccontextmanager
async def admin(site: Site, role: Role = Role.ADMIN) -> AsyncIterator[Desk]:
    """Somebody who may."""
    async with site.browser("anna", role) as http:
        yield Desk(http, token_of(await (await http.get("/floor")).text()))


async def whats(site: Site) -> list[str]:
    """What the trail says was done, oldest first."""
    page = await site.store.read(audit.audit_page)
    return [one.what for one in reversed(page.entries)]


async def test_a_person_is_added_changed_and_shut_out(site: Site) -> None:
    async with admin(site) as desk:
        new = {"name": "boris", "password": "long enough", "role": "agent", "skill": "3", "language": "ru"}
        assert await desk.post("/admin/users", **new) == (303, "/admin/users")
        boris = await site.store.read(people.user_by_name, "boris")
        assert boris is not None
        assert (await site.store.read(agents.agent_profile, AgentId(boris.id))).skill == 3
        path = f"/admin/users/{boris.id}"
        change = {"role": "supervisor", "skill": "5", "language": "", "password": "another one", "is_disabled": "yes"}
        assert (await desk.post(path, **change))[0] == 303
        boris = await site.store.read(people.user_by_id, boris.id)
        assert (boris.role, boris.is_disabled) == (Role.SUPERVISOR, True)
        assert is_password("another one", boris.password_hash)
    assert await whats(site) == ["added user", "changed user"]
    page = await site.store.read(audit.audit_page)
    assert "another one" not in str(page)


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(site: Site) -> None:
    async with admin(site) as desk:
        form = {"name": "anna", "password": "short", "role": "king", "skill": "-1", "language": "xx"}
        status, page = await desk.post("/admin/users", **form)
        assert status == 422
        for name in ("password", "role", "skill", "language"):
            assert f'id="wrong-{name}">' in page, name
        assert "short" not in page
        status, page = await desk.post("/admin/users", **(form | {
            "password": PASSWORD, "role": "agent", "skill": "1", "language": ""}))  # fmt: skip
        assert (status, 'id="wrong-name">somebody has this name already' in page) == (422, True)
    assert len(await site.store.read(people.list_users)) == 1
    assert await whats(site) == []


async def test_the_last_admin_stays_one_and_nobody_shuts_themselves_out(site: Site) -> None:
    async with admin(site) as desk:
        anna = await site.store.read(people.user_by_name, "anna")
        assert anna is not None
        form = {"role": "agent", "skill": "0", "language": "", "password": ""}
        status, page = await desk.post(f"/admin/users/{anna.id}", **form)
        assert (status, "this is the last admin" in page) == (422, True)
        status, page = await desk.post(f"/admin/users/{anna.id}", **(form | {"role": "admin", "is_disabled": "yes"}))
        assert (status, "you cannot disable yourself" in page) == (422, True)


async def test_a_sign_in_is_ended_and_its_browser_knows(site: Site) -> None:
    async with admin(site) as desk, site.browser("boris", Role.SUPERVISOR) as other:
        assert (await other.get("/floor")).status == 200
        rows = await site.store.read(people.list_sessions, site.operations.now_ms)
        (his,) = [row for row in rows if row.user_name == "boris"]
        assert (await desk.post(f"/admin/sessions/{his.id}/end"))[0] == 303
        answer = await other.get("/floor", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Ffloor")
        assert (await desk.post(f"/admin/sessions/{his.id}/end"))[0] == 404
        assert (await desk.post("/admin/sessions/%25/end"))[0] == 404
    assert await whats(site) == ["ended a sign-in"]


async def test_phones_trunks_and_pause_reasons_are_kept_changed_and_removed(site: Site) -> None:
    async with admin(site) as desk:
        assert (await desk.post("/admin/phones", endpoint="agent-101", label=EVIL, phone_mode="per call"))[0] == 303
        assert "<script>alert" not in await (await desk.http.get("/admin/phones")).text()
        assert (await desk.post("/admin/phones/agent-101", label="Window", phone_mode="nailed up", agent_id="1"))[
            0
        ] == 303
        (phone,) = await site.store.read(phones.list_phones)
        assert (phone.label, phone.phone_mode, phone.agent_id) == ("Window", PhoneMode.NAILED_UP, 1)
        assert (await desk.post("/admin/phones", endpoint="a b", phone_mode="per call"))[0] == 422
        assert (await desk.post("/admin/phones/agent-101/remove"))[0] == 303
        way = {
            "endpoint": "provider",
            "lines": "4",
            "calls_per_second": "1,5",
            "prefixes": "+44 +7916",
            "keep_plus": "y",
        }
        empty = {"caller_id": "", "country_code": "", "national_prefix": "", "prefix": ""}
        assert (await desk.post("/admin/trunks", id="way", **way, **empty))[0] == 303
        trunk = await site.store.read(trunks.get_trunk, TrunkId("way"))
        assert (trunk.prefixes, trunk.calls_per_second, trunk.is_enabled) == (("+44", "+7916"), 1.5, False)
        assert (await desk.post("/admin/trunks/way", **(way | {"prefixes": "44"}), **empty))[0] == 422
        new = {"code": "drill", "label": "Fire drill", "limit_min": "0,5", "position": "1"}
        assert (await desk.post("/admin/pauses", **new))[0] == 303
        first = (await site.store.read(pauses.list_pause_reasons))[0]
        assert first == PauseReason(code="drill", label="Fire drill", is_paid=False, limit_ms=30_000)
        assert (await desk.post("/admin/pauses/drill/remove"))[0] == 303
        assert (await desk.post("/admin/trunks/way/remove"))[0] == 303
    assert await whats(site) == [
        "added phone", "changed phone", "removed phone", "added trunk", "added pause reason", "removed pause reason",
        "removed trunk",
    ]  # fmt: skip


async def test_a_trunk_a_campaign_has_is_not_removed(site: Site) -> None:
    await site.add_campaign()
    async with admin(site) as desk:
        status, page = await desk.post("/admin/trunks/way/remove")
        assert (status, "used by a campaign" in page) == (409, True)


async def test_the_trail_is_sieved_and_paged(site: Site) -> None:
    for at in range(60):
        await site.store.write(audit.record, who="anna", what="imported", subject=f"list {at}", at_ms=at)
    async with admin(site) as desk:
        page = await (await desk.http.get("/admin/audit")).text()
        assert page.count("<td>list ") == 50
        older = page.split("before=", 1)[1].split('"', 1)[0]
        assert (await (await desk.http.get(f"/admin/audit?before={older}")).text()).count("<td>list ") == 10
        assert (await (await desk.http.get("/admin/audit?subject=list+7")).text()).count("<td>list ") == 1
        assert (await (await desk.http.get("/admin/audit?who=nobody&before=x")).text()).count("<td>list ") == 0


# --- campaigns -------------------------------------------------------------------------------------------------------


async def test_a_campaign_is_made_in_five_steps(site: Site) -> None:
    await site.add_campaign("Another", contacts=4)
    async with admin(site, Role.SUPERVISOR) as desk:
        status, where = await desk.post("/campaigns/new", name="Fresh", mode="progressive", language="en", lists="1")
        assert (status, where) == (303, "/campaigns/2/setup/when")
        when = {"max_attempts": "4", "retry_h": "0,5", "max_faults": "3", "agents": "1", "next": "yes"}
        assert (await desk.post(where, **when, consent="NONE"))[0] == 422  # by no law nobody is called
        when |= {"profiles": "us_fl", "consent": "PRIOR_EXPRESS_WRITTEN", "seller": "Northern Light"}
        assert await desk.post(where, **when) == (303, "/campaigns/2/setup/how")
        how = {
            "mode": "preview", "lines": "5", "calls_per_second": "2", "ring_s": "20", "caller_id": "",
            "lines_per_agent": "1", "priority": "2", "wrap_up_s": "45", "preview_s": "15", "preview_default": "pause",
            "target_per_hour": "9", "queue": "", "trunk:way": "1", "next": "yes",
        }  # fmt: skip
        assert await desk.post("/campaigns/2/setup/how", **how) == (303, "/campaigns/2/setup/hear")
        hear = {
            "flow_id": "2", "connect_s": "1.5", "hold_s": "8", "safe_harbor": "Sorry.", "recording": "always",
            "consent_notice": "", "script": "# Hello\nHello {name}", "d_code": "", "d_label": "Да, согласен",
            "d_effect": "retry", "d_retry_h": "1,5", "d_success": "yes", "next": "yes",
        }  # fmt: skip
        status, page = await desk.post("/campaigns/2/setup/hear", **hear)
        assert (status, "nobody is recorded without being told" in page) == (422, True)
        hear["consent_notice"] = "This call is recorded."
        assert await desk.post("/campaigns/2/setup/hear", **hear) == (303, "/campaigns/2/setup/start")
        assert await desk.post("/campaigns/2/setup/start") == (303, "/floor")
    found = await site.store.read(campaigns.get_campaign, CampaignId(2))
    plan = found.campaign
    assert (found.status, plan.mode, plan.retry.retry_ms) == (CampaignStatus.RUNNING, DialingMode.PREVIEW, HOUR_MS / 2)
    assert (plan.agents.recording, plan.agents.connect_within_ms) == (RecordingPolicy.ALWAYS, 1_500)
    (only,) = plan.agents.dispositions
    assert (only.code, only.effect, only.retry_ms) == ("da-soglasen", DispositionEffect.RETRY, 1.5 * HOUR_MS)
    assert [one.agent_id for one in await site.store.read(agents.list_campaign_agents, CampaignId(2))] == [1]


HOW = {
    "mode": "predictive", "lines": "60", "calls_per_second": "2", "ring_s": "20", "caller_id": "", "priority": "0",
    "wrap_up_s": "45", "target_per_hour": "9", "queue": "", "trunk:way": "1", "target_percent": "2,5",
    "window_h": "720", "guard": "window", "fixed_ratio": "0", "min_ring_s": "0", "calls_per_agent": "12.5",
    "cool_down_h": "24", "machine_error_percent": "2.5", "signals": "history",
}  # fmt: skip


async def test_a_predictive_campaign_is_made_and_checked(site: Site) -> None:
    await site.add_campaign(contacts=4)
    async with admin(site, Role.SUPERVISOR) as desk:
        where = "/campaigns/1/setup/how"
        assert await desk.post(where, **HOW) == (303, where)
        plan = (await site.store.read(campaigns.get_campaign, CampaignId(1))).campaign
        assert plan.mode is DialingMode.PREDICTIVE
        assert plan.agents.pacing == PacingPlan(
            abandonment_target=0.025, window_ms=720 * HOUR_MS, guard=Guard.WINDOW, min_ring_ms=0, calls_per_agent=12.5,
            cool_down_ms=24 * HOUR_MS,
            machine_error=0.025,
            signals=(PacingSignal.HISTORY,),
        )  # fmt: skip
        page = await (await desk.http.get("/campaigns/1/setup/start")).text()
        assert "2.5% of those who answer, over 30 days" in page
        assert "whoever finds no agent hears our own sentence, which has no number" in page
        for field, text, words in (
            ("target_percent", "3.1", "the law allows no more"), ("target_percent", "-1", "a number from 0 to 100"),
            ("fixed_ratio", "0.5", "0, or 1 to 10, is expected"), ("min_ring_s", "5", "0, or 10 to 60 seconds"),
            ("window_h", "0.5", "from 1 to 720"), ("calls_per_agent", "51", "from 1 to 50"),
            ("cool_down_h", "721", "from 0 to 720"), ("machine_error_percent", "21", "from 0 to 20"),
            ("guard", "none", "choose one of the list"),
            ("queue", "support", "predictive dialing needs our own agents"),
        ):  # fmt: skip
            status, page = await desk.post(where, **HOW | {field: text})
            assert (status, words in page) == (422, True), field
        told = await site.store.read(audit.audit_page)
        assert told.entries[0].details["abandonment_target"] == "0.01 → 0.025"


async def test_fields_of_another_mode_are_not_looked_at(site: Site) -> None:
    await site.add_campaign(contacts=4)
    async with admin(site, Role.SUPERVISOR) as desk:
        odd = {"mode": "progressive", "lines_per_agent": "2", "target_percent": "x", "preview_s": "x"}
        assert (await desk.post("/campaigns/1/setup/how", **HOW | odd))[0] == 303
    plan = (await site.store.read(campaigns.get_campaign, CampaignId(1))).campaign
    assert (plan.agents.lines_per_agent, plan.agents.pacing) == (2, PacingPlan())


async def test_too_late_is_two_seconds_in_the_predictive_mode(site: Site) -> None:
    await site.add_campaign(contacts=4)
    before = (await site.store.read(campaigns.get_campaign, CampaignId(1))).campaign
    slow = replace(before, agents=replace(before.agents, connect_within_ms=5_000))
    await site.operations.change_campaign(slow)
    async with admin(site, Role.SUPERVISOR) as desk:
        status, page = await desk.post("/campaigns/1/setup/how", **HOW)
        assert (status, "within 2 seconds: set that in step 4 first" in page) == (422, True)
        form = campaign_forms.hear_fields(entry(mode=DialingMode.PREDICTIVE, plan=AgentPlan(connect_within_ms=5_000)))
        campaign_forms.hear_step(form, replace(slow, mode=DialingMode.PREDICTIVE))
        assert form.errors == {"connect_s": "a number from 0.5 to 2 is expected"}


async def test_a_draft_saves_itself_and_says_what_is_wrong(site: Site) -> None:
    await site.add_campaign(contacts=1)
    async with admin(site, Role.SUPERVISOR) as desk:
        form = {"csrf_token": desk.token, "max_attempts": "0", "retry_h": "1", "max_faults": "3"}
        form |= {"profiles": "uk", "consent": "PRIOR", "seller": "", "subject": "", "debt_column": ""}
        live = {"X-Requested-With": "live"}
        answer = await desk.http.post("/campaigns/1/setup/when", data=form, headers=live)
        assert (answer.status, list((await answer.json())["errors"])) == (422, ["max_attempts"])
        answer = await desk.http.post("/campaigns/1/setup/when", data=form | {"max_attempts": "2"}, headers=live)
        assert (answer.status, await answer.json()) == (200, {"errors": {}})


async def test_a_campaign_that_cannot_start_says_why(site: Site) -> None:
    await site.add_campaign(contacts=0)
    async with admin(site, Role.SUPERVISOR) as desk:
        page = await (await desk.http.get("/campaigns/1/setup/start")).text()
        assert "its lists are empty" in page
        assert "disabled" in page
        assert (await desk.post("/campaigns/new", name="x", mode="broadcast", language="en", flow_id="0"))[0] == 422
        assert (await desk.post("/campaigns/new", name="Reminders", mode="manual", language="en"))[0] == 422


def test_a_forms_fields_give_the_same_campaign_back() -> None:
    before = entry()
    steps: dict[str, Callable[[Form, Campaign], Campaign]] = {
        "contacts": campaign_forms.contacts_step,
        "when": lambda form, plan: campaign_forms.when_step(form, plan, ()),
        "hear": campaign_forms.hear_step,
    }
    for step, read in steps.items():
        form = campaign_forms.FIELDS[step](before)
        assert read(form, before.campaign) == before.campaign, step
        assert form.is_good, form.errors
    for order in (OrderPlan(by_time_zone=True), OrderPlan(best_hour=True)):
        plan = replace(before.campaign, order=order)
        form = campaign_forms.FIELDS["when"](replace(before, campaign=plan))
        assert campaign_forms.when_step(form, plan, ()).order == order
    pacing = PacingPlan(abandonment_target=0.023, fixed_ratio=1.5, guard=Guard.DETERMINISTIC)
    for mode in DialingMode:
        before = entry(mode=mode, plan=AgentPlan(pacing=pacing))
        form = campaign_forms.how_fields(before)
        assert campaign_forms.how_step(form, before.campaign, before.campaign.trunks) == before.campaign


@pytest.mark.parametrize(
    "text", ["", "x", "1e3", "--1", "９", "1 0 0 0", "99999999999999999999", "nan", "0x10", "\x00"]
)
def test_what_is_no_number_is_told(text: str) -> None:
    form = Form({"n": text})
    assert (form.whole("n", 1, 500), form.number("n", 1, 500)) == (1, 1.0)
    assert "n" in form.errors


# --- recordings ------------------------------------------------------------------------------------------------------


async def test_a_recording_is_played_in_pieces_and_who_listened_is_written_down(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.panel.test_pages import closed_attempt

    await site.add_campaign(contacts=2)
    attempt_id = await closed_attempt(site, CampaignId(1))
    name = f"{attempt_id}-talk"
    flow = f'{{"recordings": [{{"node": "talk", "name": "{name}", "length_ms": 900, "has_failed": false}}]}}'
    statement = "UPDATE attempts SET flow = :flow WHERE id = :id"
    await site.store.write(lambda conn: conn.exec_driver_sql(statement, {"flow": flow, "id": attempt_id}))
    monkeypatch.setattr(site.panel._recordings, "_folder", tmp_path)
    path = f"/recordings/{name}"
    async with site.browser("boss", Role.SUPERVISOR) as http:
        assert f'src="{path}"' in await (await http.get(f"/attempts/{attempt_id}")).text()
        assert (await http.get(path)).status == 404
        (tmp_path / f"{name}.wav").write_bytes(b"RIFF" + bytes(1_000))
        piece = await http.get(path, headers={"Range": "bytes=0-99"})
        assert (piece.status, len(await piece.read()), piece.content_type) == (206, 100, "audio/wav")
        assert (await http.get(path, headers={"Range": "bytes=500-"})).status == 206
        for odd in (f"{attempt_id}-other", f"{attempt_id}-..", "..%2f..%2fetc%2fpasswd", "nosuchattempt-talk", "x"):
            assert (await http.get(f"/recordings/{odd}")).status == 404, odd
    async with site.browser("clara", Role.AGENT) as http:
        assert (await http.get(path)).status == 403
    assert "listened to recording" in await whats(site)


# --- importing -------------------------------------------------------------------------------------------------------


async def test_a_list_is_looked_at_mapped_loaded_and_its_rejects_fetched(site: Site, tmp_path: Path) -> None:
    site.panel._imports._folder = tmp_path / "uploads"
    text = "Кто;Тел;Город\nАнна;8 916 123-45-67;Москва\nБорис;12-3;Тверь\n"
    async with admin(site, Role.SUPERVISOR) as desk:
        form = aiohttp.FormData()
        form.add_field("file", text.encode("cp1251"), filename="list.csv")
        headers = {"X-CSRF-Token": desk.token, "X-Requested-With": "live"}
        sent = await desk.http.post("/lists/import?name=First&country=RU", data=form, headers=headers)
        go = (await sent.json())["go"]
        page = await (await desk.http.get(go)).text()
        assert "found: cp1251" in page
        chosen = {"encoding": "", "header": "yes", "c:0": "name", "c:1": "phone", "c:2": "", "import": "yes"}
        assert (await desk.post(go, **(chosen | {"c:1": ""})))[0] == 422
        assert await desk.post(go, **chosen) == (303, go)
        parcel = site.panel._imports.find(go.rsplit("/", 1)[1])
        assert parcel is not None
        assert parcel.work is not None
        await parcel.work
        assert parcel.report is not None
        assert (parcel.report.counts.imported, parcel.report.counts.rejected) == (1, 1)
        assert "Борис" in await (await desk.http.get(go + "/rejected")).text()
    async with site.browser("other", Role.SUPERVISOR) as http:
        assert (await http.get(go)).status == 404


async def loaded(site: Site, desk: Desk, text: str, name: str = "First", **chosen: str) -> str:
    """A list loaded by the page; answers where it was told of."""
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="list.csv")
    headers = {"X-CSRF-Token": desk.token, "X-Requested-With": "live"}
    sent = await desk.http.post(f"/lists/import?name={name}&country=GB", data=form, headers=headers)
    go: str = (await sent.json())["go"]
    assert await desk.post(go, **{"encoding": "", "header": "yes", "import": "yes"} | chosen) == (303, go)
    parcel = site.panel._imports.find(go.rsplit("/", 1)[1])
    assert parcel is not None
    assert parcel.work is not None
    await parcel.work
    return go


async def test_columns_are_as_they_were_for_the_last_file_of_the_same_columns(site: Site, tmp_path: Path) -> None:
    site.panel._imports._folder = tmp_path / "uploads"
    text = "Holder,Line,Old\nAnna,07700 900001,07700 900002\n"
    async with admin(site, Role.SUPERVISOR) as desk:
        await loaded(site, desk, text, **{"c:0": "last_name", "c:1": "", "c:2": "phone"})
        form = aiohttp.FormData()
        form.add_field("file", b"old,holder,line\n07700 900003,Bert,07700 900004\n", filename="next.csv")
        headers = {"X-CSRF-Token": desk.token, "X-Requested-With": "live"}
        sent = await desk.http.post("/lists/import?name=Second&country=GB", data=form, headers=headers)
        go = (await sent.json())["go"]
        page = await (await desk.http.get(go)).text()
        assert "As you said on" in page
        chosen = {one.split('"')[0]: one for one in page.split('<select name="c:')[1:]}
        roles = {
            at: "".join(x for x in ("phone", "last_name", "") if f'value="{x}" selected' in chosen[at]) for at in chosen
        }
        assert roles == {"0": "phone", "1": "last_name", "2": ""}
        status, page = await desk.post(go, **{"header": "yes", "c:0": "", "c:1": "email", "c:2": "", "import": "yes"})
        assert (status, page.count('value="email" selected')) == (422, 1)


async def test_an_import_is_undone_until_somebody_of_it_is_called(site: Site, tmp_path: Path) -> None:
    site.panel._imports._folder = tmp_path / "uploads"
    text = "name,phone\nAnna,07700 900001\nBert,07700 900002\n"
    chosen = {"c:0": "name", "c:1": "phone"}
    async with admin(site, Role.SUPERVISOR) as desk:
        go = await loaded(site, desk, text, **chosen)
        assert 'action="/lists/imports/1/undo"' in await (await desk.http.get(go)).text()
        status, page = await desk.post("/lists/imports/1/undo")
        assert (status, "list.csv: contacts taken out again: 2" in page) == (200, True)
        (found,) = await site.store.read(lists.list_lists)
        assert found.contacts == 0
        status, page = await desk.post("/lists/imports/1/undo")
        assert (status, "this import was undone already" in page) == (409, True)
        assert (await desk.post("/lists/imports/77/undo"))[0] == 404
    assert await whats(site) == ["imported", "undid import"]


async def test_an_import_that_broke_off_has_the_same_undo(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.panel._imports._folder = tmp_path / "uploads"
    monkeypatch.setattr(reading, "ROWS_AT_REST", 2)
    text = "name,phone\n" + "".join(f"Anna {at},07700 9000{at:02d}\n" for at in range(9))

    def refuse(*_given: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(importing, "finish_import", refuse)
    async with admin(site, Role.SUPERVISOR) as desk:
        go = await loaded(site, desk, text, **{"c:0": "name", "c:1": "phone"})
        page = await (await desk.http.get(go)).text()
        assert "the disk is full" in page
        assert "9 contacts were added before it broke off." in page
        assert 'action="/lists/imports/1/undo"' in page
        page = await (await desk.http.get("/lists")).text()
        assert "broken off, or going on" in page
        assert "If the import is still going on, it ends." in page
        status, page = await desk.post("/lists/imports/1/undo")
        assert (status, "list.csv: contacts taken out again: 9" in page) == (200, True)
        assert "broken off" not in page
        (found,) = await site.store.read(lists.list_lists)
        assert found.contacts == 0


# --- the first calls, and a test call --------------------------------------------------------------------------------


async def test_the_first_calls_are_ticked_and_kept_with_the_campaign(site: Site) -> None:
    await site.add_campaign(contacts=4)
    async with admin(site, Role.SUPERVISOR) as desk:
        page = await (await desk.http.get("/campaigns/1/setup/start")).text()
        assert 'name="is_trial" value="yes" checked' in page
        status, page = await desk.post("/campaigns/1/setup/start", is_trial="yes", first="0")
        assert (status, "a whole number from 1 to 1000000 is expected" in page) == (422, True)
        assert (await desk.post("/campaigns/1/setup/start", is_trial="yes", first="3"))[0] == 303
        plan = (await site.store.read(campaigns.get_campaign, CampaignId(1))).campaign
        assert plan.pause_at == 3
        assert site.runtime.dialer._work.campaigns[CampaignId(1)].first_calls == 3
        await desk.post("/campaigns/1/pause")
        await desk.post("/campaigns/1/setup/start", first="3")
        assert site.runtime.dialer._work.campaigns[CampaignId(1)].first_calls is None
    told = (await site.store.read(audit.audit_page)).entries
    assert [one.details for one in reversed(told) if one.what == "started campaign"] == [{"first calls": "3"}, {}]


async def test_a_campaign_calls_its_supervisor_first_and_nobody_counts_it(site: Site) -> None:
    made = await site.add_campaign(contacts=4)
    async with admin(site, Role.SUPERVISOR) as desk:
        status, page = await desk.post("/campaigns/1/test", number="12")
        assert (status, "a telephone number is expected" in page) == (422, True)
        status, where = await desk.post("/campaigns/1/test", number="07700 900999", contact="3")
        assert (status, where) == (303, "/campaigns/2")
        assert (await desk.http.get(where)).status == 200
        page = await (await desk.http.get("/campaigns")).text()
        assert "test calls" not in page
        assert 'value="+447700900999"' in await (await desk.http.get("/campaigns/1/setup/start")).text()
        test = await site.store.read(campaigns.get_campaign, CampaignId(2))
        (contact,) = await site.store.read(lists.contacts_page, test.list_ids[0])
        assert (contact.name, contact.phones) == ("Contact 2", ("+447700900999",))
        assert (await desk.post("/campaigns/1/test", number="+447700900998"))[0] == 303
        (contact,) = await site.store.read(lists.contacts_page, test.list_ids[0])
        assert contact.phones == ("+447700900998",)
        assert (await desk.post("/campaigns/2/test", number="+447700900998"))[0] == 422
    first = await site.store.read(campaigns.get_campaign, made.campaign.id)
    assert (first.progress, first.status) == (made.progress, made.status)
    assert (await whats(site)).count("made test call") == 2


# --- drilling --------------------------------------------------------------------------------------------------------


async def test_contacts_and_attempts_are_found_by_what_they_are(site: Site) -> None:
    await site.add_campaign(contacts=60)
    async with admin(site, Role.SUPERVISOR) as desk:

        async def page(query: str) -> str:
            answer = await desk.http.get(f"/campaigns/1/{query}")
            assert answer.status == 200
            return await answer.text()

        assert "Contact 49<" in await page("contacts")
        assert "Contact 50<" not in await page("contacts")
        assert "Contact 59<" in await page("contacts?after=50")
        assert "Contact 7<" in await page("contacts?search=007")
        assert "Contact 12<" in await page("contacts?search=tact+12&status=pending")
        assert "Nobody is like that" in await page("contacts?search=%25")
        assert "Nobody is like that" in await page("contacts?status=connected")
        assert "No attempt is like that" in await page("attempts?outcome=9&agent=1&disposition=sale&recorded=yes")
        assert "Contact 4<" in await page("attempts?contact=5")
        assert "No attempt yet" in await page("attempts?outcome=nonsense&disposition=nonsense&agent=x")
        assert (await desk.http.get("/campaigns/1/attempts?contact=99999")).status == 404
        assert (await desk.http.get("/campaigns/9/contacts")).status == 404
