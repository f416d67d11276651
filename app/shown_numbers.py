"""The numbers people see: kept by the admin, and nothing else is ever shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import phonenumbers

from app.asterisk.endpoint import caller_id_for
from app.events import CallerIdsSet
from app.model import CallerIdChoice, Campaign, OwnedNumber
from app.plan_checks import NotNow, OperationError
from app.runtime import Runtime
from app.store import caller_ids, trunks
from app.store.door import SqlStore
from app.units import DAY_MS

MOST_CALLS: Final = 1_000_000
MOST_AREAS: Final = 100
MOST_REST_MS: Final = 30 * DAY_MS


def areas_of(number: str) -> tuple[str, ...]:
    """The beginnings of the numbers one is local to: its country, and its area where its plan has such."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ()
    national = phonenumbers.national_significant_number(parsed)
    country = f"+{parsed.country_code}"
    length = phonenumbers.length_of_geographical_area_code(parsed)
    return (country, country + national[:length]) if length else (country,)


def check_owned(owned: OwnedNumber) -> None:
    """Raises OperationError for the first thing that is wrong with a number."""
    try:
        if caller_id_for(owned.number) is None:
            raise OperationError("a number to show has 3 to 15 digits, with a plus or not")
    except ValueError as error:
        raise OperationError(str(error)) from error
    for name, value in (
        ("an hour", owned.per_hour),
        ("a day", owned.per_day),
        ("a row before a rest", owned.rest_after),
    ):
        if not 0 <= value <= MOST_CALLS:
            raise OperationError(f"0 to {MOST_CALLS} calls in {name}, not {value}")
    if not 0 <= owned.rest_ms <= MOST_REST_MS:
        raise OperationError("a rest is at most 30 days long")
    if bool(owned.rest_after) is not bool(owned.rest_ms):
        raise OperationError("a rest needs both: after how many calls, and how long")
    for area in owned.areas[: MOST_AREAS + 1]:
        if not (area.startswith("+") and area[1:].isascii() and area[1:].isdigit() and len(area) <= 16):
            raise OperationError(f"area {area[:20]!r} is not the beginning of a number, as in +4420")
    if len(owned.areas) > MOST_AREAS or len(owned.label) > 64:
        raise OperationError(f"at most {MOST_AREAS} areas, and 64 letters for a name")


class ShownNumbers:
    """The admin's numbers on one running dialer."""

    def __init__(self, store: SqlStore, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime

    async def as_event(self) -> CallerIdsSet:
        """All of them, as the dialer takes them."""
        owned = await self._store.read(caller_ids.list_owned)
        shown = await self._store.read(caller_ids.shown_lately, self._now_ms)
        return CallerIdsSet(numbers=tuple(one if one.areas else _with_areas(one) for one in owned), shown=shown)

    async def save(self, owned: OwnedNumber) -> bool:
        """Add or change a number; True: it is new. Raises OperationError, NotFound for a trunk."""
        check_owned(owned)
        for trunk_id in owned.trunks:
            await self._store.read(trunks.get_trunk, trunk_id)
        is_new = await self._store.write(caller_ids.put_caller_id, owned, self._now_ms)
        self._runtime.post(await self.as_event())
        return is_new

    async def keep(self, number: str) -> None:
        """What the admin writes into a trunk is theirs to show."""
        if not number:
            return
        is_new = await self._store.write(caller_ids.keep_caller_id, OwnedNumber(number=number), self._now_ms)
        if is_new:
            self._runtime.post(await self.as_event())

    async def remove(self, number: str) -> None:
        """Show it no more. Raises NotFound, InUse while a campaign or a trunk names it."""
        await self._store.write(caller_ids.remove_caller_id, number)
        self._runtime.post(await self.as_event())

    async def check(self, plan: Campaign, *, is_starting: bool = False) -> None:
        """Raises OperationError for a campaign that would show what is not ours, NotNow: it has nothing to show."""
        owned = {one.number: one for one in await self._store.read(caller_ids.list_owned)}
        for number in (plan.caller_id, *plan.caller_ids.numbers):
            if number and number not in owned:
                raise OperationError(
                    f"campaign {plan.name!r}: {number} is not one of your numbers; add it with "
                    f"`outring caller-ids set {number}` or under Admin, Caller IDs, if it is yours to show"
                )
        if is_starting and plan.caller_ids.choice is not CallerIdChoice.FIXED:
            mine = plan.caller_ids.numbers or tuple(owned)
            if not any(_serves(owned[number], plan) for number in mine) and not plan.caller_id:
                raise NotNow(
                    f"campaign {plan.name!r} chooses among your numbers, and none of them may be shown over its trunks"
                )

    @property
    def _now_ms(self) -> int:
        return self._runtime.clock.now_ms()


def _serves(owned: OwnedNumber, plan: Campaign) -> bool:
    ways: Sequence[str] = owned.trunks
    return not ways or any(trunk_id in ways for trunk_id in plan.trunks)


def _with_areas(owned: OwnedNumber) -> OwnedNumber:
    return OwnedNumber(
        number=owned.number,
        label=owned.label,
        trunks=owned.trunks,
        areas=areas_of(owned.number),
        per_hour=owned.per_hour,
        per_day=owned.per_day,
        rest_after=owned.rest_after,
        rest_ms=owned.rest_ms,
        is_resting=owned.is_resting,
    )
