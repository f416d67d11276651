"""`outring user` and `outring apikey`."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

import click

from app.cli.shell import fail, iso_utc, json_option, run_async, say_json, settings
from app.panel.passwords import MIN_LENGTH, hash_password, new_key, token_hash
from app.store import SqlStore, StoreError, people

password_option = click.option("--password", help="Asked for when left out; '-' reads one line from standard input.")


@click.group()
def user() -> None:
    """People who may sign in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in people.Role]), default="admin", show_default=True)
@password_option
def add_user(name: str, role: str, password: str | None) -> None:
    """Add a user. The password has at least 8 characters and is kept as an argon2 hash."""
    if not name.strip() or len(name) > 64:
        fail("a user's name has 1 to 64 characters", code=2)
    run_async(_add_user(name.strip(), role, hash_password(_chosen(password))))
    click.echo(f"{name} may sign in as {role}")


def _chosen(password: str | None) -> str:
    """The password as given, from standard input, or asked for twice; the end when it is too short."""
    if password == "-":
        password = sys.stdin.readline().rstrip("\n")
    elif password is None:
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    if len(password) < MIN_LENGTH:
        fail(f"a password has at least {MIN_LENGTH} characters", code=2)
    return password


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


@user.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Shut NAME out, at once: sign-in, sessions and API keys. The last admin cannot be disabled."""
    run_async(_change(name, is_disabled=True))
    click.echo(f"{name} is shut out; their API keys do not work either")


@user.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let NAME in again, with the password and the API keys they had."""
    run_async(_change(name, is_disabled=False))
    click.echo(f"{name} may sign in again")


@user.command("password")
@click.argument("name")
@password_option
def change_password(name: str, password: str | None) -> None:
    """Set a new password for NAME, who is signed out everywhere. API keys go on working."""
    run_async(_change(name))
    run_async(_change(name, password_hash=hash_password(_chosen(password))))
    click.echo(f"{name} has a new password and is signed out")


async def _change(name: str, *, is_disabled: bool | None = None, password_hash: str | None = None) -> None:
    """With nothing to change: only whether there is such a person."""
    async with await _store() as store:
        found = await _known(store, name)
        try:
            await store.write(people.change_user, found.id, is_disabled=is_disabled, password_hash=password_hash)
        except StoreError as error:
            fail(str(error))


async def _known(store: SqlStore, name: str) -> people.User:
    found = await store.read(people.user_by_name, name)
    if found is None:
        fail(f"there is no user {name!r}; see outring user list")
    return found


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
        found = await _known(store, user_name)
        key = new_key()
        try:
            await store.write(
                people.add_api_key, user_id=found.id, name=name, key_hash=token_hash(key), now_ms=_now_ms()
            )
        except StoreError as error:
            fail(str(error))
        return key


@apikey.command("list")
@click.argument("user_name", required=False)
@json_option
def list_keys(user_name: str | None, as_json: bool) -> None:
    """The keys of USER_NAME, or everybody's, oldest first. The keys themselves are kept nowhere."""
    keys = run_async(_keys(user_name))
    if as_json:
        say_json([asdict(key) for key in keys])
        return
    for key in keys:
        revoked = "" if key.revoked_at_ms is None else f", revoked {iso_utc(key.revoked_at_ms)}"
        click.echo(f"{key.user_name}\t{key.name}\tmade {iso_utc(key.created_at_ms)}{revoked}")


@apikey.command("revoke")
@click.argument("user_name")
@click.argument("name")
def revoke_key(user_name: str, name: str) -> None:
    """Make the key NAME of USER_NAME useless, at once and for good."""
    run_async(_revoke(user_name, name))
    click.echo(f"the key {name!r} of {user_name} is revoked")


async def _keys(user_name: str | None) -> list[people.ApiKey]:
    async with await _store() as store:
        owner = None if user_name is None else (await _known(store, user_name)).id
        return await store.read(people.list_api_keys, owner)


async def _revoke(user_name: str, name: str) -> None:
    async with await _store() as store:
        keys = await store.read(people.list_api_keys, (await _known(store, user_name)).id)
        found = next((key for key in keys if key.name == name), None)
        if found is None:
            fail(f"{user_name} has no API key {name!r}; see outring apikey list {user_name}")
        await store.write(people.revoke_api_key, found.id, _now_ms())


async def _store() -> SqlStore:
    try:
        return await SqlStore.open(settings().database_url)
    except StoreError as error:
        fail(str(error))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
