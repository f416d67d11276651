"""A result mended just after it was saved: the contact's place, counts and promises follow; what came after is safe."""

from __future__ import annotations

import pytest

from app.agents import CallbackPlan
from app.commands import AddDnc
from app.model import ContactNext, OpenedAttempt
from app.outcomes import ContactStatus, Outcome
from app.store import NotFound, SqlStore
from app.store.amending import AMEND_MS, Decide, amend_conversation
from app.store.attempts import get_attempt
from app.store.callbacks import callbacks_page
from app.store.cards import contact_places
from app.store.dnc import is_dnc
from app.store.errors import InUse
from app.units import HOUR_MS, AgentId, AttemptId
from tests.store.floor import ANN, BOB, hire, talk, talked
from tests.store.world import T0, build, claim, kept_tallies, phone, recounted_tallies

ENDED_MS = T0 + 5_000


async def saved(store: SqlStore) -> OpenedAttempt:
    """A conversation of Ann's that ended as a success."""
    await store.write(hire, "ann", "bob")
    [campaign_id] = await store.write(build, [phone(1), phone(2)])
    [attempt, _] = (await claim(store, campaign_id, 2)).attempts
    await store.commit([talked(attempt, talk())], ENDED_MS)
    return attempt


def then(
    status: ContactStatus, outcome: Outcome = Outcome.CONNECTED_TO_AGENT, callback: CallbackPlan | None = None
) -> Decide:
    """What follows from the new result."""
    due_at_ms = T0 + HOUR_MS if status is ContactStatus.PENDING else None

    def decide(opened: OpenedAttempt) -> tuple[Outcome, ContactNext]:
        attempts = opened.attempts + 1
        return outcome, ContactNext(status=status, due_at_ms=due_at_ms, attempts=attempts, callback=callback)

    return decide


async def amend(
    store: SqlStore, attempt_id: AttemptId, disposition: str, decide: Decide, *, agent: AgentId = ANN, at: int = 20_000
) -> None:
    await store.write(
        amend_conversation, attempt_id, agent, disposition=disposition, words="mended", decide=decide, now_ms=T0 + at
    )


async def test_another_result_moves_the_contact_and_the_counts(store: SqlStore) -> None:
    attempt = await saved(store)
    await amend(store, attempt.attempt_id, "wrong-number", then(ContactStatus.INVALID_NUMBER, Outcome.WRONG_NUMBER))
    entry = await store.read(get_attempt, attempt.attempt_id)
    assert entry.conversation is not None
    assert (entry.outcome, entry.conversation.disposition) == (Outcome.WRONG_NUMBER, "wrong-number")
    assert entry.conversation.note == "mended"
    [place] = await store.read(contact_places, attempt.contact_id)
    assert (place.status, place.attempts, place.last_outcome) == (
        ContactStatus.INVALID_NUMBER, 1, Outcome.WRONG_NUMBER,
    )  # fmt: skip
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_a_promise_is_made_and_taken_back(store: SqlStore) -> None:
    attempt = await saved(store)
    promise = CallbackPlan(at_ms=T0 + HOUR_MS, agent_id=ANN, until_ms=T0 + 2 * HOUR_MS)
    await amend(store, attempt.attempt_id, "callback", then(ContactStatus.PENDING, callback=promise))
    [booked] = (await store.read(callbacks_page)).callbacks
    assert (booked.contact_id, booked.at_ms, booked.agent_id) == (attempt.contact_id, T0 + HOUR_MS, ANN)
    await amend(store, attempt.attempt_id, "success", then(ContactStatus.CONNECTED), at=30_000)
    assert not (await store.read(callbacks_page)).callbacks
    assert await store.read(kept_tallies) == await store.read(recounted_tallies)


async def test_do_not_call_by_mistake_is_taken_back_and_others_words_stay(store: SqlStore) -> None:
    attempt = await saved(store)
    await store.commit(
        [
            AddDnc(number=attempt.number, source="agent", attempt_id=attempt.attempt_id),
            AddDnc(number=phone(2), source="agent"),
        ],
        T0,
    )
    await amend(store, attempt.attempt_id, "other", then(ContactStatus.CONNECTED))
    assert not await store.read(is_dnc, attempt.number)
    assert await store.read(is_dnc, phone(2))


@pytest.mark.parametrize("source", ["keypress", "dialplan"])
async def test_what_the_person_asked_for_in_the_call_stays(store: SqlStore, source: str) -> None:
    """They pressed the key, or the PBX asked for them, and talked on: no agent's result is theirs to take back."""
    attempt = await saved(store)
    await store.commit([AddDnc(number=attempt.number, source=source, attempt_id=attempt.attempt_id)], T0)
    await amend(store, attempt.attempt_id, "other", then(ContactStatus.PENDING))
    assert await store.read(is_dnc, attempt.number)
    assert (await claim(store, attempt.campaign_id, 1, T0 + HOUR_MS)).attempts == ()


async def test_the_same_result_again_changes_the_note_alone(store: SqlStore) -> None:
    attempt = await saved(store)
    before = await store.read(kept_tallies)
    await amend(store, attempt.attempt_id, "success", then(ContactStatus.CONNECTED))
    assert await store.read(kept_tallies) == before


@pytest.mark.parametrize(("agent", "at"), [(BOB, 20_000), (ANN, 5_000 + AMEND_MS + 1)])
async def test_somebody_elses_and_what_is_long_over_stays(store: SqlStore, agent: AgentId, at: int) -> None:
    attempt = await saved(store)
    with pytest.raises((NotFound, InUse)):
        await amend(store, attempt.attempt_id, "other", then(ContactStatus.CONNECTED), agent=agent, at=at)
    entry = await store.read(get_attempt, attempt.attempt_id)
    assert entry.conversation is not None
    assert entry.conversation.disposition == "success"


async def test_whoever_is_called_again_already_is_left_alone(store: SqlStore) -> None:
    await store.write(hire, "ann")
    [campaign_id] = await store.write(build, [phone(1)])
    [attempt] = (await claim(store, campaign_id, 1)).attempts
    await store.commit([talked(attempt, talk(), status=ContactStatus.PENDING, due_at_ms=ENDED_MS)], ENDED_MS)
    assert (await claim(store, campaign_id, 1, ENDED_MS + 1)).attempts
    with pytest.raises(InUse, match="called again"):
        await amend(store, attempt.attempt_id, "other", then(ContactStatus.CONNECTED))
