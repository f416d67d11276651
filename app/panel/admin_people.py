"""The admin's pages about people: who may sign in, as what, and where they are signed in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from app.panel import trail
from app.panel.admin import MAX_NAME, AdminPages
from app.panel.doorkeeper import SESSION_MS, VISITOR, hash_of
from app.panel.forms import Form
from app.panel.language import LANGUAGES
from app.panel.passwords import hash_password
from app.store import audit, people
from app.store.agents import AgentProfile, agent_profile, set_agent_profile
from app.store.errors import Duplicate, LastAdmin, NotFound
from app.store.people import SIGN_IN_ID, Role, SignIn, User
from app.units import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRow:
    """A sign-in as the page lists it. used_at_ms: within some minutes."""

    id: str
    user_id: int
    user_name: str
    created_at_ms: int
    used_at_ms: int

    @classmethod
    def of(cls, found: SignIn) -> SignInRow:
        """A sign-in ends a fixed time after its last use."""
        return cls(
            id=found.id,
            user_id=found.user_id,
            user_name=found.user_name,
            created_at_ms=found.created_at_ms,
            used_at_ms=max(found.created_at_ms, found.expires_at_ms - SESSION_MS),
        )


class PeoplePages(AdminPages):
    """People and sign-ins."""

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        one = "/admin/users/{user_id:[0-9]{1,15}}"
        return (
            ("GET", "/admin", self._first),
            ("GET", "/admin/users", self._users),
            ("POST", "/admin/users", self._add_user),
            ("GET", one, self._user),
            ("POST", one, self._change_user),
            ("POST", one + "/sign-out", self._sign_out_user),
            ("GET", "/admin/sessions", self._sessions),
            ("POST", "/admin/sessions/{sign_in}/end", self._end_session),
        )

    async def _first(self, _request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/admin/users")

    async def _users(self, request: web.Request) -> web.StreamResponse:
        return await self._users_page(request, Form({"role": "agent", "skill": "0"}))

    async def _users_page(self, request: web.Request, form: Form, status: int = 200) -> web.Response:
        users = await self._store.read(people.list_users)
        profiles = [await self._store.read(agent_profile, AgentId(user.id)) for user in users]
        at_work = {int(one.agent_id) for one in self._operations.snapshot().agents}
        return self._pages.page(
            request, "admin_users.html", status=status, users=list(zip(users, profiles, strict=True)), at_work=at_work,
            form=form, saved="",
        )  # fmt: skip

    async def _add_user(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        name = form.text("name", least=1, most=MAX_NAME)
        password = form["password"]
        if not 8 <= len(password) <= 200:
            form.wrong("password", "a password has 8 to 200 characters")
        role, skill, language = form.choice("role", Role), form.whole("skill", 0, 100), _language(form)
        if form.is_good:
            hashed = await asyncio.to_thread(hash_password, password)
            now_ms = self._operations.now_ms
            details = {"name": name, "role": role.value}

            def add(conn: Connection) -> User:
                user = people.add_user(conn, name=name, password_hash=hashed, role=role, now_ms=now_ms)
                set_agent_profile(conn, AgentId(user.id), skill=skill, language=language)
                return user

            try:
                await self._audited(request, "added user", f"user {name}", details, add)
                await self._operations.give_contacts()
                return self._back("/admin/users")
            except Duplicate:
                form.wrong("name", "somebody has this name already; choose another")
        return await self._users_page(request, form, 422)

    async def _user(self, request: web.Request) -> web.StreamResponse:
        user = await self._store.read(people.user_by_id, _user_id(request))
        profile = await self._store.read(agent_profile, AgentId(user.id))
        given = {"role": user.role.value, "skill": str(profile.skill), "language": profile.language}
        return await self._user_page(request, user, Form(given | ({"is_disabled": "yes"} if user.is_disabled else {})))

    async def _user_page(self, request: web.Request, user: User, form: Form, status: int = 200) -> web.Response:
        found = await self._store.read(people.list_sessions, self._operations.now_ms, user.id)
        return self._pages.page(
            request, "admin_user.html", status=status, user=user, form=form, saved="",
            sessions=[SignInRow.of(one) for one in found], mine=_mine(request),
            audit=await self._store.read(audit.audit_page, subject=f"user {user.name}", limit=10),
        )  # fmt: skip

    async def _change_user(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        user = await self._store.read(people.user_by_id, _user_id(request))
        profile = await self._store.read(agent_profile, AgentId(user.id))
        role, skill, language = form.choice("role", Role), form.whole("skill", 0, 100), _language(form)
        password, is_disabled = form["password"], form.ticked("is_disabled")
        if password and not 8 <= len(password) <= 200:
            form.wrong("password", "a password has 8 to 200 characters")
        if user.id == request[VISITOR].user.id and is_disabled:
            form.wrong("is_disabled", "you cannot disable yourself; ask another admin")
        if form.is_good:
            details = trail.differences(_told_user(user, profile), _told_user_form(role, is_disabled, skill, language))
            details |= {"password": "changed"} if password else {}
            hashed = await asyncio.to_thread(hash_password, password) if password else None

            def change(conn: Connection) -> None:
                people.change_user(
                    conn,
                    user.id,
                    is_disabled=is_disabled if is_disabled != user.is_disabled else None,
                    password_hash=hashed,
                    role=role if role is not user.role else None,
                )
                set_agent_profile(conn, AgentId(user.id), skill=skill, language=language)

            try:
                if details:
                    await self._audited(request, "changed user", f"user {user.name}", details, change)
                    await self._operations.give_contacts()
                return self._back("/admin/users")
            except LastAdmin:
                form.wrong("", "nobody could administer Outring any more: this is the last admin")
        return await self._user_page(request, user, form, 422)

    async def _sign_out_user(self, request: web.Request) -> web.StreamResponse:
        user = await self._store.read(people.user_by_id, _user_id(request))
        await self._audited(
            request,
            "signed out everywhere",
            f"user {user.name}",
            {},
            lambda conn: people.end_sessions_of(conn, user.id),
        )
        return self._back(f"/admin/users/{user.id}")

    async def _sessions(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(people.list_sessions, self._operations.now_ms)
        rows = [SignInRow.of(one) for one in found]
        return self._pages.page(request, "admin_sessions.html", sessions=rows, mine=_mine(request))

    async def _end_session(self, request: web.Request) -> web.StreamResponse:
        sign_in = request.match_info["sign_in"]
        found = await self._store.read(people.list_sessions, self._operations.now_ms)
        row = next((one for one in found if one.id == sign_in), None)
        if row is None:
            raise NotFound("sign-in", sign_in[:40])
        subject = f"user {row.user_name}"
        await self._audited(request, "ended a sign-in", subject, {}, lambda conn: people.end_sign_in(conn, sign_in))
        return self._back("/admin/sessions")


def _user_id(request: web.Request) -> int:
    return int(request.match_info["user_id"])


def _mine(request: web.Request) -> str:
    """The sign-in that asks."""
    token = request[VISITOR].token
    return hash_of(token)[:SIGN_IN_ID] if token else ""


def _language(form: Form) -> str:
    return form.one_of("language", ("", *LANGUAGES)) if form["language"] else ""


def _told_user(user: User, profile: AgentProfile) -> dict[str, object]:
    return _told_user_form(user.role, user.is_disabled, profile.skill, profile.language)


def _told_user_form(role: Role, is_disabled: bool, skill: int, language: str) -> dict[str, object]:
    return {"role": role.value, "disabled": is_disabled, "skill": skill, "language": language}
