"""REST: agents and what supervisors ask of them, phones, pause reasons, callbacks, recordings, the audit trail."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from app.agents import CALLBACK_WINDOW_MS, CallbackPlan, PauseReason, SpyMode
from app.panel import agent_shapes, shapes
from app.panel.admin_floor import put_reason_at
from app.panel.call_hours import hours_of
from app.panel.problems import Problem
from app.panel.recordings import recordings_of
from app.panel.routing import PREFIX, Call, Routes
from app.store import attempts, audit, callbacks, pauses, people, phones
from app.store.agents import agent_figures
from app.store.errors import NotFound
from app.store.people import Role
from app.units import AgentId, AttemptId, CampaignId, ContactId

routes = Routes()

# --- agents ----------------------------------------------------------------------------------------------------------


@routes.add("GET", "/agents", answer=list[agent_shapes.AgentAnswer])
async def list_agents(call: Call) -> list[agent_shapes.AgentAnswer]:
    """Everybody who may work as an agent, with what they do now."""
    at_work = {int(one.agent_id): one for one in call.operations.snapshot().agents}
    users = await call.store.read(people.list_users)
    return [
        agent_shapes.AgentAnswer.of(at_work[user.id]) if user.id in at_work else agent_shapes.AgentAnswer.away(user)
        for user in users
        if user.id in at_work or not user.is_disabled
    ]


@routes.add("GET", "/agents/{agent_id}", answer=agent_shapes.AgentAnswer)
async def get_agent(call: Call) -> agent_shapes.AgentAnswer:
    """One agent now."""
    picture = call.agents.picture(_agent(call))
    if picture is not None:
        return agent_shapes.AgentAnswer.of(picture)
    return agent_shapes.AgentAnswer.away(await call.store.read(people.user_by_id, int(_agent(call))))


@routes.add("GET", "/agents/{agent_id}/figures", query=agent_shapes.FiguresQuery, answer=agent_shapes.FiguresAnswer)
async def get_agent_figures(call: Call) -> agent_shapes.FiguresAnswer:
    """Calls, talk and time by state of an agent since a moment."""
    await call.store.read(people.user_by_id, int(_agent(call)))
    found = await call.store.read(
        agent_figures, _agent(call), since_ms=call.query.since_ms, now_ms=call.operations.now_ms
    )
    return agent_shapes.FiguresAnswer.of(found)


@routes.add("POST", "/agents/{agent_id}/pause", body=agent_shapes.PauseBody, is_noted=False)
async def pause_agent(call: Call) -> None:
    """Pause an agent: now, or after the call they are in."""
    reason = await call.store.read(pauses.get_pause_reason, call.body.reason)
    await call.agents.force_pause(call.user, _agent(call), reason)


@routes.add("POST", "/agents/{agent_id}/ready", is_noted=False)
async def make_agent_ready(call: Call) -> None:
    """Make an agent available."""
    await call.agents.force_ready(call.user, _agent(call))


@routes.add("POST", "/agents/{agent_id}/sign-out", is_noted=False)
async def sign_agent_out(call: Call) -> None:
    """Sign an agent out: now, or after the call they are in."""
    await call.agents.force_sign_out(call.user, _agent(call))


@routes.add("POST", "/agents/{agent_id}/hang-up", body=agent_shapes.HangUpBody, is_noted=False)
async def end_agents_call(call: Call) -> None:
    """End the call an agent is in, for a reason that is written down."""
    await call.agents.force_hang_up(call.user, _agent(call), call.body.reason)


@routes.add("POST", "/agents/{agent_id}/message", body=agent_shapes.MessageBody, is_noted=False)
async def message_agent(call: Call) -> None:
    """Show a line on an agent's screen."""
    await call.agents.message(call.user, _agent(call), call.body.text)


@routes.add("POST", "/messages", body=agent_shapes.MessageAllBody, is_noted=False)
async def message_everybody(call: Call) -> None:
    """Show a line on everybody's screen."""
    await call.agents.message(call.user, None, call.body.text)


@routes.add("POST", "/agents/{agent_id}/supervise", body=agent_shapes.SuperviseBody, is_noted=False)
async def supervise_agent(call: Call) -> None:
    """Listen to an agent, whisper to them or join their call: your phone is rung once, later asks switch the mode."""
    await call.agents.supervise(call.user, _agent(call), call.body.phone, SpyMode(call.body.mode))


@routes.add("DELETE", "/supervision", is_noted=False)
async def end_supervision(call: Call) -> None:
    """Leave the call you supervise."""
    await call.agents.end_supervision(call.user)


def _agent(call: Call) -> AgentId:
    return AgentId(call.number("agent_id"))


# --- phones ----------------------------------------------------------------------------------------------------------


@routes.add("GET", "/phones", answer=list[agent_shapes.PhoneAnswer])
async def list_phones(call: Call) -> list[agent_shapes.PhoneAnswer]:
    """The phones agents and supervisors sit at."""
    return [agent_shapes.PhoneAnswer.of(phone) for phone in await call.store.read(phones.list_phones)]


@routes.add("PUT", "/phones/{endpoint}", role=Role.ADMIN, body=agent_shapes.PhoneBody, answer=agent_shapes.PhoneAnswer)
async def put_phone(call: Call) -> agent_shapes.PhoneAnswer:
    """Add or change a phone; the name in the address is its PJSIP endpoint."""
    phone = call.body.phone(_endpoint(call))
    await call.store.write(phones.put_phone, phone)
    return agent_shapes.PhoneAnswer.of(phone)


@routes.add("DELETE", "/phones/{endpoint}", role=Role.ADMIN)
async def delete_phone(call: Call) -> None:
    """Forget a phone; who sits at it works on."""
    await call.store.write(phones.remove_phone, _endpoint(call))


def _endpoint(call: Call) -> str:
    text = call.text("endpoint")
    if not shapes.is_word(text):
        raise Problem(422, "invalid", f"{text[:40]!r} is no phone's endpoint: {shapes.WORD_WORDS}")
    return text


# --- pause reasons ---------------------------------------------------------------------------------------------------


@routes.add("GET", "/pause-reasons", role=Role.AGENT, answer=list[agent_shapes.PauseReasonAnswer])
async def list_pause_reasons(call: Call) -> list[agent_shapes.PauseReasonAnswer]:
    """The reasons for pauses, in the order they are shown."""
    return [agent_shapes.PauseReasonAnswer.of(one) for one in await call.store.read(pauses.list_pause_reasons)]


@routes.add(
    "PUT",
    "/pause-reasons/{code}",
    role=Role.ADMIN,
    body=agent_shapes.PauseReasonBody,
    answer=agent_shapes.PauseReasonAnswer,
)
async def put_pause_reason(call: Call) -> agent_shapes.PauseReasonAnswer:
    """Add or change a reason for pauses."""
    code = call.text("code")
    try:
        agent_shapes.PauseBody(reason=code)
    except ValueError as error:
        raise Problem(422, "invalid", f"{code[:40]!r} is no code: 1 to 32 small letters, digits and hyphens") from error
    body = call.body
    reason = PauseReason(code=code, label=body.label, is_paid=body.is_paid, limit_ms=body.limit_ms)

    def put(conn: Connection) -> None:
        if body.position is None:
            pauses.put_pause_reason(conn, reason)
        else:
            put_reason_at(conn, reason, body.position)

    await call.store.write(put)
    return agent_shapes.PauseReasonAnswer.of(reason)


@routes.add("DELETE", "/pause-reasons/{code}", role=Role.ADMIN)
async def delete_pause_reason(call: Call) -> None:
    """Take a reason off the list; time that was spent on it stays written down."""
    await call.store.write(pauses.remove_pause_reason, call.word("code"))


# --- callbacks -------------------------------------------------------------------------------------------------------


@routes.add("GET", "/callbacks", query=agent_shapes.CallbacksQuery, answer=list[agent_shapes.CallbackAnswer])
async def list_callbacks(call: Call) -> list[agent_shapes.CallbackAnswer]:
    """Promises to call somebody that wait, the earliest first."""
    query = call.query
    page = await call.store.read(
        callbacks.callbacks_page,
        campaign_id=query.campaign,
        agent_id=query.agent,
        from_ms=query.from_ms,
        limit=query.limit,
    )
    return [agent_shapes.CallbackAnswer.of(one) for one in page.callbacks]


@routes.add(
    "PUT",
    "/campaigns/{campaign_id}/contacts/{contact_id}/callback",
    body=agent_shapes.CallbackBody,
    answer=agent_shapes.CallbackAnswer,
)
async def put_callback(call: Call) -> agent_shapes.CallbackAnswer:
    """Promise a call, or move a promise to another time or agent."""
    body = call.body
    agent_id = None if body.agent_id is None else AgentId(body.agent_id)
    if agent_id is not None:
        await call.store.read(people.user_by_id, int(agent_id))
    until_ms = body.until_ms or body.at_ms + (CALLBACK_WINDOW_MS if agent_id is not None else 0)
    plan = CallbackPlan(at_ms=body.at_ms, agent_id=agent_id, until_ms=until_ms)
    await _check_hours(call, body.at_ms)
    found = await call.store.write(callbacks.book_callback, *_place(call), plan)
    call.operations.contacts_added([_place(call)[0]])
    return agent_shapes.CallbackAnswer.of(found)


async def _check_hours(call: Call, at_ms: int) -> None:
    """Whether the campaign's law lets the contact be called then. Raises Problem with the nearest time it allows."""
    campaign_id, contact_id = _place(call)
    place = await call.store.read(callbacks.phone_in_turn, campaign_id, contact_id)
    if not place:
        return  # no number: the booking itself says so
    now_ms = call.operations.now_ms
    try:
        hours = await call.store.read(hours_of, call.store.lawbook, campaign_id, contact_id, place, now_ms)
    except ValueError as error:
        raise Problem(409, "not_allowed", f"the campaign's compliance profile cannot be used: {error}") from error
    if hours.may(max(at_ms, now_ms)):
        return
    nearest_ms = hours.nearest(at_ms, now_ms)
    told = "waiting does not help" if nearest_ms is None else f"the nearest time that is allowed: at_ms {nearest_ms}"
    raise Problem(409, "not_allowed", f"at that time they may not be called: {hours.why(max(at_ms, now_ms))}; {told}")


@routes.add("DELETE", "/campaigns/{campaign_id}/contacts/{contact_id}/callback")
async def delete_callback(call: Call) -> None:
    """Take a promise back; the contact waits as everybody does."""

    def cancel(conn: Connection) -> None:
        callbacks.cancel_callback(conn, *_place(call), is_done=False)

    await call.store.write(cancel)


def _place(call: Call) -> tuple[CampaignId, ContactId]:
    return CampaignId(call.number("campaign_id")), ContactId(call.number("contact_id"))


# --- recordings and the trail ----------------------------------------------------------------------------------------


@routes.add("GET", "/recordings", query=agent_shapes.RecordingsQuery, answer=list[agent_shapes.RecordingAnswer])
async def list_recordings(call: Call) -> list[agent_shapes.RecordingAnswer]:
    """The recordings of an attempt."""
    entry = await call.store.read(attempts.get_attempt, AttemptId(call.query.attempt))
    return [
        agent_shapes.RecordingAnswer(name=name, attempt_id=entry.attempt_id, path=f"{PREFIX}/recordings/{name}")
        for name in recordings_of(entry)
    ]


@routes.add("GET", "/recordings/{name}", answer=Any, media="audio/wav")
async def get_recording(call: Call) -> web.StreamResponse:
    """A recording as WAV, whole or the range that is asked for. That you listened is written into the audit trail."""
    name = call.text("name")
    if len(name) > 200:
        raise NotFound("recording", name[:60])
    return await call.play(call.request, name, call.user)


@routes.add("GET", "/audit", role=Role.ADMIN, query=agent_shapes.AuditQuery, answer=agent_shapes.AuditAnswer)
async def list_audit(call: Call) -> agent_shapes.AuditAnswer:
    """Who did what, newest first."""
    query = call.query
    page = await call.store.read(
        audit.audit_page,
        who=query.who,
        what=query.what,
        subject=query.subject,
        before=query.before,
        limit=query.limit,
    )
    return agent_shapes.AuditAnswer.of(page)
