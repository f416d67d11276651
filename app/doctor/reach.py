"""The way to ARI, step by step: the port, HTTP, ARI, the password, what the user may do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import aiohttp

from app.asterisk.ari.errors import AriError, AriNotFound, AriUnauthorized
from app.asterisk.ari.operations import Resources
from app.asterisk.ari.request import checked_url
from app.asterisk.ari.rest import new_session
from app.doctor.finding import Finding, Step, bad, good, skipped, unknown
from app.doctor.subject import ANSWERS_WITHIN_S, Subject, setting

WAY: Final = (Step.REACHED, Step.HTTP, Step.ARI, Step.PASSWORD, Step.RIGHTS)
CONNECTS_WITHIN_S: Final = 3.0
HTTP_RELOAD: Final = "module reload http"
ARI_RELOAD: Final = "module reload res_ari.so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from an address over HTTP."""

    status: int
    server: str
    message: str
    is_json: bool


async def way_to_ari(subject: Subject) -> AsyncIterator[Finding]:
    """The steps up to a password that is taken; it ends at the first that fails."""
    if (problem := _bad_address(subject) or await _connect(subject)) is not None:
        yield problem
        return
    yield good(Step.REACHED, f"Something listens at {subject.host}, port {subject.port}.")
    url = f"{subject.settings.ari_url}/asterisk/ping"
    try:
        answer = await ask(subject, url)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        yield _no_http(subject, error)
        return
    yield good(Step.HTTP, f"It speaks HTTP and calls itself {answer.server or 'nothing'}.")
    if (problem := await _ari_problem(subject, answer)) is not None:
        yield problem
        return
    yield good(Step.ARI, f"ARI is there: {subject.settings.ari_url}.")
    if answer.status in (401, 403):
        yield _refused_password(subject)
        return
    yield good(Step.PASSWORD, f"Asterisk takes the password of the ARI user {subject.settings.ari_user!r}.")


async def rights(subject: Subject, ari: Resources) -> Finding:
    """Whether the user may change things: asks to remove a bridge that never was."""
    try:
        await ari.bridges.destroy(bridgeId="doctor-no-such-bridge")
    except AriNotFound:
        return good(Step.RIGHTS, f"The ARI user {subject.settings.ari_user!r} may place and steer calls.")
    except AriUnauthorized:
        user = subject.settings.ari_user
        return bad(
            Step.RIGHTS,
            f"The ARI user {user!r} may only look: calls cannot be placed.",
            mend=f"In [{user}] write `read_only = no`, then {subject.conf.reload(ARI_RELOAD)}",
            place=subject.conf.place("ari.conf", user, "read_only"),
        )
    except AriError as error:
        return unknown(Step.RIGHTS, f"Whether the ARI user may change things is not known: {error}.")
    return unknown(Step.RIGHTS, "Asterisk removed a bridge that never was; the user's rights are not known.")


def rest_of_way(reached: list[Finding]) -> list[Finding]:
    """The steps after the one that failed, as not checked."""
    done = {finding.step for finding in reached}
    return [skipped(step, "the step before it failed") for step in WAY if step not in done]


async def ask(subject: Subject, url: str) -> Answer:
    """One request as the ARI user. Raises aiohttp.ClientError, OSError or TimeoutError when no HTTP comes back."""
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S)
    async with (
        new_session(subject.settings.ari_user, subject.password, pool_limit=1) as session,
        session.get(url, allow_redirects=False, timeout=timeout) as reply,
    ):
        text = await reply.text(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    message = str(body.get("message", "")) if isinstance(body, dict) else ""
    server = reply.headers.get("Server", "")
    return Answer(status=reply.status, server=server, message=message, is_json=isinstance(body, dict))


def _bad_address(subject: Subject) -> Finding | None:
    try:
        checked_url(subject.settings.ari_url)
        is_address = subject.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        return bad(
            Step.REACHED,
            f"ari_url is not an address of ARI: {subject.settings.ari_url!r}.",
            mend='Write it like this: `ari_url = "http://127.0.0.1:8088/ari"`.',
            place=setting("ari_url"),
        )
    return None


async def _connect(subject: Subject) -> Finding | None:
    host, port = subject.host, subject.port
    try:
        async with asyncio.timeout(CONNECTS_WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except socket.gaierror:
        return bad(
            Step.REACHED,
            f"There is no machine named {host!r}.",
            mend='Write the address of Asterisk\'s machine; for this one: `ari_url = "http://127.0.0.1:8088/ari"`.',
            place=setting("ari_url"),
        )
    except TimeoutError:
        return bad(
            Step.REACHED,
            f"{host} does not answer at port {port} within {CONNECTS_WITHIN_S:g} s.",
            mend="Is the machine up, and does its firewall let this one in? There: asterisk -rx 'http show status'. "
            f"Is `ari_url` right: {setting('ari_url')}?",
            place=subject.conf.place("http.conf", "general", "bindaddr"),
        )
    except OSError as error:
        return _nothing_listens(subject, error)
    writer.close()
    return None


def _nothing_listens(subject: Subject, error: OSError) -> Finding:
    conf, port = subject.conf, subject.port
    configured = conf.line("http.conf", "general", "bindport")
    if configured and configured.value != str(port):
        url = f"{subject.url.scheme}://{subject.host}:{configured.value}{subject.url.path}"
        return bad(
            Step.REACHED,
            f"Nothing listens at {subject.host}, port {port}; Asterisk's web server is set to port {configured.value} "
            f"({configured}).",
            mend=f'Write `ari_url = "{url}"`.',
            place=setting("ari_url"),
        )
    return bad(
        Step.REACHED,
        f"Nothing listens at {subject.host}, port {port} ({_reason(error)}): Asterisk is not running, or its "
        "web server is off.",
        mend="Is it running? `asterisk -rx 'core show uptime'`. If so, in [general] write `enabled = yes`, "
        f"`bindaddr = 127.0.0.1`, `bindport = {port}`, then {conf.reload(HTTP_RELOAD)}",
        place=conf.place("http.conf", "general", "enabled"),
    )


def _reason(error: OSError) -> str:
    return "the connection was refused" if isinstance(error, ConnectionRefusedError) else str(error)


def _no_http(subject: Subject, error: BaseException) -> Finding:
    if isinstance(error, TimeoutError):
        return bad(
            Step.HTTP,
            f"{subject.host}, port {subject.port}, takes the connection and then says nothing: Asterisk hangs, or "
            "it is not Asterisk.",
            mend="Does the console answer? `asterisk -rx 'core show uptime'`. If not: systemctl restart asterisk. "
            f"Is it the right port? `ss -ltnp 'sport = :{subject.port}'` names who listens there.",
            place=setting("ari_url"),
        )
    return bad(
        Step.HTTP,
        f"What listens at {subject.host}, port {subject.port}, does not speak "
        f"{subject.url.scheme.upper()} ({type(error).__name__}).",
        mend="Write the port of Asterisk's web server into `ari_url`; `asterisk -rx 'http show status'` names it. "
        f"`ss -ltnp 'sport = :{subject.port}'` names who listens at the present one.",
        place=setting("ari_url"),
    )


async def _ari_problem(subject: Subject, answer: Answer) -> Finding | None:
    match answer:
        case Answer(status=200 | 401 | 403, is_json=True):
            return None
        case Answer(status=503, is_json=True):
            return bad(Step.ARI, "Asterisk is still starting.", mend="Wait a few seconds, then run: outring doctor")
        case Answer(is_json=True, message="Resource not found"):
            return None  # ARI without the module that answers a ping: the list of modules will say so
        case Answer(status=301 | 302 | 307 | 308):
            return _not_ari(subject, "a redirect to another address")
        case _ if not answer.server.startswith("Asterisk") and answer.status != 404:
            return _not_ari(subject, f"{answer.status} from {answer.server or 'an unnamed server'}")
        case _:
            return await _ari_missing(subject, answer)


def _not_ari(subject: Subject, what: str) -> Finding:
    return bad(
        Step.ARI,
        f"{subject.settings.ari_url} answers with {what}: this is not Asterisk's ARI.",
        mend="Write the address of Asterisk's own web server, with /ari at its end: "
        '`ari_url = "http://127.0.0.1:8088/ari"`.',
        place=setting("ari_url"),
    )


async def _ari_missing(subject: Subject, answer: Answer) -> Finding:
    if (elsewhere := await _ari_elsewhere(subject)) is not None:
        return bad(
            Step.ARI,
            f"ARI is not at {subject.settings.ari_url} but at {elsewhere}.",
            mend=f'Write `ari_url = "{elsewhere}"`.',
            place=setting("ari_url"),
        )
    conf = subject.conf
    turn_on = (
        "turn on “Enable the Asterisk REST Interface” under Settings → Advanced Settings, then "
        if (conf.is_freepbx)
        else "in [general] write `enabled = yes`, then "
    )
    return bad(
        Step.ARI,
        f"The web server is there, but it has no ARI at {subject.url.path} ({answer.status}).",
        mend="Is the module loaded? `asterisk -rx 'module load res_ari.so'`. Is ARI switched on? If not, "
        f"{turn_on}{conf.reload(ARI_RELOAD)}. `asterisk -rx 'http show status'` lists what the web server serves.",
        place=conf.place("ari.conf", "general", "enabled"),
    )


async def _ari_elsewhere(subject: Subject) -> str | None:
    """Where ARI is instead: behind the prefix of http.conf, or without one."""
    prefix = subject.conf.line("http.conf", "general", "prefix")
    root = f"{subject.url.scheme}://{subject.url.netloc}"
    for path in (f"/{prefix.value.strip('/')}/ari" if prefix else "/ari", "/ari", "/asterisk/ari"):
        if path != subject.url.path:
            try:
                answer = await ask(subject, f"{root}{path}/asterisk/ping")
            except (aiohttp.ClientError, OSError, TimeoutError):
                continue
            if answer.is_json and answer.status in (200, 401):
                return root + path
    return None


def _refused_password(subject: Subject) -> Finding:
    settings, conf = subject.settings, subject.conf
    user = settings.ari_user
    if not subject.password:
        return bad(
            Step.PASSWORD,
            "No ARI password is set, and Asterisk wants one.",
            mend=f'Write the password that [{user}] has in Asterisk\'s ari.conf: `ari_password = "…"`.',
            place=setting("ari_password"),
        )
    known = conf.lines("ari.conf", user)
    if not known and conf.lines("ari.conf", "general"):
        return bad(
            Step.PASSWORD,
            f"Asterisk refuses the ARI user {user!r}: no file it reads has a section [{user}].",
            mend=f"Write a section [{user}] with `type = user`, `read_only = no` and `password = …` (or include "
            f"outring/ari.conf, which has one), then {conf.reload(ARI_RELOAD)}",
            place=conf.place("ari.conf", user),
        )
    return bad(
        Step.PASSWORD,
        f"Asterisk refuses the password of the ARI user {user!r}.",
        mend=f"`password` in [{user}] and `ari_password` in {setting('ari_password')} must be the same (and `type = "
        f"user` must be there); then {conf.reload(ARI_RELOAD)}",
        place=conf.place("ari.conf", user, "password"),
    )
