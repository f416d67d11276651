"""What the admin's dialplan may ask of us about whoever is calling: the scripts behind app.asterisk.fastagi."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from app.asterisk.fastagi import Asked, Script
from app.contacts.numbers import NumberProblem, reader_for
from app.operations import OperationError, Operations
from app.store.attempts import get_attempt
from app.store.callers import Caller, find_caller
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.units import AttemptId, Number, masked, number

log = structlog.get_logger()

MAX_FIELDS: Final = 60
_FULL: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")
_SEPARATORS: Final = str.maketrans("", "", " ()-./")
_NO_LETTER: Final = re.compile(r"[^A-Z0-9]+")


class Callers:
    """`lookup` tells a dialplan who is calling; `dnc` sees to it that they are not called again."""

    def __init__(self, *, store: SqlStore, operations: Operations) -> None:
        self._store = store
        self._operations = operations

    @property
    def scripts(self) -> Mapping[str, Script]:
        """By the path they are asked for."""
        return {"lookup": self.lookup, "dnc": self.dnc}

    async def lookup(self, asked: Asked) -> dict[str, str]:
        """The contact with this number, as variables; none for a stranger or what is no number.

        Options: country (how a number without its country code is read), list (look only in this one).
        """
        numbers = numbers_of(asked.caller, asked.options.get("country", ""))
        try:
            caller = await self._store.read(find_caller, numbers, list_name=asked.options.get("list", ""))
        except StoreError as error:
            log.error("caller not looked up", reason=str(error))
            return {}
        shown = masked(numbers[0]) if numbers else "none"
        log.info("caller looked up", number=shown, contact=None if caller is None else caller.contact_id)
        return {} if caller is None else variables_of(caller)

    async def dnc(self, asked: Asked) -> dict[str, str]:
        """Bar the number: OUTRING_DNC is 1 once that is on disk; else nothing is set.

        Whoever asks for it in a call of ours is barred with all of their phones. Option: country.
        """
        numbers = numbers_of(asked.caller, asked.options.get("country", ""))
        if not numbers:
            log.warning("nobody barred: the dialplan gave no number", given=len(asked.caller))
            return {}
        try:
            await self._operations.do_not_call(numbers[0], "dialplan", attempt_id=await self._own_call(asked, numbers))
        except (OperationError, TimeoutError) as error:
            log.error("nobody barred", number=masked(numbers[0]), reason=str(error) or "not written in time")
            return {}
        log.info("barred by the dialplan", number=masked(numbers[0]))
        return {"OUTRING_DNC": "1"}

    async def _own_call(self, asked: Asked, numbers: Sequence[Number]) -> AttemptId | None:
        """The attempt that this is asked in, by the person who was called; None: it is no such call."""
        if asked.attempt_id is None:
            return None
        try:
            entry = await self._store.read(get_attempt, asked.attempt_id)
        except StoreError:
            return None
        return entry.attempt_id if entry.number in numbers else None


def numbers_of(text: str, country: str) -> tuple[Number, ...]:
    """What number a caller's may be, the likeliest first; empty: it is none.

    With a country it is read as people there write it; trunks often leave out the plus of a full number, so that is
    tried too.
    """
    found: list[Number] = []
    if country:
        try:
            read = reader_for(country.upper()).read(text)
        except ValueError:
            log.warning("fastagi: no such country", country=country[:8])
        else:
            if not isinstance(read, NumberProblem):
                found.append(read)
    full = _FULL.fullmatch(text.translate(_SEPARATORS))
    if full is not None:
        found.append(number(f"+{full[1]}"))
    return tuple(dict.fromkeys(found))


def variables_of(caller: Caller) -> dict[str, str]:
    """A contact as variables of a channel. Fields: OUTRING_FIELD_ and the column's name in capitals, or its place in
    the list where the name has no latin letters.
    """
    variables = {
        "OUTRING_FOUND": "1",
        "OUTRING_CONTACT": str(caller.contact_id),
        "OUTRING_NUMBER": caller.number,
        "OUTRING_NAME": caller.name,
        "OUTRING_LANGUAGE": caller.language,
        "OUTRING_LIST": caller.list_name,
        "OUTRING_CAMPAIGN": caller.campaign_name,
        "OUTRING_OUTCOME": "" if caller.last_outcome is None else caller.last_outcome.label,
        "OUTRING_CALLED_AT": "" if caller.last_called_at_ms is None else str(caller.last_called_at_ms // 1_000),
        "OUTRING_DNC": "1" if caller.is_dnc else "",
    }
    for place, column in enumerate(caller.columns[:MAX_FIELDS], 1):
        latin = _NO_LETTER.sub("_", column.upper()).strip("_")[:40]
        name = f"OUTRING_FIELD_{latin or place}"
        variables.setdefault(name, caller.fields.get(column, ""))
    return variables
