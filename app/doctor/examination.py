"""The examination: every step in its order, those that make no sense without an earlier one as not checked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from app.asterisk.ari import AriError
from app.asterisk.ari.operations import Resources
from app.asterisk.ari.rest import HttpCalls, new_session
from app.doctor import handsets, laws, media, reach, safety, server
from app.doctor import trunks as ways_out
from app.doctor.conf import Conf
from app.doctor.finding import Finding, Report, Step, skipped
from app.doctor.listening import is_of_this_machine
from app.doctor.subject import Subject, resources
from app.model import Trunk
from app.settings import Settings
from app.store.audit_chain import ChainCheck

ON_THE_BENCH: Final = (Step.DIALPLAN, Step.PHONES, Step.APOLOGY, Step.RECORDINGS, Step.PROMPTS)
BY_ARI: Final = (Step.VERSION, Step.MODULES, Step.APPLICATION, Step.WEBSOCKET, *ON_THE_BENCH)


async def examine(
    settings: Settings,
    *,
    trunks: Sequence[Trunk] = (),
    phones: Sequence[str] = (),
    trail: ChainCheck | None = None,
    prompts_dir: Path | None = None,
    config_dir: Path = Path("/etc/asterisk"),
    now_ms: Callable[[], int] | None = None,
) -> AsyncIterator[Finding]:
    """Look at everything, finding by finding; nothing is raised for what is wrong, and nobody is called.

    trunks: those set up in Outring; phones: the endpoints agents sit at; trail: what looking through the audit trail
    came to, None: there is none yet. prompts_dir: where prompts are rendered
    (data_dir/prompts). config_dir: Asterisk's own files, read only to name lines. now_ms: our clock.
    """
    subject = _subject(
        settings, tuple(trunks), prompts_dir, config_dir, now_ms or (lambda: time.time_ns() // 1_000_000)
    )
    reached = []
    async for finding in reach.way_to_ari(subject):
        reached.append(finding)
        yield finding
    for finding in reach.rest_of_way(reached):
        if finding.step is not Step.RIGHTS or not reached[-1].ok:
            yield finding
    async with new_session(settings.ari_user, subject.password, pool_limit=4) as session:
        ari = resources(HttpCalls(settings.ari_url, session)) if reached[-1].ok else None
        if ari is not None and await server.freepbx(subject, ari):
            subject = subject.on_freepbx()
            yield server.freepbx_noticed()
        async for finding in _by_ari(subject, ari):
            yield finding
        yield media.prompt_format(subject.prompts_dir)
        yield await _sessions(subject, reached)
        yield await server.clock(subject, ari) if ari else skipped(Step.CLOCK, "ARI is not reached")
        yield await safety.host_name(subject)
        yield safety.exposure(subject)
        yield safety.secrecy(subject)
        if (managed := await safety.manager(subject)) is not None:
            yield managed
        for finding in laws.own_profiles(settings):
            yield finding
        if trail is not None:
            yield safety.audit_trail(trail)
        async for finding in _trunks(subject, ari):
            yield finding
        async for finding in _phones(subject, ari, phones):
            yield finding


async def reported(findings: AsyncIterator[Finding]) -> Report:
    """All findings of an examination as one report."""
    return Report(findings=tuple([finding async for finding in findings]))


def _subject(
    settings: Settings,
    known: tuple[Trunk, ...],
    prompts_dir: Path | None,
    config_dir: Path,
    now_ms: Callable[[], int],
) -> Subject:
    subject = Subject(
        settings=settings,
        trunks=known,
        prompts_dir=prompts_dir or settings.data_dir / "prompts",
        conf=Conf(directory=config_dir),
        is_local=False,
        now_ms=now_ms,
    )
    return subject.at_home() if subject.host and is_of_this_machine(subject.host) else subject.abroad()


async def _by_ari(subject: Subject, ari: Resources | None) -> AsyncIterator[Finding]:
    """What is asked of Asterisk itself."""
    if ari is None:
        for step in BY_ARI:
            yield skipped(step, "ARI is not reached")
        return
    may = await reach.rights(subject, ari)
    yield may
    yield await server.version(ari)
    async for finding in server.modules(subject, ari):
        yield finding
    yield await server.application(subject, ari)
    async for finding in _on_the_bench(subject, may_change=may.ok is not False):
        yield finding


async def _on_the_bench(subject: Subject, *, may_change: bool) -> AsyncIterator[Finding]:
    steps: tuple[Step, ...] = ON_THE_BENCH
    because = "the events websocket does not open"
    if not may_change:
        steps, because = (Step.WEBSOCKET, *ON_THE_BENCH), "the ARI user may only look"
    else:
        try:
            async with media.bench(subject) as bench:
                yield media.websocket_opened()
                for check in (media.dialplan, media.phones, media.apology, media.recordings, media.prompts):
                    yield await check(subject, bench)
                return
        except AriError as error:
            yield media.websocket_closed(subject, error)
    for step in steps:
        yield skipped(step, because)


async def _sessions(subject: Subject, reached: list[Finding]) -> Finding:
    if any(finding.step is Step.HTTP and finding.ok for finding in reached):
        return await server.sessions(subject)
    return skipped(Step.SESSIONS, "the web server is not reached")


async def _trunks(subject: Subject, ari: Resources | None) -> AsyncIterator[Finding]:
    yield ways_out.prefixes(subject.trunks)
    if ari is None:
        for step in (Step.TRUNK, Step.TRUNK_ANSWERS, Step.CODECS, Step.NAT):
            yield skipped(step, "ARI is not reached")
        return
    names = await ways_out.endpoints(ari)
    if not subject.trunks:
        yield ways_out.to_choose_from(names)
    for examined_trunk in subject.trunks:
        async for finding in ways_out.trunk(subject, ari, examined_trunk, names):
            yield finding


async def _phones(subject: Subject, ari: Resources | None, phones: Sequence[str]) -> AsyncIterator[Finding]:
    if not phones:
        return
    if ari is None:
        yield skipped(Step.PHONE_LOSS, "ARI is not reached")
        yield skipped(Step.PHONE_CODECS, "ARI is not reached")
        return
    wanted = await handsets.spoken_by_trunks(ari, subject.trunks)
    for endpoint in handsets.in_order(phones):
        async for finding in handsets.phone(subject, ari, endpoint, wanted=wanted):
            yield finding
