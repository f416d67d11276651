"""Campaigns from a list to their outcomes: opting out, steering, bad input, and a sheet of five hundred real rows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select, update

from app.contacts.importing import import_list
from app.dialing.trunk import TrunkState
from app.events import CallAnswered, DigitPressed
from app.model import CampaignStatus, NumberFormat, RetryPolicy
from app.operations import OperationError
from app.outcomes import ContactStatus, Outcome
from app.store import dnc, trunks
from app.store.dnc import DncEntry
from app.store.schema import contacts
from app.units import Number
from asterisk.lab import Lab, behaviour_of
from tests.asterisk.campaign import BYE, NOTICE, PATIENCE_S, Person, Site, site
from tests.asterisk.far_side import FarSide
from tests.asterisk.ledger import assert_accounted, assert_rate
from tests.asterisk.scenarios import Played, Scenarios
from tests.asterisk.wire import Wire

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

SHEET = Path(__file__).parents[3] / "shared" / "data" / "us-500.csv"
RETRY = RetryPolicy(max_attempts=2, retry_ms=1_000, max_faults=3, fault_retry_ms=1_000)
CARRIERS = ("again", "slow", "phones", "paused", "stopped", "clean", "spare")
ROUND = """
title: Round the phones
limits: {attempts: 2}
after:
  busy, no answer: {phone: next}
  anything else: close
"""
OPTING_OUT = """
name: opting out
start: ask
nodes:
  ask: {type: menu, text: Press nine., keys: {9: never}, timeout_s: 10, repeats: 0, on_fail: bye}
  never: {type: opt_out, text: You will not be called again., next: bye}
  bye: {type: hangup}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the scenarios play."""

    lab: Lab
    dialer: Site
    far: FarSide
    wires: dict[str, Wire]


scenario = Scenarios[Scene]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All scenarios, at once."""
    wires = {name: await Wire.open() for name in CARRIERS}
    trunks = {name: wire.uri for name, wire in wires.items()}
    folder = tmp_path_factory.mktemp("site")
    async with Lab(lines=200, extra_trunks=trunks) as lab, FarSide(lab) as far, site(lab.pbx, folder) as dialer:
        for wire in wires.values():
            wire.lead_to(lab.network.sip_port)
        scene = Scene(lab=lab, dialer=dialer, far=far, wires=wires)
        yield await scenario.all_on(scene)
    for wire in wires.values():
        wire.close()


# --- do-not-call -----------------------------------------------------------------------------------------------------


@scenario
async def opt_out_is_on_disk_before_it_is_confirmed(scene: Scene) -> None:
    """While the database cannot write, the person who pressed 9 hears nothing; then the confirmation."""
    number = "+447700100012"
    # Alone on a database of its own: nobody else could write to this one meanwhile.
    async with Lab(lines=10) as lab, site(lab.pbx, scene.dialer.folder / "alone") as dialer:
        campaign = await dialer.draft(OPTING_OUT, [await dialer.trunk("network")], [number])
        answered = dialer.runtime.expect(lambda event: isinstance(event, CallAnswered), PATIENCE_S)
        pressed = dialer.runtime.expect(lambda event: isinstance(event, DigitPressed), PATIENCE_S)
        await dialer.operations.start_campaign(campaign)
        await answered
        lock = sqlite3.connect(dialer.folder / "outring.db", timeout=30, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        await pressed
        await asyncio.sleep(1.5)  # the person waits, as long as the disk does
        released_ms = dialer.operations.now_ms
        assert number not in await _dnc_numbers(dialer)
        lock.execute("ROLLBACK")
        lock.close()
        await dialer.finished(campaign)
        (attempt,) = await dialer.attempts(campaign)
        entry = await _dnc_entry(dialer, number)
        assert (entry.source, entry.attempt_id) == ("keypress", attempt.attempt_id)
        confirmed = next(part for part in attempt.flow["heard"] if part["node"] == "never")
        assert attempt.facts.answered_at_ms is not None
        assert attempt.facts.answered_at_ms + confirmed["at_ms"] >= released_ms
        assert confirmed["heard_ms"] == confirmed["length_ms"], attempt
        assert attempt.flow["opted_out"] is True
        assert (await dialer.standings(campaign))[number].status is ContactStatus.DO_NOT_CALL


@scenario
async def opted_out_is_never_called_again(scene: Scene) -> None:
    """Not for another contact of theirs, not from another list, not in another campaign, not when added later."""
    dialer, wire = scene.dialer, scene.wires["again"]
    trunk = await dialer.trunk("again")
    number, others = "+447700200012", [f"+4477002000{place}" for place in (61, 62, 63)]
    first = await dialer.start(OPTING_OUT, [trunk], [number])
    await dialer.finished(first)
    second_list = await dialer.list_of([others[0], Person(number=number, name="The same"), others[1]])
    second = await dialer.start(BYE, [trunk], second_list, retry=RETRY)
    await dialer.finished(second)
    third = await dialer.start(BYE, [trunk], [number, others[2], "+447700200041"], retry=RETRY, ring_timeout_ms=5_000)
    await dialer.operations.attach_list(third, second_list)
    await dialer.finished(third)
    for campaign in (second, third):
        standing = (await dialer.standings(campaign))[number]
        assert (standing.status, standing.last_outcome) == (ContactStatus.DO_NOT_CALL, Outcome.DO_NOT_CALL)
        assert not [one for one in await dialer.attempts(campaign) if one.number == number]
        counts = await dialer.progress(campaign)
        assert counts.settled == counts.total
    assert wire.calls[number] == 1
    assert [wire.calls[one] for one in others] == [2, 2, 1]


@scenario
async def do_not_call_reaches_who_waits(scene: Scene) -> None:
    """A number that is claimed already and waits for a line, or is not claimed yet: neither is dialed."""
    dialer, wire = scene.dialer, scene.wires["slow"]
    trunk = await dialer.trunk("slow", calls_per_second=0.5)
    people = [f"+4477003000{place:02}" for place in range(61, 81)]
    campaign = await dialer.start(BYE, [trunk], people, calls_per_second=20)

    async def waiting() -> set[str]:
        opened = [one for one in await dialer.attempts(campaign) if one.closed_at_ms is None]
        return {str(one.number) for one in opened} - set(wire.numbers)

    async def are_waiting() -> bool:
        return len(await waiting()) >= 2

    await dialer.until(are_waiting, "contacts wait for a line")
    claimed = sorted(await waiting())[-1]
    for number in (claimed, people[-1]):
        await dialer.operations.do_not_call(Number(number), "api")
    seen = len(wire.invites)
    await dialer.trunk("slow", calls_per_second=20)
    await dialer.finished(campaign)
    assert len(wire.invites) > seen
    assert sorted(wire.numbers) == sorted(set(people) - {claimed, people[-1]})
    standings = await dialer.standings(campaign)
    assert {standings[number].status for number in (claimed, people[-1])} == {ContactStatus.DO_NOT_CALL}
    (attempt,) = [one for one in await dialer.attempts(campaign) if one.number == claimed]
    assert (attempt.outcome, attempt.is_charged) == (Outcome.DO_NOT_CALL, False)


async def _dnc_numbers(dialer: Site) -> set[str]:
    return {entry.number for entry in await dialer.store.read(dnc.dnc_page, limit=1_000)}


async def _dnc_entry(dialer: Site, number: str) -> DncEntry:
    page = await dialer.store.read(dnc.dnc_page, limit=1_000)
    return next(entry for entry in page if entry.number == number)


# --- strategies ------------------------------------------------------------------------------------------------------


@scenario
async def a_strategy_leads_from_phone_to_phone(scene: Scene) -> None:
    """Busy, or nobody there: at once the other phone, which stands two places on; each number is dialed once."""
    dialer, wire = scene.dialer, scene.wires["phones"]
    trunk = await dialer.trunk("phones")
    saved = await dialer.operations.save_strategy("round", ROUND)
    busy, silent, first, second = (f"+4477008000{ending}" for ending in (40, 41, 61, 62))
    list_id = await dialer.list_of([busy, silent])
    await dialer.store.write(_give_third_phones, {busy: first, silent: second})
    plan = {"strategy": saved.strategy, "ring_timeout_ms": 5_000}
    campaign = await dialer.start(BYE, [trunk], list_id, **plan)
    await dialer.finished(campaign)
    assert {one.number: one.outcome for one in await dialer.attempts(campaign)} == {
        busy: Outcome.BUSY,
        first: Outcome.CONNECTED_TO_IVR,
        silent: Outcome.NO_ANSWER,
        second: Outcome.CONNECTED_TO_IVR,
    }
    assert wire.calls == {busy: 1, first: 1, silent: 1, second: 1}


def _give_third_phones(conn: Connection, phones: dict[str, str]) -> None:
    for first, second in phones.items():
        conn.execute(update(contacts).where(contacts.c.phone1 == first).values(phone3=second))


# --- steering --------------------------------------------------------------------------------------------------------


@scenario
async def paused_and_resumed(scene: Scene) -> None:
    """Paused: no new calls, those up go on; resumed: everybody is called once."""
    dialer, wire = scene.dialer, scene.wires["paused"]
    trunk = await dialer.trunk("paused")
    people = [f"+4477004000{place:02}" for place in range(61, 91)]
    campaign = await dialer.start(NOTICE, [trunk], people, calls_per_second=6)
    await dialer.until(lambda: len(wire.invites) >= 8, "some are called")
    await dialer.operations.pause_campaign(campaign)
    await dialer.until(lambda: not _is_live(dialer, campaign), "the calls up have ended")
    seen = len(wire.invites)
    assert await dialer.status(campaign) is CampaignStatus.PAUSED
    done = [one for one in await dialer.attempts(campaign) if one.facts.placed_at_ms is not None]
    assert {one.outcome for one in done} == {Outcome.CONNECTED_TO_IVR}
    assert len(done) == seen < len(people)
    await dialer.operations.start_campaign(campaign)
    await dialer.finished(campaign)
    assert sorted(wire.numbers) == sorted(people)


@scenario
async def stopped(scene: Scene) -> None:
    """Stopped: ringing calls are taken back, answered people are heard out, contacts not called stay as they were."""
    dialer, wire = scene.dialer, scene.wires["stopped"]
    trunk = await dialer.trunk("stopped")
    ringing, talking = "+447700500041", "+447700500000"
    rest = [f"+4477005001{place:02}" for place in range(61, 91)]
    flow = NOTICE.replace("sound: hello-world", "text: This is said to the end although the campaign is stopped.")
    campaign = await dialer.start(flow, [trunk], [ringing, talking, *rest], calls_per_second=2, lines=6)
    await dialer.until(lambda: any(call.answered_s for call in scene.far.to(talking)), "one is answered")
    await dialer.operations.stop_campaign(campaign)
    await dialer.until(lambda: not _is_live(dialer, campaign), "the calls up have ended")
    assert await dialer.status(campaign) is CampaignStatus.STOPPED
    attempts = {one.number: one for one in await dialer.attempts(campaign)}
    taken_back = attempts[Number(ringing)]
    assert (taken_back.outcome, taken_back.is_charged) == (Outcome.DIALER_STOPPED, False)
    heard_out = attempts[Number(talking)]
    assert heard_out.flow["heard"][0]["heard_ms"] == heard_out.flow["heard"][0]["length_ms"]
    standings = await dialer.standings(campaign)
    assert standings[ringing].status is ContactStatus.PENDING
    assert standings[ringing].attempts == standings[ringing].faults == 0
    assert standings[talking].status is ContactStatus.CONNECTED
    assert standings[rest[-1]].status is ContactStatus.PENDING
    assert len(wire.invites) < len(rest)


def _is_live(dialer: Site, campaign: int) -> bool:
    return any(picture.id == campaign for picture in dialer.operations.snapshot().campaigns) and any(
        picture.preparing + picture.ready + picture.dialing + picture.ringing + picture.answered + picture.closing
        for picture in dialer.operations.snapshot().campaigns
        if picture.id == campaign
    )


# --- bad input -------------------------------------------------------------------------------------------------------

EVIL_NUMBERS = (
    "+447700600061@evil.example", "+447700600062&PJSIP/447700600063", "+447700600064/n", "+447700600065;x=y",
    "+447700600066\r\nX-Evil: yes", "+44770060006x", "+" + "4" * 40, "447700600067", "+44 7700 600068",
    "Local/1@default", "sip:1@evil.example", "+447700600069,2", "", "+", "+0447700600070", "＋447700600071",
    "+٤٤٧٧٠٠٦٠٠٠٧٢",
)  # fmt: skip


@scenario
async def nothing_bad_reaches_the_wire(scene: Scene) -> None:
    """Numbers that got into the database past the import are not dialed, whatever is in them."""
    dialer, wire = scene.dialer, scene.wires["clean"]
    trunk = await dialer.trunk("clean")
    good = "+447700600161"
    campaign = await dialer.start(BYE, [trunk], [*EVIL_NUMBERS, good], retry=RETRY)
    await dialer.finished(campaign)
    assert wire.numbers == [good]
    standings = await dialer.standings(campaign)
    assert standings.pop(good).status is ContactStatus.CONNECTED
    assert {one.status for one in standings.values()} == {ContactStatus.INVALID_NUMBER}
    for one in await dialer.attempts(campaign):
        if one.number != good:
            assert (one.outcome, one.facts.placed_at_ms) == (Outcome.INVALID_NUMBER, None)
            assert one.facts.cause_text.startswith("not a number in E.164")
            assert "\r" not in one.facts.cause_text
    assert dialer.trunk_picture(trunk).state is TrunkState.IN_SERVICE, "a bad number says nothing of the trunk"
    assert b"Evil" not in b"".join(invite.datagram for each in scene.wires.values() for invite in each.invites)


@scenario
async def bad_settings_are_refused(scene: Scene) -> None:
    """What an operator may type wrong is told and changes nothing."""
    dialer = scene.dialer
    good = await dialer.trunk("spare")
    bad_trunks: list[dict[str, Any]] = [
        {"endpoint": endpoint}
        for endpoint in ("", "a/sip:x@evil", "x@evil", "Local/1", "a b", "a;b", "a&b", "a\r\nb", "é", "x" * 65)
    ]
    bad_trunks += [{"caller_id": caller} for caller in EVIL_NUMBERS[:8] if caller != "447700600067"]
    bad_trunks += [{"caller_id": "Anna <+447700600073>"}, {"caller_id": "12"}, {"caller_id": "+4477\x0061"}]
    bad_trunks += [{"prefixes": (prefix,)} for prefix in ("44", "", "+44x", "++", "+44;", "+٤")]
    bad_trunks += [{"lines": 0}, {"lines": 10**6}, {"calls_per_second": 0.0}, {"calls_per_second": float("nan")}]
    bad_trunks += [
        {"number_format": form}
        for form in (
            NumberFormat(prefix="9;x"), NumberFormat(prefix="sip:"), NumberFormat(national_prefix="0&"),
            NumberFormat(country_code="+44"),
        )
    ]  # fmt: skip
    for change in bad_trunks:
        with pytest.raises(OperationError, match="trunk spare: "):
            await dialer.trunk("spare", **change)
    assert good in await dialer.store.read(trunks.list_trunks)
    bad_plans: list[dict[str, Any]] = [{"caller_id": caller} for caller in EVIL_NUMBERS[:8] if caller != "447700600067"]
    bad_plans += [{"name": ""}, {"name": "x" * 129}, {"lines": 0}, {"calls_per_second": -1.0}, {"ring_timeout_ms": 0}]
    bad_plans += [{"ring_timeout_ms": 10**7}, {"retry": RetryPolicy(max_attempts=0)}]
    for change in bad_plans:
        with pytest.raises(OperationError, match="campaign"):
            await dialer.draft(BYE, [good], ["+447700600161"], **change)
    for number in EVIL_NUMBERS:
        with pytest.raises(OperationError, match="not a number"):
            await dialer.operations.do_not_call(Number(number), "api")
    assert not await _dnc_numbers(dialer) & set(EVIL_NUMBERS)


@pytest.mark.parametrize("name", scenario)
async def test_campaigns(played: Played, name: str) -> None:
    played.judge(name)


# --- five hundred rows -----------------------------------------------------------------------------------------------


def expected(number: str) -> Outcome:
    """What comes of a call with a flow that only speaks and a ring timeout of 8 s, by the laboratory's table."""
    behaviour = behaviour_of(number)
    if not behaviour.replies:
        return Outcome.NO_RINGBACK
    if behaviour.final_reply_ms is None:
        return Outcome.NO_ANSWER
    if behaviour.final_reply_ms > 8_000:
        return Outcome.NO_ANSWER if behaviour.trying_ms < 8_000 else Outcome.NO_RINGBACK
    if behaviour.name == "hangs-up-at-once":
        return Outcome.CUSTOMER_HUNG_UP
    if behaviour.is_answered:
        return Outcome.CONNECTED_TO_IVR
    assert behaviour.sip_code is not None
    return {
        403: Outcome.UNAUTHORIZED, 404: Outcome.NOT_IN_SERVICE, 410: Outcome.NOT_IN_SERVICE, 480: Outcome.NO_ANSWER,
        484: Outcome.INVALID_NUMBER, 486: Outcome.BUSY, 488: Outcome.UNSUPPORTED, 500: Outcome.SIP_ERROR,
        503: Outcome.SIP_ERROR, 600: Outcome.BUSY, 603: Outcome.BUSY, 607: Outcome.CALL_SCREENED,
        608: Outcome.CALL_SCREENED,
    }[behaviour.sip_code]  # fmt: skip


@pytest.mark.skipif(not SHEET.is_file(), reason="the sheet of five hundred rows is not here")
async def test_a_sheet_of_five_hundred_is_called_and_everybody_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    wire = await Wire.open()
    folder = tmp_path_factory.mktemp("sheet")
    async with Lab(lines=120, extra_trunks={"sheet": wire.uri}) as lab, FarSide(lab) as far:
        wire.lead_to(lab.network.sip_port)
        async with site(lab.pbx, folder) as dialer:
            report = await import_list(dialer.store, SHEET, "us-500", "US")
            assert (report.counts.imported, report.counts.rejected) == (500, 0), report
            trunk = await dialer.trunk("sheet", lines=60, calls_per_second=30, prefixes=("+1",))
            began_s = asyncio.get_running_loop().time()
            campaign = await dialer.start(NOTICE, [trunk], report.list_id, calls_per_second=30, ring_timeout_ms=8_000)
            await dialer.finished(campaign, 240)
            took_s = asyncio.get_running_loop().time() - began_s
            await assert_accounted(dialer, wire, far, campaign)
            numbers = await dialer.store.read(_numbers)
            attempts = await dialer.attempts(campaign)
            counts = await dialer.progress(campaign)
    wire.close()
    print(f"500 contacts in {took_s:.0f} s")
    assert len(numbers) == len(attempts) == counts.total == counts.settled == 500
    assert sum(counts.outcomes.values()) == 500
    odd = {one.number: one.outcome for one in attempts if one.outcome is not expected(one.number)}
    # A slow machine may ring somebody out of time; nothing else may come out differently.
    assert len(odd) <= 5, odd
    assert set(odd.values()) <= {Outcome.NO_ANSWER, Outcome.NO_RINGBACK}
    assert Counter(wire.numbers) == Counter(numbers)
    assert_rate(wire.invites, 30)
    assert far.most_at_once(slack_s=1.0) <= 60


def _numbers(conn: Connection) -> list[str]:
    return [row.phone1 for row in conn.execute(select(contacts.c.phone1))]
