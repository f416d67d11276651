"""REST: people who may sign in, and keys of programs."""

from __future__ import annotations

import asyncio

from app.panel import shapes
from app.panel.passwords import hash_password, new_key, token_hash
from app.panel.routing import Call, Routes
from app.store import people
from app.store.errors import NotFound
from app.store.people import Role

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
    user = await call.store.write(
        people.add_user, name=call.body.name, password_hash=hashed, role=role, now_ms=call.operations.now_ms
    )
    return shapes.UserAnswer.of(user)


@routes.add("GET", "/users/me", role=Role.AGENT, answer=shapes.UserAnswer)
async def get_me(call: Call) -> shapes.UserAnswer:
    """Who you are."""
    return shapes.UserAnswer.of(call.user)


@routes.add("PATCH", "/users/{user_id}", role=Role.ADMIN, body=shapes.UserChange, answer=shapes.UserAnswer)
async def change_user(call: Call) -> shapes.UserAnswer:
    """Disable or enable a person, or set their password; they are signed out. The last admin cannot be disabled."""
    given = call.body.model_fields_set
    user = await call.store.write(
        people.change_user,
        call.number("user_id"),
        is_disabled=call.body.is_disabled if "is_disabled" in given else None,
        password_hash=await asyncio.to_thread(hash_password, call.body.password) if "password" in given else None,
    )
    return shapes.UserAnswer.of(user)


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
