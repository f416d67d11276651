"""Another phone that an agent takes on a preview card is judged by the law anew, on both databases."""

from __future__ import annotations

from app.agents import DialingMode
from app.commands import ConfirmAttempt
from app.compliance.library import Lawbook
from app.compliance.plan import CompliancePlan
from app.events import AttemptConfirmed
from app.store import SqlStore
from app.store.confirming import why_not_over
from app.store.dnc import BARRED, add_dnc_numbers
from app.units import HOUR_MS, AttemptId, Number
from tests.store.test_law import MORNING, know, under
from tests.store.world import claim, phone

TOKYO = Number("+81312345678")


async def confirmed(store: SqlStore, number: str, now_ms: int, *, is_chosen: bool = True) -> AttemptConfirmed:
    """What the disk says of the attempt that is open, over a number."""
    [event] = await store.commit(
        [ConfirmAttempt(attempt_id=ATTEMPT[0], number=Number(number), is_chosen=is_chosen)], now_ms
    )
    assert isinstance(event, AttemptConfirmed)
    return event


ATTEMPT: list[AttemptId] = []


async def test_the_law_of_the_other_phone_decides(store: SqlStore) -> None:
    [campaign_id] = await under(store, [phone(1)], CompliancePlan(profiles=("careful",)), mode=DialingMode.PREVIEW)
    await know(store, 1, phone2=TOKYO, phone3=phone(3), phone4=phone(4))
    await store.write(add_dnc_numbers, [phone(4)], source="api", now_ms=1)
    [opened] = (await claim(store, campaign_id, 1, MORNING)).attempts
    ATTEMPT[:] = [opened.attempt_id]
    evening = MORNING + 9 * HOUR_MS  # in London; night in Tokyo
    near = await confirmed(store, phone(3), MORNING)
    assert (near.reason, near.allowed_until_ms) == ("", opened.allowed_until_ms)
    far = await confirmed(store, TOKYO, evening)
    assert far.reason.startswith("not allowed by law: careful, hours: outside 09:00–20:00")
    assert far.allowed_until_ms is None
    assert (await confirmed(store, TOKYO, evening, is_chosen=False)).reason == "", "the law is asked of a choice alone"
    assert (await confirmed(store, phone(4), MORNING)).reason == BARRED
    asked = await store.read(why_not_over, Lawbook(), opened.attempt_id, TOKYO, evening)
    assert asked == (far.reason, None)


async def test_the_attempt_itself_is_no_call_before_it(store: SqlStore) -> None:
    plan = CompliancePlan(profiles=("ru_debt_230fz",))
    [campaign_id] = await under(store, ["+79161234567"], plan, mode=DialingMode.PREVIEW)
    await know(store, 1, phone2="+79161234568", time_zone="Europe/Moscow")
    [opened] = (await claim(store, campaign_id, 1, MORNING)).attempts
    ATTEMPT[:] = [opened.attempt_id]
    assert (await confirmed(store, "+79161234568", MORNING)).reason == ""
