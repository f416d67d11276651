"""What the law says of contacts, asked with what the disk knows of them: who they are, and every call made to them.

One place for claiming, dialing by hand, callbacks and `why`: whoever asks gets the same answer. Reads go along indexes,
a few statements for any number of contacts; a law that does not look back reads no history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from app.agents import DialingMode, Disposition, DispositionEffect
from app.calling_order import OrderPlan
from app.compliance.law import Decision, Law
from app.compliance.library import Lawbook
from app.compliance.plan import CompliancePlan
from app.compliance.rules import Callee, CallKind, Consent, Mark, PastCall, Verdict
from app.outcomes import ABANDONED, OUTCOMES, Outcome, RetryClass
from app.ownership import OwnershipPlan
from app.store.audit import record
from app.store.errors import NotFound
from app.store.mixing import ListShare
from app.store.schema import campaigns
from app.store.sql import execute, to_json
from app.units import HOUR_MS, CampaignId, ContactId, ListId, Number

MOST_BEFORE_CALL_MS: Final = 2 * HOUR_MS
"""So long at the most lies between a claim and its call: an agent may read a preview for an hour."""
REFUSALS: Final = frozenset({"not-interested", "refused", "refusal"})
"""Codes of dispositions that say no, beside those whose effect is do-not-call."""
_CONSENTS: Final = {"none": Consent.NONE, "prior": Consent.PRIOR, "written": Consent.PRIOR_EXPRESS_WRITTEN}
_BY_HAND: Final = frozenset({DialingMode.PREVIEW, DialingMode.MANUAL})
"""Modes in which a person starts the call."""
_WITH_AGENT: Final = _BY_HAND | {DialingMode.PROGRESSIVE}
"""Modes in which an agent waits for this very call."""
_MACHINES: Final = frozenset(
    {Outcome.ANSWERING_MACHINE, Outcome.MACHINE_ASKED_FOR_CALLBACK, Outcome.MACHINE_WITHOUT_TERMINATION}
)
_TALKS: Final = frozenset({Outcome.CONNECTED_TO_AGENT, Outcome.CUSTOMER_ASKED_FOR_CALLBACK})
_UNKNOWN: Final = frozenset({Mark.ABANDONED, Mark.MACHINE, Mark.CONVERSATION})
"""What a call whose end nobody saw may have left; a refusal is written down when it is said."""


class _Settings(msgspec.Struct):
    """What of a campaign's settings the law looks at."""

    mode: DialingMode = DialingMode.BROADCAST
    compliance: CompliancePlan = msgspec.field(default_factory=CompliancePlan)
    ownership: OwnershipPlan = msgspec.field(default_factory=OwnershipPlan)
    order: OrderPlan = msgspec.field(default_factory=OrderPlan)


class _Agents(msgspec.Struct):
    dispositions: tuple[Disposition, ...] = ()


class _Dispositions(msgspec.Struct):
    agents: _Agents = msgspec.field(default_factory=_Agents)


class About(msgspec.Struct, omit_defaults=True):
    """What a call was about, as it is kept with its attempt; "": not known."""

    kind: CallKind | None = None
    debt: str = ""
    seller: str = ""
    subject: str = ""


_settings = msgspec.json.Decoder(_Settings)
_lists = msgspec.json.Decoder(list[tuple[int, int, int, bool | int]])
_zones = msgspec.json.Decoder(list[tuple[int, int]])
_dispositions = msgspec.json.Decoder(_Dispositions)
_about = msgspec.json.Decoder(About)
_fields = msgspec.json.Decoder(dict[str, str], strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLaw:
    """The law of a campaign, as it stands on disk now, whose its contacts are, and its lists.

    honours_lists: it honours a national list. is_giving: its contacts are just being given to their owners and zones.
    zones: the lines of time zones its contacts wait in, beside the common one: (list, zone).
    """

    campaign_id: CampaignId
    plan: CompliancePlan
    mode: DialingMode
    law: Law
    honours_lists: bool
    ownership: OwnershipPlan = field(default_factory=OwnershipPlan)
    is_giving: bool = False
    lists: tuple[ListShare, ...] = ()
    order: OrderPlan = field(default_factory=OrderPlan)
    zones: tuple[tuple[ListId, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody the law is asked about, with the calls made to them."""

    callee: Callee
    history: tuple[PastCall, ...] = ()

    def about(self) -> str:
        """What a call to them is about, as its attempt keeps it."""
        kept = About(
            kind=self.callee.kind, debt=self.callee.debt, seller=self.callee.seller, subject=self.callee.subject
        )
        return to_json(kept)


def campaign_law(conn: Connection, lawbook: Lawbook, campaign_id: CampaignId) -> CampaignLaw:
    """A campaign's law. Raises NotFound, and ValueError (FileError) for a profile that is not there or broken."""
    row = execute(conn, "campaign_settings", {"campaign_id": campaign_id}).first()
    if row is None:
        raise NotFound("campaign", campaign_id)
    kept = _settings.decode(row.settings)
    return CampaignLaw(
        campaign_id=campaign_id,
        plan=kept.compliance,
        mode=kept.mode,
        law=lawbook.law(kept.compliance.profiles),
        honours_lists=bool(row.honours_lists),
        ownership=kept.ownership,
        order=kept.order,
        zones=tuple((ListId(list_id), zone) for list_id, zone in _zones.decode(row.zones or "[]")),
        is_giving=bool(row.is_giving),
        lists=tuple(
            ListShare(list_id=ListId(list_id), weight=weight, priority=priority, is_active=bool(is_active))
            for list_id, weight, priority, is_active in _lists.decode(row.lists or "[]")
        ),
    )


def note_use(conn: Connection, lawbook: Lawbook, found: CampaignLaw, now_ms: int) -> None:
    """Write down each profile, as its file is now, the first time a call is decided by it."""
    for name in found.plan.profiles:
        version = lawbook.version(name)
        if (name, version.sha256) in lawbook.noted:
            continue
        parameters = {"name": name, "sha256": version.sha256}
        if (known := execute(conn, "profile_is_known", parameters).first()) is not None:
            if known.first_used_at_ms < now_ms:  # not by this transaction, which may yet be undone
                lawbook.noted.add((name, version.sha256))
            continue
        kept = parameters | {"source": version.source, "now_ms": now_ms}
        if execute(conn, "add_profile_version", kept).first() is None:
            continue  # another process was first
        details = {"sha256": version.sha256, "title": version.profile.title, "campaign": found.campaign_id}
        record(
            conn,
            who="outring",
            what="compliance profile first used",
            subject=f"profile {name}",
            details=details,
            at_ms=now_ms,
        )


def ask(
    conn: Connection,
    found: CampaignLaw,
    numbers: Mapping[ContactId, Number],
    now_ms: int,
    *,
    is_by_hand: bool = False,
    without: str = "",
) -> dict[ContactId, Asked]:
    """Each contact with the calls made to them, in the order given, to be dialed at these numbers.

    A contact that is not there (a number just typed) is taken for the number alone. without: an attempt that is not
    looked at among the calls: the one which is asked about.
    """
    rows = {row.id: row for row in execute(conn, "callees", {"contacts_json": to_json(list(numbers))})}
    asked = {
        contact_id: Asked(callee=_callee(found, contact_id, number, rows.get(contact_id), is_by_hand=is_by_hand))
        for contact_id, number in numbers.items()
    }
    if not found.law.reach_ms:
        return asked
    history = _histories(conn, asked, rows, now_ms - found.law.reach_ms - MOST_BEFORE_CALL_MS, without)
    return {key: replace(one, history=history.get(key, ())) for key, one in asked.items()}


def decide(found: CampaignLaw, asked: Asked, now_ms: int) -> Decision:
    """May they be called now, and until when; else from when."""
    return found.law.decide(asked.callee, asked.history, now_ms)


def verdicts(found: CampaignLaw, asked: Asked, now_ms: int) -> tuple[Verdict, ...]:
    """Every rule with what it says."""
    return found.law.judge(asked.callee, asked.history, now_ms)


def refusal(found: CampaignLaw, asked: Asked, now_ms: int) -> str:
    """Why they may not be called now, in words: by a rule that waiting does not help, else by the one that lasts."""
    said = [verdict for verdict in verdicts(found, asked, now_ms) if not verdict.is_allowed]
    if not said:
        return ""
    worst = max(said, key=lambda verdict: (verdict.from_ms is None, verdict.from_ms or 0))
    whose = f"{worst.profile}, {worst.rule.replace('_', ' ')}" if worst.profile else worst.rule
    return f"{whose}: {worst.why} ({worst.basis.source})"


def _callee(
    found: CampaignLaw, contact_id: ContactId, number: Number, row: Row[Any] | None, *, is_by_hand: bool
) -> Callee:
    plan, mode = found.plan, found.mode
    callee = Callee(
        number=number,
        person=str(contact_id),
        seller=plan.seller,
        subject=plan.subject,
        kind=CallKind.PRERECORDED if mode is DialingMode.BROADCAST and not is_by_hand else CallKind.LIVE,
        consent=plan.consent,
        is_autodialed=not (is_by_hand or mode in _BY_HAND),
        agent_guaranteed=is_by_hand or mode in _WITH_AGENT,
    )
    if row is None:
        return callee
    debt = ""
    if plan.debt_column:
        debt = _fields.decode(row.fields).get(plan.debt_column, "").strip()
    return replace(
        callee,
        time_zone=row.time_zone,
        region=row.region,
        consent=_CONSENTS.get(row.consent, plan.consent),
        debt=debt,
    )


def _histories(
    conn: Connection, asked: Mapping[ContactId, Asked], rows: Mapping[int, Row[Any]], since_ms: int, without: str
) -> dict[ContactId, tuple[PastCall, ...]]:
    """The calls to any of a person's numbers, in any campaign, and to any contact that is them."""
    wanted = [
        [contact_id, number]
        for contact_id, one in asked.items()
        for number in dict.fromkeys([one.callee.number, *_phones(rows.get(contact_id))])
    ]
    parameters = {
        "numbers_json": to_json(wanted),
        "contacts_json": to_json(list(asked)),
        "since_ms": since_ms,
    }
    found = [row for row in execute(conn, "call_history", parameters) if row.id != without]
    effects = _effects(conn, found)
    calls: dict[ContactId, dict[str, PastCall]] = {}
    for row in found:
        contact_id = ContactId(row.asked_id)
        past = _past(row, asked[contact_id].callee, effects)
        if past is not None:
            calls.setdefault(contact_id, {})[row.id] = past
    return {contact_id: tuple(each.values()) for contact_id, each in calls.items()}


def _phones(row: Row[Any] | None) -> Iterable[str]:
    return () if row is None else (one for one in (row.phone1, row.phone2, row.phone3, row.phone4, row.phone5) if one)


def _past(row: Row[Any], callee: Callee, effects: Mapping[tuple[int, str], DispositionEffect]) -> PastCall | None:
    """A call as the law counts it; None for an attempt that never came near a phone."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    if not _was_made(row, outcome):
        return None
    about = About() if row.about is None else _about.decode(row.about)
    return PastCall(
        at_ms=row.opened_at_ms if row.placed_at_ms is None else row.placed_at_ms,
        number=Number(row.number),
        person=callee.person,  # it was made to one of their numbers, or to them
        debt=about.debt,
        seller=about.seller,
        subject=about.subject,
        kind=about.kind or callee.kind,
        marks=_marks(row, outcome, effects),
    )


def _was_made(row: Row[Any], outcome: Outcome | None) -> bool:
    """Whether a call was made, as far as anybody knows: open and lost ones were.

    One that a trunk turned away before the phone could ring was none.
    """
    if outcome is None or outcome is Outcome.CONTROLLER_LOST:
        return True
    if row.placed_at_ms is None:
        return False
    reached = row.ringing_at_ms is not None or row.progress_at_ms is not None or row.answered_at_ms is not None
    return reached or OUTCOMES[outcome].retry is not RetryClass.SOON


def _marks(
    row: Row[Any], outcome: Outcome | None, effects: Mapping[tuple[int, str], DispositionEffect]
) -> frozenset[Mark]:
    if outcome is None or outcome is Outcome.CONTROLLER_LOST:
        return _UNKNOWN
    effect = effects.get((row.campaign_id, row.disposition))
    says_no = row.disposition in REFUSALS or effect is DispositionEffect.DO_NOT_CALL or outcome is Outcome.DO_NOT_CALL
    found = {
        Mark.ABANDONED: outcome in ABANDONED,
        Mark.MACHINE: outcome in _MACHINES,
        Mark.CONVERSATION: outcome in _TALKS or row.connected_at_ms is not None,
        Mark.REFUSED: says_no,
    }
    return frozenset(mark for mark, is_left in found.items() if is_left)


def _effects(conn: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[int, str], DispositionEffect]:
    """What the dispositions in these calls do, by campaign and code."""
    wanted = {row.campaign_id for row in rows if row.disposition}
    if not wanted:
        return {}
    found: dict[tuple[int, str], DispositionEffect] = {}
    for campaign_id in wanted:
        row = execute(conn, "campaign_settings", {"campaign_id": campaign_id}).first()
        if row is not None:
            for one in _dispositions.decode(row.settings).agents.dispositions:
                found[campaign_id, one.code] = one.effect
    return found


def used_profiles(conn: Connection) -> dict[str, list[CampaignId]]:
    """The profiles that campaigns name, each with the campaigns."""
    named: dict[str, list[CampaignId]] = {}
    for row in conn.execute(select(campaigns.c.id, campaigns.c.settings).order_by(campaigns.c.id)):
        plan = msgspec.convert(row.settings.get("compliance") or {}, CompliancePlan)
        for name in plan.profiles:
            named.setdefault(name, []).append(CampaignId(row.id))
    return named
