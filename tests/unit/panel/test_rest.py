"""Every route of the table, walked as its OpenAPI says: roles, answers, misfits; and the document itself."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection

from app.panel import rest
from app.panel.passwords import is_password
from app.panel.problems import EXPECTED
from app.panel.routing import PREFIX, RANK, Route
from app.store import people
from app.store.people import Role
from tests.unit.panel.site import FLOW, Site

ROWS = rest.routes.rows
WITH_BODY = [row for row in ROWS if row.body is not None]
NAMES = [f"{row.method} {row.path}" for row in ROWS]
CAMPAIGN = {"name": "Second", "flow_id": 1, "trunks": ["way"], "lists": [1]}
BODIES: dict[str, dict[str, Any]] = {
    "PUT /trunks/{trunk_id}": {"endpoint": "my-provider", "lines": 3, "prefixes": ["+44"]},
    "POST /lists": {"name": "Another list", "country": "GB"},
    "POST /lists/{list_id}/contacts": {"key": "7", "name": "Ann", "phones": [{"number": "07700 900123"}]},
    "POST /lists/{list_id}/contacts/bulk": {"contacts": [{"key": "8", "phones": [{"number": "07700 900124"}]}]},
    "PATCH /contacts/{contact_id}": {"name": "Ann Lee"},
    "POST /sources": {
        "name": "crm",
        "list": "People",
        "database": "crm",
        "relation": "people",
        "key": "code",
        "country": "GB",
    },
    "POST /sources/{source_id}/conflicts/{conflict_id}": {"take": "ours"},
    "POST /flows": {"name": "hello again", "source": FLOW},
    "POST /campaigns": CAMPAIGN,
    "PUT /campaigns/{campaign_id}": CAMPAIGN | {"name": "Renamed", "lines": 7},
    "POST /campaigns/{campaign_id}/requeue": {"status": "not connected"},
    "PATCH /campaigns/{campaign_id}": {"lines": 9, "mode": "preview"},
    "PUT /campaigns/{campaign_id}/agents": {"agents": [{"agent_id": 1}]},
    "PUT /campaigns/{campaign_id}/contacts/{contact_id}/callback": {"at_ms": 1_900_000_000_000},
    "POST /agents/{agent_id}/pause": {"reason": "lunch"},
    "POST /agents/{agent_id}/hang-up": {"reason": "complaint"},
    "POST /agents/{agent_id}/message": {"text": "lunch at one"},
    "POST /messages": {"text": "lunch at one"},
    "POST /agents/{agent_id}/supervise": {"mode": "listen", "phone": "boss-1"},
    "PUT /phones/{endpoint}": {"label": "Window", "phone_mode": "per call"},
    "PUT /pause-reasons/{code}": {"label": "Fire drill", "limit_ms": 600_000},
    "POST /dnc": {"number": "07700 900123", "country": "GB"},
    "POST /projects": {"name": "Charity"},
    "PUT /projects/{project_id}": {"name": "Renamed"},
    "PUT /campaigns/{campaign_id}/project": {"project": 1},
    "PUT /campaigns/{campaign_id}/national-lists": {"lists": [{"name": "TPS", "max_age_days": 28}]},
    "PUT /caller-ids/{number}": {"label": "London", "per_day": 200},
    "POST /users": {"name": "boris", "password": "long enough", "role": "agent"},
    "PATCH /users/{user_id}": {"password": "long enough"},
    "POST /apikeys": {"name": "crm"},
    "PUT /campaigns/{campaign_id}/lists": {"lists": [{"list_id": 1, "weight": 70}]},
    "PUT /segments/{name}": {"source": "title: t\nall:\n  - tries < 3\n"},
    "POST /webhooks": {"url": "https://crm.example.com/outring", "kinds": ["attempt.ended"]},
    "PUT /webhooks/{webhook_id}": {"url": "https://crm.example.com/outring", "kinds": ["attempt.ended"]},
    "POST /webhooks/{webhook_id}/redeliver": {},
    "POST /agent-groups": {"name": "North", "agents": [1]},
    "PUT /agent-groups/{group_id}": {"name": "North"},
    "POST /fix-tasks/{task_id}/mend": {"number": "+447700900123"},
    "PUT /strategies/{name}": {"source": "title: t\nafter: {busy: {wait: 5m}, anything else: close}\n"},
}
PLACES = {"trunk_id": "way", "list_id": "1",  "contact_id": "1", "flow_id": "1", "campaign_id": "1", "key_id": "1",
          "user_id": "1", "number": "+447700900199", "attempt_id": "nosuchattempt", "agent_id": "1",
          "endpoint": "agent-101", "code": "drill", "source_id": "1", "conflict_id": "1", "name": "nosuchattempt-talk",
          "session_id": "0123456789abcdef", "project_id": "1", "group_id": "1",
          "webhook_id": "1", "task_id": "1"}  # fmt: skip
EXPECTED_STATUS = {
    "DELETE /trunks/{trunk_id}": 409,  # a campaign has it
    "POST /sources": 422,  # the settings have no such database
    "GET /sources/{source_id}": 404,
    "DELETE /sources/{source_id}": 404,
    "POST /sources/{source_id}/run": 404,
    "GET /sources/{source_id}/conflicts": 404,
    "POST /sources/{source_id}/conflicts/{conflict_id}": 404,
    "POST /lists/{list_id}/import": 415,  # it wants a file
    "POST /campaigns/{campaign_id}/pause": 409,  # it is a draft
    "POST /campaigns/{campaign_id}/stop": 409,
    "GET /attempts/{attempt_id}": 404,
    "DELETE /dnc/{number}": 404,
    "GET /dnc/check": 422,  # which number?
    "DELETE /projects/{project_id}": 409,  # the first stays
    "PUT /campaigns/{campaign_id}/national-lists": 404,  # there is none
    "DELETE /national-lists/{name}": 404,
    "DELETE /caller-ids/{number}": 404,
    "POST /agents/{agent_id}/pause": 409,  # not signed in
    "POST /agents/{agent_id}/ready": 409,
    "POST /agents/{agent_id}/sign-out": 409,
    "POST /agents/{agent_id}/hang-up": 409,
    "POST /agents/{agent_id}/message": 409,
    "POST /agents/{agent_id}/supervise": 409,
    "GET /agents/{agent_id}/figures": 422,  # since when?
    "DELETE /phones/{endpoint}": 404,
    "DELETE /pause-reasons/{code}": 404,
    "DELETE /campaigns/{campaign_id}/contacts/{contact_id}/callback": 404,
    "GET /recordings": 422,  # of which attempt?
    "GET /recordings/{name}": 404,
    "DELETE /sessions/{session_id}": 404,
    "GET /strategies/{name}": 404,
    "GET /segments/{name}": 404,
    "DELETE /segments/{name}": 404,
    "GET /segments/{name}/count": 404,
    "GET /segments/{name}/contacts": 404,
    "GET /segments/{name}/contacts.csv": 404,
    "POST /fix-tasks/{task_id}/mend": 404,
    "POST /fix-tasks/{task_id}/close": 404,
    "POST /campaigns/{campaign_id}/segments/{name}/attach": 404,
    "POST /campaigns/{campaign_id}/segments/{name}/requeue": 404,
    **{f"{what} /webhooks/{{webhook_id}}": 404 for what in ("GET", "PUT", "DELETE")},
    **{f"POST /webhooks/{{webhook_id}}/{what}": 404 for what in ("secret", "test", "redeliver")},
    "GET /webhooks/{webhook_id}/deliveries": 404,
    "PUT /agent-groups/{group_id}": 404,
    "DELETE /agent-groups/{group_id}": 404,
    "DELETE /strategies/{name}": 404,
}


def path_of(row: Route) -> str:
    return PREFIX + re.sub(r"\{(\w+)\}", lambda found: PLACES[found.group(1)], row.path)


async def furnished(site: Site) -> None:
    """One of everything, so that there is something to answer with; the first key belongs to an agent."""
    await site.add_key(Role.AGENT)
    await site.add_campaign(contacts=3)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
async def test_a_route_answers_as_documented(site: Site, row: Route) -> None:
    await furnished(site)
    name = f"{row.method} {row.path}"
    async with site.program(row.role) as http:
        answer = await http.request(row.method, path_of(row), json=BODIES.get(name))
        assert answer.status == EXPECTED_STATUS.get(name, row.status), await answer.text()
        if answer.status >= 400:
            await a_problem(answer)
        elif row.answer is not None:
            check(await answer.json(), operation(row)["responses"][str(answer.status)]["content"]["application/json"])


@pytest.mark.parametrize("row", [row for row in ROWS if row.role is not Role.AGENT], ids=lambda row: row.work.__name__)
async def test_a_smaller_role_is_refused(site: Site, row: Route) -> None:
    await furnished(site)
    for role in [role for role in Role if RANK[role] < RANK[row.role]]:
        async with site.program(role) as http:
            answer = await http.request(row.method, path_of(row), json=BODIES.get(f"{row.method} {row.path}"))
            assert answer.status == 403
            assert (await a_problem(answer))["code"] == "forbidden"


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.work.__name__)
async def test_a_body_that_does_not_fit_is_told_with_its_place(site: Site, row: Route) -> None:
    await furnished(site)
    good = BODIES[f"{row.method} {row.path}"]
    async with site.program() as http:
        extra = await http.request(row.method, path_of(row), json=good | {"surprise": 1})
        assert extra.status == 422
        assert [one["place"] for one in (await a_problem(extra))["errors"]] == ["surprise"]
        for key in good:
            odds: tuple[Any, ...] = (None, {}, [[]], -1, "\x00", "=1+1" * 100_000, 10**30, True)
            for odd in odds:
                answer = await http.request(row.method, path_of(row), json=good | {key: odd})
                assert answer.status in (422, 413), (key, odd if not isinstance(odd, str) else odd[:10])
                problem = await a_problem(answer)
                if answer.status == 422 and problem["code"] == "invalid" and "errors" in problem:
                    assert all(one["place"].split(".")[0] == key for one in problem["errors"]), problem


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.work.__name__)
async def test_odd_bodies_are_never_an_error_of_ours(site: Site, row: Route) -> None:
    bodies = [
        b"", b"{", b"null", b"[]", b'"text"', b"[" * 200_000, b'{"a":' * 100_000, b'{"name": "\xff\xfe"}',
        b'{"name": ' + b"9" * 10_000 + b"}", b'{"name": "\\ud800"}', b'{"name": NaN}', b"\x00" * 100,
        b'{"name": "' + b"x" * 2_000_000 + b'"}', '{"name": "a"}'.encode("utf-16"),
    ]  # fmt: skip
    async with site.program() as http:
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            answer = await http.request(row.method, path_of(row), data=body, headers=headers)
            assert answer.status in (400, 413, 422), body[:20]
            await a_problem(answer)
        plain = await http.request(row.method, path_of(row), data=b"{}", headers={"Content-Type": "text/plain"})
        assert plain.status == 415


@pytest.mark.parametrize(
    "odd", ["%00", "%FF", "%F0%9F%98%80", "..%2F..", "9" * 10_000, "-1", "1;5", "%E2%80%AE1", "'--"]
)
async def test_odd_addresses_are_never_an_error_of_ours(site: Site, odd: str) -> None:
    from yarl import URL

    await furnished(site)
    async with site.program() as http:
        for row in ROWS:
            if "{" in row.path:
                path = PREFIX + re.sub(r"\{\w+\}", lambda _: odd, row.path)
                answer = await http.request(
                    row.method, URL(site.url + path, encoded=True), json=BODIES.get(f"{row.method} {row.path}")
                )
                assert answer.status in (400, 404, 422), (row.path, answer.status)
        for query in (f"after={odd}", f"limit={odd}", f"before={odd}", f"campaign={odd}", f"surprise={odd}"):
            for path in ("/dnc", "/attempts", "/lists/1/contacts"):
                answer = await http.get(URL(f"{site.url}{PREFIX}{path}?{query}", encoded=True))
                assert answer.status in (200, 400, 422), (path, query[:30])


async def test_contacts_that_are_done_are_called_again_on_demand(site: Site) -> None:
    await furnished(site)
    done = "UPDATE campaign_contacts SET status = 'dangling', due_at_ms = NULL WHERE contact_id > 1"
    await site.store.write(lambda conn: conn.exec_driver_sql(done))
    counted = "UPDATE tallies SET count = 1 WHERE kind = 'status'"
    more = "INSERT INTO tallies (campaign_id, kind, key, count) VALUES (1, 'status', 'dangling', 2)"
    for statement in (counted, more):
        await site.store.write(Connection.exec_driver_sql, statement)
    path = f"{PREFIX}/campaigns/1/requeue"
    async with site.program() as http:
        one = await http.post(path, json={"contact": 2})
        assert (one.status, await one.json()) == (200, {"returned": 1})
        for returned in (1, 0):
            others = await http.post(path, json={"status": "dangling"})
            assert (others.status, await others.json()) == (200, {"returned": returned})
        progress = (await (await http.get(f"{PREFIX}/campaigns/1")).json())["progress"]
        assert progress["statuses"] == {"pending": 3}
        barred = "UPDATE campaign_contacts SET status = 'do-not-call' WHERE contact_id = 3"
        await site.store.write(lambda conn: conn.exec_driver_sql(barred))
        for body, status in (({"contact": 3}, 409), ({"contact": 99}, 404), ({"status": "do-not-call"}, 422)):
            refused = await http.post(path, json=body)
            assert refused.status == status
            await a_problem(refused)
        assert (await http.post(f"{PREFIX}/campaigns/99/requeue", json={})).status == 404


async def test_unknown_addresses_and_methods_are_problems_too(site: Site) -> None:
    async with site.program() as http:
        nothing = await http.get(f"{PREFIX}/nothing")
        assert (nothing.status, (await a_problem(nothing))["code"]) == (404, "not_found")
        wrong = await http.patch(f"{PREFIX}/trunks")
        assert (wrong.status, (await a_problem(wrong))["code"]) == (405, "method_not_allowed")
        assert "GET" in wrong.headers["Allow"]


async def test_a_database_that_is_gone_is_503_and_not_a_traceback(site: Site) -> None:
    async with site.program() as http:
        await site.store.close()
        answer = await http.get(f"{PREFIX}/trunks")
        assert (answer.status, (await a_problem(answer))["code"]) == (503, "store_unavailable")


async def test_a_bad_flow_is_refused_with_every_line(site: Site) -> None:
    source = FLOW.replace("type: menu", "type: menue").replace("type: opt_out", "type: opted")
    async with site.program() as http:
        answer = await http.post(f"{PREFIX}/flows", json={"name": "bad", "source": source})
        problem = await a_problem(answer)
        assert (answer.status, problem["code"]) == (422, "bad_flow")
        assert len(problem["errors"]) >= 2
        assert await (await http.get(f"{PREFIX}/flows")).json() == []


async def test_a_list_is_uploaded_and_the_same_file_again_changes_nothing(site: Site) -> None:
    sheet = "name,phone\nAnna,07700 900123\nBoris,12-3\n"
    async with site.program() as http:
        await http.post(f"{PREFIX}/lists", json={"name": "Customers", "country": "GB"})
        for imported, duplicates in ((1, 0), (0, 1)):
            form = aiohttp.FormData()
            form.add_field("file", sheet, filename="customers.csv")
            report = await (await http.post(f"{PREFIX}/lists/1/import", data=form)).json()
            assert (report["imported"], report["duplicates"]) == (imported, duplicates), report
        page = await (await http.get(f"{PREFIX}/lists/1/contacts")).json()
        assert [one["name"] for one in page if one["phones"]] == ["Anna"]


@pytest.mark.parametrize(
    "name", ["", "..", "/", "a\u202eb.csv", "é" * 300 + ".csv", "C:\\x\\y.csv", "../../etc/cron.d/x.csv"]
)
async def test_odd_names_of_uploads_are_harmless(site: Site, name: str) -> None:
    async with site.program() as http:
        await http.post(f"{PREFIX}/lists", json={"name": "Customers", "country": "GB"})
        form = aiohttp.FormData(quote_fields=True)
        form.add_field("file", "name,phone\nAnna,07700900123\n", filename=name)
        answer = await http.post(f"{PREFIX}/lists/1/import", data=form)
        assert answer.status in (200, 422), await answer.text()


async def test_what_is_no_list_is_refused_with_a_reason(site: Site) -> None:
    async with site.program() as http:
        await http.post(f"{PREFIX}/lists", json={"name": "Customers", "country": "GB"})
        form = aiohttp.FormData()
        form.add_field("file", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, filename="customers.csv")
        answer = await http.post(f"{PREFIX}/lists/1/import", data=form)
        assert (answer.status, (await a_problem(answer))["code"]) == (422, "bad_file")
        boundary = {"Content-Type": "multipart/form-data; boundary=x"}
        for body in (b"", b"--x", b"--x\r\n\r\n", b"nonsense"):
            broken = await http.post(f"{PREFIX}/lists/1/import", data=body, headers=boundary)
            assert broken.status in (400, 422), body


async def test_a_campaign_lives_by_rest(site: Site) -> None:
    await site.add_campaign(contacts=2)
    async with site.program(Role.SUPERVISOR) as http:
        for verb, status in (("start", "running"), ("pause", "paused"), ("start", "running"), ("stop", "stopped")):
            answer = await http.post(f"{PREFIX}/campaigns/1/{verb}")
            assert (await answer.json())["status"] == status
        again = await http.post(f"{PREFIX}/campaigns/1/stop")
        assert (again.status, (await a_problem(again))["code"]) == (409, "not_now")


async def test_a_predictive_campaign_by_rest(site: Site) -> None:
    await site.add_campaign(contacts=2)
    pacing = {"abandonment_target": 0.02, "window_ms": 3_600_000, "guard": "window", "fixed_ratio": 2.5,
              "min_ring_ms": 0, "calls_per_agent": 5.0, "cool_down_ms": 0,
              "machine_error": 0.02, "signals": ["line", "history"]}  # fmt: skip
    body = CAMPAIGN | {"flow_id": 0, "mode": "predictive", "agents": {"pacing": pacing}}
    async with site.program(Role.SUPERVISOR) as http:
        made = await http.post(f"{PREFIX}/campaigns", json=body)
        told = await made.json()
        assert (made.status, told["mode"], told["agents"]["pacing"]) == (201, "predictive", pacing)
        path = f"{PREFIX}/campaigns/{told['id']}"
        assert told["calls"]["pacing"] is None, "nothing runs yet"
        running = await (await http.post(f"{path}/start")).json()
        assert running["calls"]["pacing"] == {
            "why": "", "answered": 0, "abandoned": 0, "abandonment": 0.0, "target": 0.02, "window_ms": 3_600_000,
            "budget_left": running["calls"]["pacing"]["budget_left"], "is_spent": False,
            "mistaken": 0.0,
        }  # fmt: skip
        check(running, operation(next(row for row in ROWS if row.path == "/campaigns/{campaign_id}"))["responses"]
              ["200"]["content"]["application/json"])  # fmt: skip
        steer = {"abandonment_target": 0.01, "fixed_ratio": 0, "calls_per_agent": 8}
        steered = await (await http.patch(path, json=steer)).json()
        assert steered["agents"]["pacing"] == pacing | steer
        assert (await (await http.patch(path, json={"mode": "progressive"})).json())["calls"]["pacing"] is None


@pytest.mark.parametrize(
    ("agents", "words"),
    [
        ({"pacing": {"abandonment_target": 0.05}}, "the law caps it at 3%"),
        ({"pacing": {"fixed_ratio": 0.5}}, "0 (learned from the list) or 1 to 10"),
        ({"pacing": {"min_ring_ms": 500}}, "10 to 60 seconds of ringing, or never (0)"),
        ({"pacing": {"window_ms": 1}}, "3600000"),
        ({"pacing": {"calls_per_agent": 51}}, "50"),
        ({"pacing": {"surprise": 1}}, "Extra inputs are not permitted"),
        ({"queue": "support"}, "leave the queue empty"),
        ({"connect_within_ms": 2_500}, "within 2 seconds"),
    ],
)
async def test_what_a_predictive_campaign_cannot_be_is_told(site: Site, agents: dict[str, Any], words: str) -> None:
    await site.add_campaign(contacts=2)
    async with site.program(Role.SUPERVISOR) as http:
        answer = await http.post(f"{PREFIX}/campaigns", json=CAMPAIGN | {"mode": "predictive", "agents": agents})
        problem = await a_problem(answer)
        assert (answer.status, words in problem["detail"]) == (422, True), problem
        if "pacing" in agents:
            [name] = agents["pacing"]
            assert [one["place"] for one in problem["errors"]] == [f"agents.pacing.{name}"]


async def test_a_name_that_is_taken_is_409(site: Site) -> None:
    await furnished(site)
    async with site.program() as http:
        taken = await http.post(f"{PREFIX}/campaigns", json=CAMPAIGN | {"name": "Reminders"})
        assert (taken.status, (await a_problem(taken))["code"]) == (409, "duplicate")


async def test_a_person_is_shut_out_and_let_in_again(site: Site) -> None:
    agent = await site.add_user("boris", Role.AGENT)
    async with site.program() as http:
        path = f"{PREFIX}/users/{agent.id}"
        assert (await (await http.patch(path, json={"is_disabled": True})).json())["is_disabled"] is True
        assert (await (await http.patch(path, json={"password": "another one"})).json())["is_disabled"] is True
        assert (await (await http.patch(path, json={"is_disabled": False})).json())["is_disabled"] is False
        known = await site.store.read(people.user_by_name, "boris")
        assert known is not None
        assert is_password("another one", known.password_hash)
        assert (await http.patch(f"{PREFIX}/users/99", json={"is_disabled": True})).status == 404


@pytest.mark.parametrize("body", [{}, {"is_disabled": None}, {"is_disabled": 1}, {"password": None}, {"role": "boss"}])
async def test_a_change_of_a_person_that_says_nothing_is_refused(site: Site, body: dict[str, Any]) -> None:
    agent = await site.add_user("boris", Role.AGENT)
    async with site.program() as http:
        answer = await http.patch(f"{PREFIX}/users/{agent.id}", json=body)
        assert (answer.status, (await a_problem(answer))["code"]) == (422, "invalid")


async def test_the_last_admin_who_may_sign_in_cannot_be_disabled(site: Site) -> None:
    first = await site.add_user("anna", Role.ADMIN)
    async with site.program() as http:
        second = (await (await http.get(f"{PREFIX}/users/me")).json())["id"]
        assert (await http.patch(f"{PREFIX}/users/{first.id}", json={"is_disabled": True})).status == 200
        refused = await http.patch(f"{PREFIX}/users/{second}", json={"is_disabled": True, "password": "another one"})
        assert (refused.status, (await a_problem(refused))["code"]) == (409, "last_admin")
        assert (await (await http.get(f"{PREFIX}/users/me")).json())["is_disabled"] is False


async def test_the_document_is_whole(site: Site) -> None:
    async with site.program(Role.AGENT) as http:
        document = await (await http.get(f"{PREFIX}/openapi.json")).json()
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == {(row.method, PREFIX + row.path) for row in ROWS}
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])
    patterns = set(re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(document)))
    assert {json.loads(f'"{one}"') for one in patterns} <= set(EXPECTED), "a pattern without words for people"


async def a_problem(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The answer as problem+json."""
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = await answer.json(content_type=None)
    assert problem["status"] == answer.status
    assert problem["code"]
    assert problem["detail"]
    assert "Traceback" not in problem["detail"]
    return problem


def operation(row: Route) -> dict[str, Any]:
    """What the document says of a route."""
    document: dict[str, Any] = rest.document()
    found: dict[str, Any] = document["paths"][PREFIX + row.path][row.method.lower()]
    return found


def check(value: Any, content: dict[str, Any]) -> None:
    """Compare names and types with the document's schema, deep."""
    schemas: dict[str, Any] = rest.document()["components"]["schemas"]  # type: ignore[index]

    def walk(value: Any, schema: dict[str, Any], place: str) -> None:
        if "$ref" in schema:
            walk(value, schemas[schema["$ref"].rsplit("/", 1)[1]], place)
        elif "anyOf" in schema:
            assert any(_fits(value, one) for one in schema["anyOf"]), place
        elif schema.get("type") == "array":
            assert isinstance(value, list), place
            for one in value:
                walk(one, schema["items"], place + "[]")
        elif "properties" in schema:
            assert set(schema.get("required", [])) <= set(value), place
            assert set(value) <= set(schema["properties"]) or schema.get("additionalProperties"), place
            for name, one in value.items():
                if name in schema["properties"]:
                    walk(one, schema["properties"][name], f"{place}.{name}")
        else:
            assert _fits(value, schema), (place, value, schema)

    def _fits(value: Any, schema: dict[str, Any]) -> bool:
        if "$ref" in schema:
            return isinstance(value, dict)
        kinds: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool,
                                 "null": type(None), "object": dict, "array": list}  # fmt: skip
        return isinstance(value, kinds[schema["type"]]) if "type" in schema else True

    walk(value, content["schema"], "answer")


async def test_rows_of_a_bulk_have_their_results_and_the_same_request_is_done_once(site: Site) -> None:
    await furnished(site)
    rows = [{"key": f"k{at}", "phones": [{"number": f"07700 9{at:05d}"}]} for at in range(1_200)]
    body = {"contacts": [*rows, {"key": "bad", "phones": [{"number": "12-3"}], "time_zone": "Mars"}]}
    async with site.program() as http:
        address, key = f"{PREFIX}/lists/1/contacts/bulk", {"Idempotency-Key": "night 1".replace(" ", "-")}
        first = await (await http.post(address, json=body, headers=key)).json()
        assert (first["created"], first["rejected"], len(first["rows"])) == (1_200, 1, 1_201)
        assert [one["field"] for one in first["rows"][-1]["problems"]] == ["phones.0", "time_zone"]
        again = await http.post(address, json=body, headers=key)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert await again.json() == first
        other = await http.post(address, json={"contacts": rows[:1]}, headers=key)
        assert (other.status, (await a_problem(other))["code"]) == (422, "key_used")
        unkeyed = await (await http.post(address, json=body)).json()
        assert (unkeyed["created"], unkeyed["unchanged"]) == (0, 1_200)
        odd = await http.post(address, json=body, headers={"Idempotency-Key": "x" * 200})
        assert odd.status == 422


async def test_more_rows_than_a_bulk_may_have_are_refused(site: Site) -> None:
    await furnished(site)
    async with site.program() as http:
        body = {"contacts": [{"key": str(at)} for at in range(10_001)]}
        answer = await http.post(f"{PREFIX}/lists/1/contacts/bulk", json=body)
        assert answer.status == 422


async def test_who_changed_what_of_a_contact_is_told(site: Site) -> None:
    await furnished(site)
    async with site.program() as http:
        seen = await (await http.get(f"{PREFIX}/contacts/1")).json()
        await http.patch(f"{PREFIX}/contacts/1", json={"name": "Ann", "seen_at_ms": seen["updated_at_ms"]})
        late = await http.patch(f"{PREFIX}/contacts/1", json={"name": "Bob", "seen_at_ms": seen["updated_at_ms"]})
        assert (late.status, (await a_problem(late))["code"]) == (409, "changed_meanwhile")
        changes = await (await http.get(f"{PREFIX}/contacts/1/changes")).json()
        assert [(one["who"], one["details"]) for one in changes["entries"]] == [
            ("admin of keys", {"field": "name", "before": "Contact 0", "after": "Ann"})
        ]
