"""Whatever is done, in any order: the running counts say what the rows say, and nobody is dialed who must not be."""

from __future__ import annotations

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection

from app.commands import AddDnc, ClaimContacts, StoreCommand
from app.events import AttemptsOpened
from app.model import OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import SyncStore
from app.store.attaching import attach_list, attach_new_contacts
from app.units import AttemptId, CampaignId, ListId, Number
from tests.store.world import T0, add_contacts, build, closing, kept_tallies, phone, recounted_tallies

CAMPAIGNS = [CampaignId(1), CampaignId(2)]
ENDS = [
    (Outcome.CONNECTED_TO_IVR, True, ContactStatus.CONNECTED, False),
    (Outcome.BUSY, True, ContactStatus.PENDING, True),
    (Outcome.DIAL_ERROR, False, ContactStatus.PENDING, True),
    (Outcome.INVALID_NUMBER, True, ContactStatus.INVALID_NUMBER, False),
    (Outcome.CONTROLLER_LOST, True, ContactStatus.DANGLING, False),
    (Outcome.DO_NOT_CALL, False, ContactStatus.DO_NOT_CALL, False),
]


class Life(RuleBasedStateMachine):
    """Two campaigns over one list, with numbers that come twice, opt-outs and imports while they run."""

    def __init__(self) -> None:
        super().__init__()
        made = count()
        self.store = SyncStore.open(new_attempt_id=lambda now_ms: AttemptId(f"attempt{next(made):06d}"))
        self.store.write(build, [phone(place % 7) if place % 4 else "" for place in range(12)], 2)
        self.now_ms = T0
        self.live: list[OpenedAttempt] = []
        self.closed: list[OpenedAttempt] = []
        self.barred: set[Number] = set()
        self.next_contact = 13

    @rule(minutes=st.integers(0, 3))
    def wait(self, minutes: int) -> None:
        self.now_ms += minutes * 60_000

    @rule(campaign_id=st.sampled_from(CAMPAIGNS), wanted=st.integers(0, 6))
    def claim(self, campaign_id: CampaignId, wanted: int) -> None:
        self._turn([ClaimContacts(campaign_id=campaign_id, count=wanted)])

    @precondition(lambda self: self.live)
    @rule(choice=st.data(), optout=st.booleans(), twice=st.booleans(), then_claim=st.integers(0, 3))
    def close_some(self, choice: st.DataObject, optout: bool, twice: bool, then_claim: int) -> None:
        chosen = choice.draw(st.lists(st.sampled_from(self.live), unique_by=id, min_size=1))
        commands: list[StoreCommand] = []
        for attempt in chosen:
            outcome, is_charged, status, is_again = choice.draw(st.sampled_from(ENDS))
            due_at_ms = self.now_ms + 60_000 if is_again else None
            end = closing(attempt, outcome=outcome, is_charged=is_charged, status=status, due_at_ms=due_at_ms)
            commands += [end, end] if twice else [end]
        if optout:
            commands.append(AddDnc(number=chosen[0].number, source="keypress", attempt_id=chosen[0].attempt_id))
        self._turn([*commands, ClaimContacts(campaign_id=CAMPAIGNS[then_claim % 2], count=then_claim)], chosen)

    @precondition(lambda self: self.closed)
    @rule(choice=st.data())
    def close_again(self, choice: st.DataObject) -> None:
        attempt = choice.draw(st.sampled_from(self.closed))
        self._turn([closing(attempt, outcome=Outcome.FAX, status=ContactStatus.PENDING, due_at_ms=self.now_ms)])

    @rule(place=st.integers(0, 8))
    def opt_out(self, place: int) -> None:
        self._turn([AddDnc(number=phone(place), source="api")])

    @rule(place=st.integers(0, 8))
    def import_one(self, place: int) -> None:
        def grow(conn: Connection) -> None:
            add_contacts(conn, ListId(1), [phone(place)], first=self.next_contact)
            attach_new_contacts(conn, ListId(1), self.next_contact, self.next_contact)

        self.store.write(grow)
        self.next_contact += 1

    @rule(campaign_id=st.sampled_from(CAMPAIGNS))
    def attach_again(self, campaign_id: CampaignId) -> None:
        assert self.store.write(attach_list, campaign_id, ListId(1), self.now_ms) == 0

    def _turn(self, commands: list[StoreCommand], closing_now: list[OpenedAttempt] | None = None) -> None:
        ended = closing_now or []
        self.live = [attempt for attempt in self.live if attempt not in ended]
        self.closed += ended
        self.barred |= {Number(command.number) for command in commands if isinstance(command, AddDnc)}
        events = self.store.commit(commands, self.now_ms)
        assert len(events) == len(commands)
        for event in events:
            if isinstance(event, AttemptsOpened):
                assert len(event.attempts) <= event.wanted
                assert not {attempt.number for attempt in event.attempts} & self.barred
                self.live += event.attempts

    @invariant()
    def counts_agree(self) -> None:
        assert self.store.read(kept_tallies) == self.store.read(recounted_tallies)

    @invariant()
    def no_number_is_in_two_live_attempts(self) -> None:
        numbers = [attempt.number for attempt in self.live]
        assert len(set(numbers)) == len(numbers)
        recovered = self.store.recover().attempts
        assert {attempt.attempt_id for attempt in recovered} == {attempt.attempt_id for attempt in self.live}

    def teardown(self) -> None:
        self.store.close()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
