"""REST: people who may sign in, and keys of programs."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from app.panel import shapes
from app.panel.passwords import hash_password, new_key, token_hash
from app.panel.routing import Call, Routes
from app.store import people
from app.store.agents import set_agent_profile
from app.store.errors import NotFound
from app.store.people import Role
from app.units import AgentId

routes = Routes()


@routes.add("GET", "/users", role=Role.ADMIN, answer=list[shapes.UserAnswer])
async def list_users(call: Call) -> list[shapes.UserAnswer]:
    """People who may sign in."""
    return [shapes.UserAnswer.of(user) for user in await call.store.read(people.list_users)]


@routes.add("POST", "/users", role=Role.ADMIN, body=shapes.UserBody, answer=shapes.UserAnswer, status=201)
async def create_user(call: Call) -> shapes.UserAnswer:
    """Add a person."""
    hashed = await asyncio.to_thread(hash_password, call.body.password)
    role = Role(call.body.role)
    now_ms = call.operations.now_ms

    def add(conn: Connection) -> people.User:
        user = people.add_user(conn, name=call.body.name, password_hash=hashed, role=role, now_ms=now_ms)
        set_agent_profile(conn, AgentId(user.id), skill=call.body.skill, language=call.body.language)
        return user

    made = await call.store.write(add)
    await call.operations.give_contacts()
    return shapes.UserAnswer.of(made)


@routes.add("GET", "/users/me", role=Role.AGENT, answer=shapes.UserAnswer)
async def get_me(call: Call) -> shapes.UserAnswer:
    """Who you are."""
    return shapes.UserAnswer.of(call.user)


@routes.add("PATCH", "/users/{user_id}", role=Role.ADMIN, body=shapes.UserChange, answer=shapes.UserAnswer)
async def change_user(call: Call) -> shapes.UserAnswer:
    """Disable or enable a person, set password, role, skill or language; the first three sign them out everywhere."""
    given, user_id = call.body.model_fields_set, call.number("user_id")
    hashed = await asyncio.to_thread(hash_password, call.body.password) if "password" in given else None

    def change(conn: Connection) -> people.User:
        set_agent_profile(
            conn,
            AgentId(user_id),
            skill=call.body.skill if "skill" in given else None,
            language=call.body.language if "language" in given else None,
        )
        return people.change_user(
            conn,
            user_id,
            is_disabled=call.body.is_disabled if "is_disabled" in given else None,
            password_hash=hashed,
            role=Role(call.body.role) if "role" in given else None,
        )

    changed = await call.store.write(change)
    await call.operations.give_contacts()
    return shapes.UserAnswer.of(changed)


@routes.add("GET", "/sessions", role=Role.AGENT, answer=list[shapes.SessionAnswer])
async def list_sessions(call: Call) -> list[shapes.SessionAnswer]:
    """Browsers that are signed in: yours, or everybody's for an admin."""
    whose = None if call.user.role is Role.ADMIN else call.user.id
    found = await call.store.read(people.list_sessions, call.operations.now_ms, whose)
    return [shapes.SessionAnswer.of(one) for one in found]


@routes.add("DELETE", "/sessions/{session_id}", role=Role.AGENT)
async def delete_session(call: Call) -> None:
    """Sign a browser out at once: one of yours, or any for an admin."""
    whose = None if call.user.role is Role.ADMIN else call.user.id
    found = await call.store.read(people.list_sessions, call.operations.now_ms, whose)
    session_id = call.text("session_id")
    if session_id not in {one.id for one in found}:
        raise NotFound("session", session_id[:40])
    await call.store.write(people.end_sign_in, session_id)


@routes.add("GET", "/apikeys", role=Role.AGENT, answer=list[shapes.KeyAnswer])
async def list_api_keys(call: Call) -> list[shapes.KeyAnswer]:
    """Your own API keys, without the keys themselves."""
    return [shapes.KeyAnswer.of(found) for found in await call.store.read(people.list_api_keys, call.user.id)]


@routes.add("POST", "/apikeys", role=Role.AGENT, body=shapes.KeyBody, answer=shapes.KeyAnswer, status=201)
async def create_api_key(call: Call) -> shapes.KeyAnswer:
    """Make an API key of your own; it is shown this once."""
    key = new_key()
    found = await call.store.write(
        people.add_api_key,
        user_id=call.user.id,
        name=call.body.name,
        key_hash=token_hash(key),
        now_ms=call.operations.now_ms,
    )
    return shapes.KeyAnswer.of(found, key)


@routes.add("DELETE", "/apikeys/{key_id}", role=Role.AGENT)
async def delete_api_key(call: Call) -> None:
    """Revoke an API key of your own."""
    key_id = call.number("key_id")
    mine = await call.store.read(people.list_api_keys, call.user.id)
    if key_id not in {found.id for found in mine}:
        raise NotFound("API key", key_id)
    await call.store.write(people.revoke_api_key, key_id, call.operations.now_ms)
