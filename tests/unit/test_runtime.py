"""The shell: nothing is placed before it is on disk, nothing that was decided is lost or written twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from app import runtime as module
from app.commands import (
    AddDnc,
    ClaimContacts,
    CloseAttempt,
    HangUp,
    PlaceCall,
    Play,
    RenderPrompts,
    SetCampaignStatus,
    StoreCommand,
    TelephonyCommand,
)
from app.dialing import campaign as campaign_module
from app.dialing import dialer as dialer_module
from app.dialing.dialer import Dialer
from app.events import (
    AttemptClosed,
    AttemptsFound,
    AttemptsRecovered,
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallRinging,
    CampaignPaused,
    CampaignStarted,
    CampaignStatusSaved,
    ContactsAdded,
    DigitPressed,
    DncAdded,
    Event,
    PlaybackEnded,
    PromptsRendered,
    StoreEvent,
    StoreFailed,
    TelephonyUp,
    TrunkSet,
)
from app.model import CampaignStatus
from app.ports import Inbox
from app.runtime import COMMIT_BATCH, RENDERERS, Runtime, SystemClock
from app.store.duty import Relieved
from app.store.errors import StoreError
from app.units import AttemptId, CampaignId, ContactId, Number
from tests.unit.dialing.build import FLOW, audio_of, campaign, phone, trunk
from tests.unit.dialing.world import Disk, Row

ONE = CampaignId(1)
FIRST = AttemptId("attempt00001")
DEADLINE_S = 10


class FakeStore:
    """A disk in memory that can be held up and made to refuse; it keeps every batch it wrote."""

    def __init__(self, log: list[str]) -> None:
        self.disk = Disk()
        self.batches: list[list[StoreCommand]] = []
        self.refusals = 0
        self.lost_refusals = 0
        self.is_relieved = False
        self.passed_on: list[AddDnc] = []
        self.open = asyncio.Event()
        self.open.set()
        self.under_way = 0
        self._kept: list[StoreCommand] = []
        self._refused: set[int] = set()
        self._log = log

    async def recover(self) -> AttemptsRecovered:
        return AttemptsRecovered(attempts=tuple(self.disk.open.values()))

    async def find_lost(self) -> AttemptsFound:
        if self.lost_refusals:
            self.lost_refusals -= 1
            raise StoreError("disk full")
        return AttemptsFound(attempts=())

    async def bar(self, opt_outs: Sequence[AddDnc], now_ms: int) -> Sequence[Event]:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("disk full")
        self.passed_on += opt_outs
        return [DncAdded(number=one.number, attempt_id=one.attempt_id) for one in opt_outs]

    async def try_writing(self) -> None:
        await self.open.wait()
        if self.refusals:
            self.refusals -= 1
            raise StoreError("disk full")

    async def commit(self, commands: Sequence[StoreCommand], now_ms: int) -> list[StoreEvent]:
        assert commands, "an empty transaction"
        assert not self.under_way, "two transactions at once"
        claims = [id(command) for command in commands if isinstance(command, ClaimContacts)]
        assert not self._refused & set(claims), "a claim that was given up is tried again by the shell"
        self.under_way += 1
        try:
            await asyncio.sleep(0)
            await self.open.wait()
            if self.is_relieved:
                raise Relieved
            if self.refusals:
                self.refusals -= 1
                self._kept += commands  # so that no id is used twice
                self._refused.update(claims)
                raise StoreError("disk full")
            self.batches.append(list(commands))
            return [self._do(command, now_ms) for command in commands]
        finally:
            self.under_way -= 1

    def _do(self, command: StoreCommand, now_ms: int) -> StoreEvent:
        match command:
            case ClaimContacts():
                opened = self.disk.claim(command, now_ms)
                self._log += [f"opened {attempt.attempt_id}" for attempt in opened.attempts]
                return opened
            case CloseAttempt(result=result):
                assert result.attempt_id in self.disk.open, f"{result.attempt_id} is closed twice"
                self.disk.close(result)
                self._log.append(f"closed {result.attempt_id}")
                return AttemptClosed(attempt_id=result.attempt_id, campaign_id=ONE, outcome=result.outcome)
            case AddDnc():
                self.disk.dnc.add(Number(command.number))
                self._log.append(f"barred {command.number}")
                return DncAdded(number=command.number, attempt_id=command.attempt_id)
            case SetCampaignStatus():
                self.disk.status[command.campaign_id] = command.status
                return CampaignStatusSaved(campaign_id=command.campaign_id)
            case _:
                raise AssertionError(f"no agent works here, and yet: {command}")


class FakeTelephony:
    """Takes every call, and says what a test has it say."""

    def __init__(self, log: list[str]) -> None:
        self.commands: list[TelephonyCommand] = []
        self.says: Inbox = lambda event: None
        self._log = log

    async def start(self, inbox: Inbox) -> None:
        self.says = inbox
        inbox(TelephonyUp(is_new_life=False))

    def perform(self, command: TelephonyCommand) -> None:
        self.commands.append(command)
        self._log.append(f"{type(command).__name__} {getattr(command, 'attempt_id', '')}".strip())
        if isinstance(command, PlaceCall):
            self.says(CallPlaced(attempt_id=command.attempt_id))
            self.says(CallRinging(attempt_id=command.attempt_id))  # the trunk works
        elif isinstance(command, HangUp):
            self.says(CallEnded(attempt_id=command.attempt_id, cause=16))

    async def stop(self) -> None:
        """Nothing to let go of."""

    @property
    def placed(self) -> list[AttemptId]:
        return [command.attempt_id for command in self.commands if isinstance(command, PlaceCall)]


class FakeVoice:
    """Renders at once, or when let."""

    def __init__(self) -> None:
        self.at_work = 0
        self.most_at_work = 0
        self.open = asyncio.Event()
        self.open.set()

    async def render(self, command: RenderPrompts) -> PromptsRendered:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await self.open.wait()
        self.at_work -= 1
        return PromptsRendered(attempt_id=command.attempt_id, audio=audio_of(command.prompts), failed={})


class Beside:
    """Keeps opt-outs in memory, and what was brought to it together."""

    def __init__(self) -> None:
        self.kept: list[AddDnc] = []
        self.syncs: list[list[AddDnc]] = []

    def keep(self, commands: Sequence[AddDnc]) -> Sequence[AddDnc]:
        new = [command for command in commands if command not in self.kept]
        self.kept += new
        self.syncs += [new] if new else []
        return new

    def clear(self) -> None:
        self.kept = []


class Shop:
    """A runtime at work on fakes, with everything that happened in one log."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.store = FakeStore(self.log)
        self.telephony = FakeTelephony(self.log)
        self.voice = FakeVoice()
        self.seen: list[Event] = []
        self.beside = Beside()
        self.runtime = Runtime(
            dialer=Dialer(),
            telephony=self.telephony,
            store=self.store,
            prompts=self.voice,
            clock=SystemClock(),
            opt_outs=self.beside,
        )
        self.runtime.watch(self.seen.append)
        self.task: asyncio.Task[None] | None = None
        self.people(0)

    def people(self, count: int, first: int = 1) -> None:
        rows = self.store.disk.contacts.setdefault(ONE, {})
        for place in range(first, first + count):
            rows[ContactId(place)] = Row(number=phone(place), due_at_ms=0)

    @asynccontextmanager
    async def at_work(self, *first: Event) -> AsyncIterator[None]:
        given = first or (
            TrunkSet(trunk=trunk("north", lines=100, calls_per_second=1_000.0)),
            CampaignStarted(campaign=campaign(1, lines=100, calls_per_second=1_000.0), flow=FLOW),
        )
        self.task = asyncio.create_task(self.runtime.run(given))
        try:
            yield
        finally:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, is_so: Callable[[], object], what: str) -> None:
        """Wait until something is so; says what was waited for when it never is."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while not is_so():
            if self.task is not None and self.task.done():
                self.task.result()  # it has failed: say how
            assert asyncio.get_running_loop().time() < deadline, f"never: {what}; {self.log[-20:]}"
            await asyncio.sleep(0.001)

    async def quiet(self, rounds: int = 200) -> None:
        """Let everything happen that needs no time."""
        for _ in range(rounds):
            await asyncio.sleep(0)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(module, "RETRY_S", (0.0, 0.0, 0.01))
    monkeypatch.setattr(dialer_module, "STORE_REST_MS", 5)
    monkeypatch.setattr(campaign_module, "STORE_REST_MS", 5)
    return Shop()


async def test_a_call_is_placed_only_after_the_commit_that_opened_it_has_returned(shop: Shop) -> None:
    shop.people(30)
    async with shop.at_work():
        await shop.until(lambda: len(shop.telephony.placed) == 30, "thirty calls")
    for attempt_id in shop.telephony.placed:
        assert shop.log.index(f"opened {attempt_id}") < shop.log.index(f"PlaceCall {attempt_id}")
    assert len(set(shop.telephony.placed)) == 30


async def test_while_a_commit_is_held_up_nothing_is_placed_and_calls_are_led_all_the_same(shop: Shop) -> None:
    shop.people(1)
    async with shop.at_work():
        await shop.until(lambda: shop.telephony.placed, "the first call")
        shop.store.open.clear()
        shop.people(5, first=2)
        shop.runtime.post(ContactsAdded(campaign_id=ONE))
        await shop.until(lambda: shop.store.under_way, "a commit that hangs")
        shop.telephony.says(CallAnswered(attempt_id=FIRST))
        await shop.until(lambda: [c for c in shop.telephony.commands if isinstance(c, Play)], "the flow plays")
        assert shop.telephony.placed == [FIRST]
        shop.store.open.set()
        await shop.until(lambda: len(shop.telephony.placed) == 6, "the others")


async def test_a_commit_that_fails_loses_no_closing_and_writes_none_twice(shop: Shop) -> None:
    """FakeStore asserts that nothing is closed twice."""
    shop.people(20)
    async with shop.at_work():
        await shop.until(lambda: len(shop.telephony.placed) == 20, "twenty calls")
        shop.store.refusals = 3
        for attempt_id in shop.telephony.placed:
            shop.telephony.says(CallEnded(attempt_id=attempt_id, sip_code=404, cause=1))
        await shop.until(lambda: len(shop.store.disk.closed) == 20, "twenty ends on disk")
        await shop.until(lambda: shop.store.disk.status.get(ONE) is CampaignStatus.FINISHED, "the campaign's end")
    assert shop.store.refusals == 0
    assert sum(isinstance(event, StoreFailed) for event in shop.seen) >= 3


async def test_a_claim_that_was_refused_is_asked_for_again(shop: Shop) -> None:
    shop.people(3)
    shop.store.refusals = 2
    async with shop.at_work():
        await shop.until(lambda: len(shop.telephony.placed) == 3, "three calls after two refusals")


async def test_a_status_that_was_refused_is_written_when_the_disk_is_back(shop: Shop) -> None:
    async with shop.at_work():
        await shop.until(lambda: shop.store.disk.status, "running, or finished, on disk")
        shop.store.refusals = 5
        shop.runtime.post(CampaignPaused(campaign_id=ONE))
        await shop.until(lambda: shop.store.disk.status[ONE] is CampaignStatus.PAUSED, "paused on disk")


async def test_who_asks_a_relieved_dialer_not_to_be_called_is_put_on_the_list_all_the_same(shop: Shop) -> None:
    shop.people(0)
    async with shop.at_work():
        shop.store.open.clear()
        shop.runtime.write(AddDnc(number=phone(1), source="key"))
        await shop.until(lambda: shop.store.under_way, "a commit that hangs")
        shop.runtime.write(AddDnc(number=phone(2), source="api"))
        shop.store.is_relieved = True
        shop.store.open.set()
        await shop.until(lambda: len(shop.store.passed_on) == 2, "both on the list")
    assert [one.number for one in shop.store.passed_on] == [phone(1), phone(2)]


async def test_an_opt_out_of_a_relieved_dialer_is_kept_when_the_database_does_not_take_it(shop: Shop) -> None:
    async with shop.at_work():
        await shop.until(lambda: shop.store.disk.status, "the campaign's end")
        shop.store.is_relieved = True
        shop.store.refusals = 1
        shop.runtime.write(AddDnc(number=phone(1), source="key"))
        await shop.until(lambda: shop.beside.kept, "it is kept")
    assert not shop.store.passed_on


async def test_opt_outs_that_wait_for_a_database_that_refuses_are_kept_together(shop: Shop) -> None:
    async with shop.at_work():
        await shop.until(lambda: shop.store.disk.status, "the campaign's end")
        shop.store.open.clear()
        for place in range(40):
            shop.runtime.write(AddDnc(number=phone(place), source="api"))
        await shop.until(lambda: shop.store.under_way, "a commit that hangs")
        shop.store.refusals = 1
        shop.store.open.set()
        await shop.until(lambda: len(shop.store.disk.dnc) == 40, "all on the list")
    assert [len(together) for together in shop.beside.syncs] == [40]


async def test_an_opt_out_counts_while_claims_that_failed_are_looked_for_in_vain(shop: Shop) -> None:
    shop.people(3)
    shop.store.refusals = 1  # of the claim
    shop.store.lost_refusals = 1_000_000
    async with shop.at_work():
        await shop.until(lambda: shop.store.lost_refusals < 1_000_000, "it is looked for")
        shop.runtime.write(AddDnc(number=phone(1), source="key"))
        await shop.until(lambda: shop.beside.kept, "it is kept")
        await shop.until(lambda: any(isinstance(event, DncAdded) for event in shop.seen), "it counts")
    assert not shop.store.disk.dnc


async def test_what_gathers_during_one_commit_goes_into_the_next_as_a_whole(shop: Shop) -> None:
    shop.people(40)
    async with shop.at_work():
        await shop.until(lambda: len(shop.telephony.placed) == 40, "forty calls")
        shop.store.open.clear()
        shop.runtime.write(AddDnc(number=phone(999), source="api"))
        await shop.until(lambda: shop.store.under_way, "a commit that hangs")
        before = len(shop.store.batches)
        for attempt_id in shop.telephony.placed:
            shop.telephony.says(CallEnded(attempt_id=attempt_id, sip_code=404, cause=1))
        await shop.quiet()
        shop.store.open.set()
        await shop.until(lambda: len(shop.store.disk.closed) == 40, "all ends on disk")
    assert [len(batch) for batch in shop.store.batches[before : before + 2]] == [1, 40]


async def test_a_transaction_holds_no_more_than_its_limit(shop: Shop) -> None:
    async with shop.at_work():
        await shop.until(lambda: shop.store.batches, "the first commit")
        for place in range(COMMIT_BATCH + 7):
            shop.runtime.write(AddDnc(number=phone(place), source="api"))
        await shop.until(lambda: len(shop.store.disk.dnc) == COMMIT_BATCH + 7, "all numbers on disk")
    assert max(len(batch) for batch in shop.store.batches) == COMMIT_BATCH


async def test_an_opt_out_is_confirmed_to_the_person_only_after_it_is_on_disk(shop: Shop) -> None:
    shop.people(1)
    async with shop.at_work():
        await shop.until(lambda: shop.telephony.placed, "a call")
        shop.telephony.says(CallAnswered(attempt_id=FIRST))
        await shop.until(lambda: len(plays(shop)) == 1, "the greeting")
        shop.telephony.says(PlaybackEnded(attempt_id=FIRST, playback_id=plays(shop)[-1].playback_id))
        await shop.until(lambda: len(plays(shop)) == 2, "the question")
        shop.telephony.says(PlaybackEnded(attempt_id=FIRST, playback_id=plays(shop)[-1].playback_id))
        shop.store.open.clear()
        shop.telephony.says(DigitPressed(attempt_id=FIRST, digit="9"))
        await shop.until(lambda: shop.store.under_way, "the number on its way to the disk")
        await shop.quiet()
        assert len(plays(shop)) == 2
        shop.store.open.set()
        await shop.until(lambda: len(plays(shop)) == 3, "the confirmation")
    last_play = len(shop.log) - 1 - shop.log[::-1].index(f"Play {FIRST}")
    assert shop.log.index(f"barred {phone(1)}") < last_play


def plays(shop: Shop) -> list[Play]:
    return [command for command in shop.telephony.commands if isinstance(command, Play)]


async def test_prompts_are_rendered_for_a_few_calls_at_a_time_and_all_in_the_end(shop: Shop) -> None:
    shop.people(12)
    shop.voice.open.clear()
    async with shop.at_work():
        await shop.until(lambda: shop.voice.at_work == RENDERERS, "all renderers at work")
        await shop.quiet()
        assert shop.telephony.placed == []
        shop.voice.open.set()
        await shop.until(lambda: len(shop.telephony.placed) == 12, "twelve calls")
    assert shop.voice.most_at_work == RENDERERS


async def test_an_event_is_seen_by_watchers_after_the_dialer_has_acted_on_it(shop: Shop) -> None:
    shop.people(1)
    async with shop.at_work():
        await shop.until(lambda: shop.telephony.placed, "a call")
        ended = shop.runtime.expect(lambda event: isinstance(event, AttemptClosed))
        shop.telephony.says(CallEnded(attempt_id=FIRST, sip_code=404, cause=1))
        found = await ended
        assert isinstance(found, AttemptClosed)
        assert found.attempt_id in shop.store.disk.closed


async def test_what_never_comes_is_not_waited_for_without_end(shop: Shop) -> None:
    async with shop.at_work():
        with pytest.raises(TimeoutError):
            await shop.runtime.expect(lambda event: False, timeout_s=0.01)
        await shop.quiet()
        watching = shop.runtime.watch(lambda event: None)
        watching()


async def test_winding_down_places_nothing_more_and_ends_when_all_is_written(shop: Shop) -> None:
    shop.people(50)
    async with shop.at_work(
        TrunkSet(trunk=trunk("north", lines=2, calls_per_second=1_000.0)),
        CampaignStarted(campaign=campaign(1, lines=2, calls_per_second=1_000.0), flow=FLOW),
    ):
        await shop.until(lambda: len(shop.telephony.placed) == 2, "two calls")
        shop.telephony.says(CallAnswered(attempt_id=FIRST))
        await shop.until(lambda: plays(shop), "one answered")
        ending = asyncio.create_task(shop.runtime.wind_down(DEADLINE_S))
        await shop.until(lambda: any(isinstance(c, HangUp) for c in shop.telephony.commands), "the ringing one ended")
        assert not ending.done(), "somebody still listens"
        shop.telephony.says(CallEnded(attempt_id=FIRST, cause=16))
        assert await ending is True
        assert shop.store.disk.open == {}
        assert len(shop.telephony.placed) == 2


async def test_winding_down_waits_for_what_is_being_written(shop: Shop) -> None:
    async with shop.at_work():
        await shop.until(lambda: shop.store.disk.status, "the first commit")
        await shop.until(lambda: not shop.store.under_way, "rest")
        shop.store.open.clear()
        shop.runtime.write(AddDnc(number=phone(1), source="api"))
        await shop.until(lambda: shop.store.under_way, "a number on its way to the disk")
        ending = asyncio.create_task(shop.runtime.wind_down(DEADLINE_S))
        await shop.until(lambda: shop.runtime.dialer.is_at_rest, "the dialer at rest")
        await asyncio.wait([ending], timeout=0.2)  # it looks every 50 ms
        assert not ending.done(), "the number is not on disk yet"
        shop.store.open.set()
        assert await ending is True
        assert phone(1) in shop.store.disk.dnc


async def test_patience_with_a_disk_that_never_answers_runs_out(shop: Shop) -> None:
    shop.people(1)
    async with shop.at_work():
        await shop.until(lambda: shop.telephony.placed, "a call")
        shop.store.open.clear()
        shop.telephony.says(CallEnded(attempt_id=FIRST, sip_code=404, cause=1))
        assert await shop.runtime.wind_down(0.05) is False


async def test_an_answered_person_does_not_wait_for_all_that_a_commit_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit tells much at once; what the telephone says meanwhile comes before the rest of it."""
    shop.people(1)
    async with shop.at_work():
        await shop.until(lambda: shop.telephony.placed, "the first call")
        turns: list[list[Event]] = []
        real = shop.runtime.dialer.turn

        def noted(events: list[Event], now_ms: int) -> list[object]:
            turns.append(list(events))
            if len(turns) == 1:
                shop.telephony.says(CallAnswered(attempt_id=FIRST))
            return list(real(events, now_ms))

        monkeypatch.setattr(shop.runtime.dialer, "turn", noted)
        shop.runtime._written.extend(ContactsAdded(campaign_id=ONE) for _ in range(40))  # type: ignore[misc]
        shop.runtime._bell.ring()
        await shop.until(lambda: sum(map(len, turns)) >= 41, "all of it")
    assert max(map(len, turns)) <= module.TURN_EVENTS
    assert isinstance(turns[1][0], CallAnswered)


async def test_what_a_commit_told_is_heard_though_the_telephone_never_stops(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events arrive during each turn than are told in one: what is on disk is not forgotten over them."""
    async with shop.at_work():
        real = shop.runtime.dialer.turn

        def flooded(events: list[Event], now_ms: int) -> list[object]:
            for _ in range(module.TURN_EVENTS):
                shop.telephony.says(DigitPressed(attempt_id=FIRST, digit="1"))
            return list(real(events, now_ms))

        await shop.quiet()
        monkeypatch.setattr(shop.runtime.dialer, "turn", flooded)
        shop.telephony.says(DigitPressed(attempt_id=FIRST, digit="1"))
        shop.runtime.write(AddDnc(number=phone(9), source="api"))
        await shop.until(lambda: any(isinstance(one, DncAdded) for one in shop.seen), "the opt-out that is on disk")


async def test_with_nothing_to_do_the_shell_does_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 0
    real = shop.runtime.dialer.turn

    def counted(events: list[Event], now_ms: int) -> list[object]:
        nonlocal turns
        turns += 1
        return list(real(events, now_ms))

    monkeypatch.setattr(shop.runtime.dialer, "turn", counted)
    async with shop.at_work():
        await shop.until(lambda: shop.store.disk.status.get(ONE) is CampaignStatus.FINISHED, "nobody left")
        await shop.quiet()
        before = turns
        await shop.quiet(1_000)
        assert turns == before


async def test_attempts_of_a_life_before_are_given_to_the_dialer_before_anything_of_the_telephone(shop: Shop) -> None:
    shop.people(2)
    shop.store.disk.claim(ClaimContacts(campaign_id=ONE, count=1), now_ms=1)
    async with shop.at_work():
        await shop.until(lambda: FIRST in shop.store.disk.closed, "the attempt of before, closed")
        await shop.until(lambda: shop.telephony.placed, "the other call")
    assert FIRST not in shop.telephony.placed
    kinds = [type(event) for event in shop.seen]
    assert kinds.index(AttemptsRecovered) < kinds.index(TelephonyUp)
    assert shop.store.disk.closed[FIRST].outcome.label == "controller lost"


def test_the_clock_never_steps_back_when_the_machines_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    before = clock.now_ms()
    assert abs(before - time.time_ns() // 1_000_000) < 60_000, "it begins with civil time"
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now_ms() >= before
