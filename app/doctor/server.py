"""Asterisk itself: its version, modules and clock, the name of the application, and how many connections it takes."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from app.asterisk.ari.errors import AriError
from app.asterisk.ari.operations import Resources
from app.doctor.finding import Finding, Step, bad, good, unknown
from app.doctor.listening import clients, is_connected_to_by_others
from app.doctor.modules import NEEDED, TIMING
from app.doctor.reach import HTTP_RELOAD
from app.doctor.subject import Subject, setting

OLDEST: Final = {20: 14, 22: 4}
"""The first version of each branch that has what Outring uses (REST over the websocket)."""
CONNECTIONS: Final = 120
"""More than the 100 that Asterisk takes unless it is told otherwise."""
BETWEEN_S: Final = 0.002
"""Asterisk's queue of new connections is short: past it, the kernel lets each wait for seconds."""
SETTLES_S: Final = 0.2
"""Asterisk drops a connection too many at once, in a millisecond or two."""
CLOCK_TOLERANCE_MS: Final = 2_000


async def freepbx(subject: Subject, ari: Resources) -> bool:
    """Whether FreePBX writes this Asterisk's files: it leaves its own folder in a global variable of the dialplan."""
    if subject.conf.is_freepbx:
        return True
    try:
        return bool((await ari.asterisk.getGlobalVar(variable="AMPBIN")).value)
    except AriError:
        return False


def freepbx_noticed() -> Finding:
    """What it means that FreePBX is there."""
    return good(
        Step.FREEPBX,
        "FreePBX writes this Asterisk's files: change things on its screens, or in the files that end in _custom.conf, "
        "which it leaves alone. docs/admin.md says which.",
    )


async def version(ari: Resources) -> Finding:
    """Whether this Asterisk is recent enough."""
    try:
        info = await ari.asterisk.getInfo(only=("system", "build"))
    except AriError as error:
        return unknown(Step.VERSION, f"The version of Asterisk is not known: {error}.")
    text = info.system.version if info.system else ""
    if is_recent(text):
        return good(Step.VERSION, f"Asterisk {text.split('+')[0]} has all that is needed.")
    return bad(
        Step.VERSION,
        f"Asterisk {text or 'of an unknown version'} is too old (or of a branch without long support).",
        mend="Install Asterisk 22.4 or later, or 20.14 or later of the 20 branch: see docs.asterisk.org, or your "
        "distribution's packages.",
    )


def is_recent(text: str) -> bool:
    """Whether a version as Asterisk tells it ("22.10.1+dfsg", "certified/20.7-cert3", "GIT-22-…") is recent enough."""
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None:
        return text.startswith("GIT")  # built from today's source
    major, minor = int(found[1]), int(found[2])
    return minor >= OLDEST[major] if major in OLDEST else major > max(OLDEST)


async def modules(subject: Subject, ari: Resources) -> AsyncIterator[Finding]:
    """Each module that is needed and not running."""
    try:
        running = {module.name for module in await ari.asterisk.listModules() if module.status == "Running"}
    except AriError as error:
        yield unknown(
            Step.MODULES,
            f"The modules of Asterisk are not known: {error}.",
            mend="Run: asterisk -rx 'module load res_ari_asterisk.so'",
        )
        return
    missing = [needed for needed in NEEDED if needed.name not in running]
    for needed in missing:
        yield _missing_module(subject, needed.name, f"({needed.purpose}) is not loaded: {needed.loss}.")
    if not running.intersection(TIMING):
        yield _missing_module(subject, TIMING[0], "(the beat of Asterisk) is not loaded, nor one like it: no sound.")
    elif not missing:
        yield good(Step.MODULES, f"All {len(NEEDED) + 1} modules that are needed are loaded.")


def _missing_module(subject: Subject, name: str, what: str) -> Finding:
    explicit = subject.conf.lines("modules.conf", "modules")
    forbidding = [line for line in explicit if line.key == "noload" and line.value == name]
    place = str(forbidding[-1]) if forbidding else subject.conf.place("modules.conf", "modules")
    line = f"remove the line `noload = {name}`" if forbidding else f"write `load = {name}` in [modules]"
    return bad(
        Step.MODULES,
        f"The module {name} {what}",
        mend=f"Run: asterisk -rx 'module load {name}'. For good: {line}.",
        place=place,
    )


async def application(subject: Subject, ari: Resources) -> Finding:
    """Whether the application's name is free: a second dialer under one name would take the calls of the first."""
    name = subject.settings.ari_app
    try:
        taken = name in {known.name for known in await ari.applications.list()}
    except AriError as error:
        return unknown(Step.APPLICATION, f"Whether the application's name {name!r} is free is not known: {error}.")
    if not taken:
        return good(Step.APPLICATION, f"The application's name {name!r} is free.")
    if not subject.is_local:
        return unknown(
            Step.APPLICATION,
            f"The application's name {name!r} is in use: by Outring itself, by another program, or left behind by one "
            "that ended; from another machine that cannot be told.",
            mend="See on that machine who is connected: ss -tnp 'sport = :8088'.",
        )
    if not is_connected_to_by_others(subject.port):
        return good(Step.APPLICATION, f"The application's name {name!r} was left behind by a program that ended: free.")
    holders = clients(subject.port)
    for pid, command in holders.items():
        if re.search(r"\boutring\b.*\b(run|demo|bench)\b", command):
            return good(Step.APPLICATION, f"The application's name {name!r} is held by Outring itself, process {pid}.")
    who = ", ".join(f"process {pid} ({command[:60]})" for pid, command in holders.items())
    return bad(
        Step.APPLICATION,
        f"Another program holds the application's name {name!r}" + (f": {who}." if who else "."),
        mend="End that program; or, if there are to be two, give this one another name, such as "
        f'`ari_app = "{name}2"`, and a dialplan context of its own with that name in its Stasis() lines.',
        place=setting("ari_app"),
    )


async def sessions(subject: Subject) -> Finding:
    """Whether the web server takes more connections than the scant 100 of its default: opens some, for a moment."""
    secure = ssl.create_default_context() if subject.url.scheme == "https" else None
    opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        async with asyncio.timeout(5):
            while len(opened) < CONNECTIONS:
                opened.append(await asyncio.open_connection(subject.host, subject.port, ssl=secure))
                await asyncio.sleep(BETWEEN_S)
        await asyncio.sleep(SETTLES_S)
        dropped = sum(reader.at_eof() or reader.exception() is not None for reader, _ in opened)
    except (OSError, TimeoutError) as error:
        return unknown(Step.SESSIONS, f"How many connections the web server takes is not known: {error!r}.")
    finally:
        for _, writer in opened:
            writer.transport.abort()
    if not dropped:
        return good(Step.SESSIONS, f"The web server took {CONNECTIONS} connections at once.")
    where = subject.conf.place("http.conf", "general", "sessionlimit")
    line = "set “Session Limit” to 1000" if subject.conf.is_freepbx else "in [general] write `sessionlimit = 1000`"
    return bad(
        Step.SESSIONS,
        f"The web server takes only about {CONNECTIONS - dropped} connections at once and drops others without a word.",
        mend=f"{line[0].upper()}{line[1:]}, then {subject.conf.reload(HTTP_RELOAD)}",
        place=where,
    )


async def clock(subject: Subject, ari: Resources) -> Finding:
    """Whether Asterisk's clock and ours agree: legal calling hours and reports hang on it."""
    before_ms = subject.now_ms()
    try:
        told = (await ari.asterisk.ping()).timestamp
    except AriError as error:
        return unknown(Step.CLOCK, f"Asterisk's clock is not known: {error}.")
    between_ms = (before_ms + subject.now_ms()) // 2
    try:
        apart_ms = round(datetime.fromisoformat(told).timestamp() * 1_000) - between_ms
    except ValueError:
        return unknown(Step.CLOCK, f"Asterisk tells its time in a way that is not understood: {told[:40]!r}.")
    if abs(apart_ms) <= CLOCK_TOLERANCE_MS:
        return good(Step.CLOCK, "Asterisk's clock and this machine's agree.")
    direction = "ahead of" if apart_ms > 0 else "behind"
    return bad(
        Step.CLOCK,
        f"Asterisk's clock is {abs(apart_ms) / 1_000:.0f} s {direction} this machine's: calling hours and reports "
        "would be wrong.",
        mend="On both machines run: timedatectl set-ntp true; then timedatectl shows “System clock synchronized: yes”.",
    )
