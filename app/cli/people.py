"""`outring user` and `outring apikey`."""

from __future__ import annotations

import sys
import time

import click

from app.cli.shell import fail, json_option, run_async, say_json, settings
from app.panel.passwords import hash_password, new_key, token_hash
from app.store import SqlStore, StoreError, people

MIN_PASSWORD = 8


@click.group()
def user() -> None:
    """People who may sign in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in people.Role]), default="admin", show_default=True)
@click.option("--password", help="Asked for when left out; '-' reads one line from standard input.")
def add_user(name: str, role: str, password: str | None) -> None:
    """Add a user. The password has at least 8 characters and is kept as an argon2 hash."""
    if password == "-":
        password = sys.stdin.readline().rstrip("\n")
    elif password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not name.strip() or len(name) > 64:
        fail("a user's name has 1 to 64 characters", code=2)
    if len(password) < MIN_PASSWORD:
        fail(f"a password has at least {MIN_PASSWORD} characters", code=2)
    run_async(_add_user(name.strip(), role, hash_password(password)))
    click.echo(f"{name} may sign in as {role}")


async def _add_user(name: str, role: str, password_hash: str) -> None:
    async with await _store() as store:
        try:
            await store.write(
                people.add_user, name=name, password_hash=password_hash, role=people.Role(role), now_ms=_now_ms()
            )
        except StoreError as error:
            fail(str(error))


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """All users with their roles."""
    users = run_async(_users())
    if as_json:
        say_json([{"name": one.name, "role": one.role.value, "is_disabled": one.is_disabled} for one in users])
        return
    for one in users:
        click.echo(f"{one.name}\t{one.role.value}{' (disabled)' if one.is_disabled else ''}")


async def _users() -> list[people.User]:
    async with await _store() as store:
        return await store.read(people.list_users)


@click.group()
def apikey() -> None:
    """Keys for programs that use the REST interface."""


@apikey.command("add")
@click.argument("user_name")
@click.argument("name")
def add_key(user_name: str, name: str) -> None:
    """Make a key NAME that acts as USER_NAME. It is shown once; only its hash is kept."""
    click.echo(run_async(_add_key(user_name, name)))


async def _add_key(user_name: str, name: str) -> str:
    async with await _store() as store:
        found = await store.read(people.user_by_name, user_name)
        if found is None:
            fail(f"there is no user {user_name!r}; see outring user list")
        key = new_key()
        try:
            await store.write(
                people.add_api_key, user_id=found.id, name=name, key_hash=token_hash(key), now_ms=_now_ms()
            )
        except StoreError as error:
            fail(str(error))
        return key


async def _store() -> SqlStore:
    try:
        return await SqlStore.open(settings().database_url)
    except StoreError as error:
        fail(str(error))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
