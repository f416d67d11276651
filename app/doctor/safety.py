"""What is dangerous or slow whatever ARI says: an open web server, a weak password, a name that does not resolve."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from app.doctor.finding import Finding, Step, bad, good, skipped, unknown
from app.doctor.listening import is_open_to_others, listeners
from app.doctor.reach import ARI_RELOAD, CONNECTS_WITHIN_S, HTTP_RELOAD
from app.doctor.subject import Subject, setting
from app.store.audit_chain import ChainCheck

SHORTEST_PASSWORD: Final = 12
COMMON: Final = frozenset({"asterisk", "password", "secret", "admin", "changeme", "change-me", "outring", "freepbx"})
SLOW_S: Final = 0.5


def secrecy(subject: Subject) -> Finding:
    """Whether the ARI password could be guessed: it is as good as root on the PBX."""
    user = subject.settings.ari_user
    why = weakness(subject.password, user)
    if not why:
        return good(Step.SECRECY, "The ARI password is not one that is easily guessed.")
    return bad(
        Step.SECRECY,
        f"The ARI password can be guessed: {why}. Whoever has it can call anybody at your expense.",
        mend=f"Run: openssl rand -hex 24; write what it prints as `password` in [{user}] and as `ari_password` in "
        f"outring.toml; then {subject.conf.reload(ARI_RELOAD)}",
        place=f"{subject.conf.place('ari.conf', user, 'password')}; {setting('ari_password')}",
    )


def weakness(password: str, user: str) -> str:
    """Why a password can be guessed; empty when it is not easily."""
    if not password:
        return "it is empty"
    if password.lower() in COMMON:
        return f"it is {password!r}, as in the examples"
    if password.lower() == user.lower():
        return "it is the user's name"
    if len(password) < SHORTEST_PASSWORD or len(set(password)) < SHORTEST_PASSWORD // 2:
        return f"it is shorter than {SHORTEST_PASSWORD} characters, or of very few different ones"
    return ""


def exposure(subject: Subject) -> Finding:
    """Whether other machines can reach the web server of ARI."""
    conf, port = subject.conf, subject.port
    if not subject.is_local:
        if subject.url.scheme == "https":
            return good(Step.EXPOSURE, "ARI is on another machine, and reached by TLS.")
        return bad(
            Step.EXPOSURE,
            f"ARI is on another machine ({subject.host}) and is spoken to without TLS: the password can be read on the "
            "way, and the port is open to others.",
            mend="In [general] write `tlsenable = yes`, `tlsbindaddr = ADDRESS:8089`, `tlscertfile = FILE`, and in "
            'outring.toml `ari_url = "https://HOST:8089/ari"`; and let only this machine through the firewall.',
            place=conf.place("http.conf", "general", "tlsenable"),
        )
    addresses = listeners(port)
    if not addresses:
        return unknown(
            Step.EXPOSURE,
            "Whether other machines can reach the web server cannot be seen from here.",
            mend=f"Run: ss -ltn 'sport = :{port}'; it should say 127.0.0.1:{port}.",
        )
    opened = [address for address in addresses if is_open_to_others(address)]
    if not opened:
        return good(Step.EXPOSURE, f"The web server listens only to this machine ({', '.join(addresses)}).")
    line = "set “HTTP Bind Address” to 127.0.0.1" if conf.is_freepbx else "in [general] write `bindaddr = 127.0.0.1`"
    return bad(
        Step.EXPOSURE,
        f"The web server listens to the world ({', '.join(opened)}, port {port}): with the ARI password anybody calls "
        "at your expense.",
        mend=f"{line[0].upper()}{line[1:]}, then {conf.reload(HTTP_RELOAD)}. If browsers' phones need it open: close "
        f"port {port} in the firewall to all but them.",
        place=conf.place("http.conf", "general", "bindaddr"),
    )


async def host_name(subject: Subject, resolve: Callable[[str], str] = socket.gethostbyname) -> Finding:
    """Whether the machine's own name resolves: where it does not, each call takes seconds to be placed."""
    if not subject.is_local:
        return skipped(
            Step.HOST_NAME,
            'Asterisk is on another machine (there run: getent hosts "$(hostname)"; it must print a line)',
        )
    name = socket.gethostname()
    began = time.monotonic()
    try:
        async with asyncio.timeout(CONNECTS_WITHIN_S):
            address = await asyncio.get_running_loop().run_in_executor(None, resolve, name)
    except (OSError, TimeoutError):
        return _nameless(name, "does not resolve")
    if time.monotonic() - began > SLOW_S:
        return _nameless(name, f"takes {time.monotonic() - began:.1f} s to resolve")
    return good(Step.HOST_NAME, f"This machine's own name resolves: {name} is {address}.")


def _nameless(name: str, what: str) -> Finding:
    return bad(
        Step.HOST_NAME,
        f"This machine's own name, {name}, {what}: Asterisk looks it up at each call, and each then takes seconds.",
        mend=f"Run: echo '127.0.1.1 {name}' >> /etc/hosts",
        place="/etc/hosts",
    )


async def manager(subject: Subject) -> Finding | None:
    """Whether AMI takes its password; None where it is not used."""
    if not subject.settings.ami_url:
        return None
    url, conf = urlsplit(subject.settings.ami_url), subject.conf
    user, password = unquote(url.username or ""), unquote(url.password or "")
    try:
        async with asyncio.timeout(CONNECTS_WITHIN_S):
            answer = await _log_in(url.hostname or "127.0.0.1", url.port or 5038, user, password)
    except (OSError, TimeoutError, ValueError, EOFError) as error:
        return bad(
            Step.MANAGER,
            f"The manager interface cannot be reached at {url.hostname}, port {url.port or 5038} "
            f"({type(error).__name__}).",
            mend="In [general] write `enabled = yes`, `port = 5038`, `bindaddr = 127.0.0.1`, then "
            f"{conf.reload('module reload manager')}; and see {setting('ami_url')}",
            place=conf.place("manager.conf", "general", "enabled"),
        )
    if "Response: Success" in answer and (why := weakness(password, user)):
        return bad(
            Step.MANAGER,
            f"The password of the manager interface's user {user!r} can be guessed: {why}.",
            mend=f"Run: openssl rand -hex 24; write what it prints as `secret` in [{user}] and into `ami_url`; then "
            f"{conf.reload('module reload manager')}",
            place=conf.place("manager.conf", user, "secret"),
        )
    if "Response: Success" in answer:
        return good(Step.MANAGER, f"The manager interface takes the password of {user!r}.")
    return bad(
        Step.MANAGER,
        f"The manager interface refuses the user {user!r} or its password.",
        mend=f"`secret` in [{user}] and the password in {setting('ami_url')} must be the same, and `permit` there must "
        f"let this machine in; then {conf.reload('module reload manager')}",
        place=conf.place("manager.conf", user, "secret"),
    )


async def _log_in(host: str, port: int, user: str, password: str) -> str:
    if any(sign in user + password for sign in "\r\n"):
        raise ValueError("a line break in the user or password")
    reader, writer = await asyncio.open_connection(host, port)
    try:
        await reader.readline()
        writer.write(f"Action: Login\r\nUsername: {user}\r\nSecret: {password}\r\nEvents: off\r\n\r\n".encode())
        return (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
    finally:
        writer.close()


def audit_trail(trail: ChainCheck) -> Finding:
    """Whether every entry of the audit trail is as it was written."""
    if trail.is_whole:
        return good(Step.AUDIT, f"The audit trail is whole: {trail.entries:,} entries, each as it was written.")
    return bad(
        Step.AUDIT,
        f"The audit trail was tampered with: {trail.problem}.",
        mend="compare with a backup (outring restore FILE into another database, outring audit check there), and find "
        "out who may write to the database",
        place=setting("database_url"),
    )
