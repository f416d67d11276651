"""Who may open a page, and how an order given on a page is answered: with a page, or in words for its script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from app.panel.answers import Answer, problem_of
from app.panel.doorkeeper import VISITOR
from app.panel.language import Wording
from app.panel.problems import Problem
from app.panel.routing import RANK
from app.store.people import Role

_FOR: Final = {
    Role.SUPERVISOR: "this page is for supervisors; ask an admin to change your role",
    Role.ADMIN: "this page is for admins; ask one to change your role",
    Role.AGENT: "sign in first",
}


def only(role: Role) -> Callable[[Answer], Answer]:
    """Let a role and those above it in, and tell others whom a page is for."""

    def gate(answer: Answer) -> Answer:
        async def checked(request: web.Request) -> web.StreamResponse:
            if RANK[request[VISITOR].user.role] < RANK[role]:
                raise Problem(403, "forbidden", _FOR[role])
            return await answer(request)

        return checked

    return gate


def is_scripted(request: web.Request) -> bool:
    """Whether a script of ours asks, which wants words or a piece of a page instead of a whole one."""
    return request.headers.get("X-Requested-With") == "live"


def done(request: web.Request, then: str, words: str = "") -> web.Response:
    """What was asked is done: words for the script, a way back for everybody else."""
    if is_scripted(request):
        return web.json_response({"words": words}) if words else web.Response(status=204)
    return web.Response(status=303, headers={"Location": then})


def refused(request: web.Request, words: Wording, error: Exception) -> web.Response:
    """Why it was not done, for the script; raises what a page is to show instead, and what nobody expected."""
    problem = problem_of(error)
    if problem is None or not is_scripted(request):
        raise error
    return web.json_response({"words": words.say(problem.detail), "code": problem.code}, status=problem.status)
