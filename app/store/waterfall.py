"""How many of a campaign's contacts are left after each rule: fifty thousand, of these in their hours, … ready now.

The rules are asked of each contact by the same code that claims. Of a long list a sample is asked, spread evenly over
it, and the figures say so, with how far they may be off.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from app.compliance.library import Lawbook
from app.compliance.rules import ConsentRule, CooldownRule, FrequencyRule, WindowRule
from app.compliance.verdict import ZONE_RULE
from app.compliance.zones import Place, place_of
from app.model import Campaign, CampaignStatus
from app.outcomes import ContactStatus
from app.store import law
from app.store.campaigns import get_campaign
from app.store.claiming import free_phones, phones_of
from app.store.law import Asked, CampaignLaw
from app.store.owners import Waiting, owners_told, waiting_for_owners
from app.store.schema import attempts, campaign_contacts, contacts, trunks
from app.store.sql import execute, to_json
from app.store.why import dialed_number
from app.units import CampaignId, ContactId, Number

SAMPLE: Final = 10_000
"""So many contacts are asked at the most, or a few more."""
CHUNK: Final = 100
"""Asked in one go: about ten milliseconds of work."""
_PRIME: Final = 100_003
_SURE: Final = 1.96
"""Standard deviations of 95 in a hundred."""
SETTLED: Final = {
    ContactStatus.CONNECTED: "reached",
    ContactStatus.NOT_CONNECTED: "given up: the trunk failed too often",
    ContactStatus.RETRIES_COMPLETED: "tried as often as allowed",
    ContactStatus.INVALID_NUMBER: "no valid number",
    ContactStatus.DO_NOT_CALL: "asked not to be called",
    ContactStatus.NOT_ALLOWED: "not allowed by law, for good",
    ContactStatus.DANGLING: "result never learned",
    ContactStatus.IN_PROGRESS: "being called now",
}
"""Who does not wait in the line, and why, in this order."""
RULES: Final = {
    "number": "no valid number",
    "do-not-call": "on the do-not-call list",
    "list": "their list is switched off",
    "trunk": "no trunk of the campaign carries them",
    "place": "nobody knows where they are",
    "consent": "a consent is missing",
    "hours": "outside their hours",
    "caps": "called often enough",
    "rests": "left in peace for a while",
    "due": "not due yet",
    "agent": "wait for one agent, who is away",
    "in a call": "their number is in a call",
}
"""What is asked of who waits, in this order: whoever fails is counted at the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rule. lost: whom it holds back, and none before it did; left: who is left after it.

    plus_minus: how far `left` may be off, 95 times in a hundred; 0: it is exact.
    """

    rule: str
    words: str
    lost: int
    left: int
    plus_minus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """A campaign's contacts, rule by rule. asked: how many waiting contacts were asked; fewer than waiting: a sample.

    ready: who is left at the end. owners: for whom how many wait who belong to an agent or a group, the most first; who
    fell due escalates_after_ms ago and was not called by them is anyone's; 0: nobody ever is. problem: why nobody is
    dialed whatever the contacts say; "": nothing.
    """

    campaign_id: CampaignId
    campaign_name: str
    total: int
    waiting: int
    asked: int
    steps: tuple[Step, ...]
    problem: str = ""
    owners: tuple[Waiting, ...] = ()
    escalates_after_ms: int = 0

    @property
    def is_sampled(self) -> bool:
        """Whether the figures of the rules are estimates."""
        return self.asked < self.waiting

    @property
    def ready(self) -> int:
        """Who may be called now, were the campaign running."""
        return 0 if not self.asked else self.steps[-1].left if self.steps else self.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A waterfall whose contacts are yet to be asked, some at a time, so that nobody else waits long meanwhile."""

    plan: Campaign
    found: CampaignLaw | None
    total: int
    waiting: int
    settled: tuple[Step, ...]
    rows: Sequence[Row[Any]]
    problem: str
    owners: tuple[Waiting, ...] = ()


def waterfall(
    conn: Connection, lawbook: Lawbook, campaign_id: CampaignId, now_ms: int, *, sample: int = SAMPLE
) -> Waterfall:
    """All rules asked of a campaign's contacts, in one go. Raises NotFound."""
    draft = begin(conn, lawbook, campaign_id, sample=sample)
    failed = Counter[str]()
    for at in range(0, len(draft.rows), CHUNK):
        failed.update(ask_some(conn, draft, at, now_ms))
    return finish(draft, failed)


def begin(conn: Connection, lawbook: Lawbook, campaign_id: CampaignId, *, sample: int = SAMPLE) -> Draft:
    """What is known by running counts, and who is to be asked. Raises NotFound."""
    entry = get_campaign(conn, campaign_id)
    plan, statuses = entry.campaign, entry.progress.statuses
    problem = "" if entry.status is CampaignStatus.RUNNING else f"the campaign is {entry.status.value}"
    steps: list[Step] = []
    left = entry.progress.total
    for status, words in SETTLED.items():
        if lost := statuses.get(status, 0):
            left -= lost
            steps.append(Step(rule=status.value, words=words, lost=lost, left=left))
    found: CampaignLaw | None = None
    try:
        found = law.campaign_law(conn, lawbook, campaign_id)
    except ValueError as error:
        problem = f"its compliance profiles cannot be used: {error}"
    return Draft(
        plan=plan,
        found=found,
        total=entry.progress.total,
        waiting=left,
        settled=tuple(steps),
        rows=() if found is None else _rows(conn, campaign_id, left, sample),
        problem=problem,
        owners=tuple(waiting_for_owners(conn, campaign_id)),
    )


def ask_some(conn: Connection, draft: Draft, at: int, now_ms: int) -> Counter[str]:
    """Those CHUNK contacts of the draft that begin at `at`: how many are held back by which rule; "": none."""
    return Counter(rule for _, rule in ask_each(conn, draft, at, now_ms))


def ask_each(conn: Connection, draft: Draft, at: int, now_ms: int) -> list[tuple[ContactId, str]]:
    """The same contacts, each with the rule that holds it back; "": none."""
    assert draft.found is not None, "nobody is asked without a law"
    rows = draft.rows[at : at + CHUNK]
    rules = _asked(conn, draft.plan, draft.found, rows, now_ms)
    return [(ContactId(row.contact_id), rule) for row, rule in zip(rows, rules, strict=True)]


def finish(draft: Draft, failed: Counter[str]) -> Waterfall:
    """The figures, once all were asked."""
    return Waterfall(
        campaign_id=draft.plan.id,
        campaign_name=draft.plan.name,
        total=draft.total,
        waiting=draft.waiting,
        asked=len(draft.rows),
        steps=(*draft.settled, *_scaled(draft.waiting, len(draft.rows), failed)),
        problem=draft.problem,
        owners=draft.owners,
        escalates_after_ms=draft.plan.ownership.escalates_after_ms,
    )


def _rows(conn: Connection, campaign_id: CampaignId, waiting: int, sample: int) -> Sequence[Row[Any]]:
    """Who waits: all, or about `sample` of them by a rule that has no favourites along the list."""
    place, of = campaign_contacts.c, contacts.c
    found = (
        select(
            place.contact_id, place.phone, place.due_at_ms, place.callback_at_ms, place.callback_until_ms,
            place.callback_agent_id, place.owner_id, place.list_id,
            of.phone1, of.phone2, of.phone3, of.phone4, of.phone5,
        )
        .select_from(campaign_contacts.join(contacts, contacts.c.id == place.contact_id))
        .where(place.campaign_id == campaign_id, place.status == ContactStatus.PENDING.value)
    )  # fmt: skip
    if waiting > sample:
        found = found.where((place.contact_id * 7919) % _PRIME < math.ceil(_PRIME * sample / waiting))
    rows: Sequence[Any] = conn.execute(found).all()
    return rows


def _asked(
    conn: Connection, plan: Campaign, found: CampaignLaw, rows: Sequence[Row[Any]], now_ms: int
) -> Iterator[str]:
    """For each contact the first rule that holds it back; "" where none does."""
    numbers = {ContactId(row.contact_id): Number(dialed_number(row, row)) for row in rows}
    with_number = {key: number for key, number in numbers.items() if number}
    pairs = [[key, number] for key, number in with_number.items()]
    barred = set(execute(conn, "barred_contacts", {"campaign_id": plan.id, "rows_json": to_json(pairs)}).scalars())
    for key, number in _other_phones(conn, plan.id, [row for row in rows if row.contact_id in barred]).items():
        numbers[key] = with_number[key] = number
        barred.discard(key)
    live = _those(
        conn,
        select(attempts.c.number).where(attempts.c.closed_at_ms.is_(None)),
        attempts.c.number,
        with_number.values(),
    )
    prefixes = tuple(
        prefix
        for row in conn.execute(select(trunks).where(trunks.c.id.in_(plan.trunks), trunks.c.is_enabled))
        for prefix in row.prefixes
    )
    off = {one.list_id for one in found.lists if not one.is_active}
    here = _present(conn, plan, {_awaited(plan, row, now_ms) for row in rows})
    asked = law.ask(conn, found, with_number, now_ms)
    by_law = _ByLaw(found, now_ms)
    for row in rows:
        key = ContactId(row.contact_id)
        number = numbers[key]
        if not number:
            yield "number"
        elif key in barred:
            yield "do-not-call"
        elif row.list_id in off and row.callback_at_ms is None:
            yield "list"
        elif not number.startswith(prefixes):
            yield "trunk"
        elif rule := by_law.first(asked[key]):
            yield rule
        elif max(row.due_at_ms or 0, row.callback_at_ms or 0) > now_ms:
            yield "due"
        elif _awaited(plan, row, now_ms) not in here:
            yield "agent"
        else:
            yield "in a call" if number in live else ""


def _awaited(plan: Campaign, row: Row[Any], now_ms: int) -> int | None:
    """The agent, or the group, somebody waits for; None: nobody in particular."""
    if row.callback_at_ms is not None:
        is_personal = row.callback_agent_id is not None and row.callback_until_ms > now_ms
        return int(row.callback_agent_id) if is_personal else None
    after_ms = plan.ownership.escalates_after_ms
    is_anyones = after_ms > 0 and plan.ownership.has_owners and (row.due_at_ms or 0) + after_ms <= now_ms
    return None if row.owner_id is None or is_anyones else int(row.owner_id)


def _present(conn: Connection, plan: Campaign, awaited: set[int | None]) -> set[int | None]:
    """Of these who is here; nobody in particular always is."""
    known = owners_told(conn, plan.id, [one for one in awaited if one is not None])
    return {None, *(one for one, owner in known.items() if owner.is_here)}


def _other_phones(conn: Connection, campaign_id: CampaignId, rows: Sequence[Row[Any]]) -> dict[ContactId, Number]:
    """For those whose number is barred the one that a claim turns to, where one of theirs is free."""
    phones = {ContactId(row.contact_id): phones_of(row) for row in rows}
    several = {
        row.contact_id: (phones[row.contact_id], Number(dialed_number(row, row)))
        for row in rows
        if len(phones[row.contact_id].places) > 1
    }
    places = free_phones(conn, campaign_id, several) if several else {}
    return {ContactId(key): phones[ContactId(key)].places[place] for key, place in places.items() if place is not None}


def _those(conn: Connection, found: Any, column: Any, numbers: Any) -> set[str]:
    return set(conn.execute(found.where(column.in_(list(numbers)))).scalars())


class _ByLaw:
    """Which kind of rule holds somebody back; whoever was never called is the same as everybody at their place."""

    def __init__(self, found: CampaignLaw, now_ms: int) -> None:
        self._found = found
        self._now_ms = now_ms
        self._known: dict[tuple[Place, object], str] = {}
        self._kinds = {
            (owner, rule.id): _KINDS[type(rule)] for profile in found.law.profiles for owner, rule in profile.owned
        }

    def first(self, asked: Asked) -> str:
        """The first in the order of the steps; "" when the law allows it."""
        if asked.history:
            return self._first(asked)
        key = (place_of(asked.callee), asked.callee.consent)
        if key not in self._known:
            self._known[key] = self._first(asked)
        return self._known[key]

    def _first(self, asked: Asked) -> str:
        failed = {
            "place" if verdict.rule == ZONE_RULE and not verdict.profile else self._kinds[verdict.profile, verdict.rule]
            for verdict in law.verdicts(self._found, asked, self._now_ms)
            if not verdict.is_allowed
        }
        return next((rule for rule in RULES if rule in failed), "")


_KINDS: Final = {WindowRule: "hours", FrequencyRule: "caps", CooldownRule: "rests", ConsentRule: "consent"}


def _scaled(waiting: int, asked: int, failed: Counter[str]) -> Iterator[Step]:
    """The sample's shares of all who wait."""
    left = asked
    for rule, words in RULES.items():
        if not failed[rule]:
            continue
        left -= failed[rule]
        share = left / asked
        spread = 0.0 if asked >= waiting else _SURE * math.sqrt(share * (1 - share) / asked) * waiting
        before = round((left + failed[rule]) / asked * waiting)
        after = round(share * waiting)
        yield Step(rule=rule, words=words, lost=before - after, left=after, plus_minus=math.ceil(spread))
