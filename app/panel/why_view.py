"""Why somebody is not called, as pages show it: each rule with its title, its words and its times on both clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from app.compliance.library import Lawbook
from app.compliance.rules import Callee
from app.compliance.zones import place_of
from app.outcomes import ContactStatus
from app.panel.calling_time import local
from app.panel.language import Wording, format_day
from app.panel.why_phrases import LAW_TITLES, TITLES
from app.store.lists import Contact
from app.store.waterfall import Waterfall
from app.store.why import REASONS, CampaignWhy, Reason
from app.units import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule. law: the profile's title, ""; opens: when time alone allows it, on the viewer's and callee's clocks."""

    title: str
    law: str
    is_allowed: bool
    why: str
    change: str
    source: str
    opens: str
    opens_there: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhySheet:
    """A contact in one campaign. held: how many rules hold the call back; first: the first of them, else None."""

    found: CampaignWhy
    rows: tuple[RuleRow, ...]
    held: int
    first: RuleRow | None
    opens: str
    opens_there: str


def sheet(found: CampaignWhy, contact: Contact, lawbook: Lawbook, words: Wording, now_ms: int) -> WhySheet:
    """What is shown of a contact in a campaign. Rules keep the order in which they are asked."""
    zones = zones_of(contact, found.number)
    rows = tuple(_row(one, found, zones, lawbook, words, now_ms) for one in found.reasons)
    held = [row for row in rows if not row.is_allowed]
    from_ms = found.from_ms if held else None
    return WhySheet(
        found=found,
        rows=rows,
        held=len(held),
        first=held[0] if held else None,
        opens="" if from_ms is None else words.minute(from_ms),
        opens_there="" if from_ms is None else there(from_ms, zones, words),
    )


def zones_of(contact: Contact, number: str) -> tuple[str, ...]:
    """Where a contact may be, as the law takes it."""
    if not number:
        return ()
    callee = Callee(number=Number(number), time_zone=contact.time_zone, region=contact.region)
    return place_of(callee).zones


def there(at_ms: int, zones: tuple[str, ...], words: Wording) -> str:
    """A moment on the callee's clock; where several are possible, on the first and the last of them."""
    if not zones:
        return ""
    first, last = min(zones, key=lambda name: _offset(at_ms, name)), max(zones, key=lambda name: _offset(at_ms, name))
    told = format_day(local(at_ms, first), words.language)
    if _offset(at_ms, first) == _offset(at_ms, last):
        return f"{told} ({first.replace('_', ' ')})"
    return f"{told} … {local(at_ms, last):%H:%M} ({first.replace('_', ' ')} … {last.replace('_', ' ')})"


def _offset(at_ms: int, name: str) -> timedelta:
    return local(at_ms, name).utcoffset() or timedelta()


def _row(
    one: Reason, found: CampaignWhy, zones: tuple[str, ...], lawbook: Lawbook, words: Wording, now_ms: int
) -> RuleRow:
    law, _, rule = one.rule.rpartition(": ")
    opens_ms = None if one.is_allowed or one.from_ms is None or one.from_ms <= now_ms else one.from_ms
    return RuleRow(
        title=words.say(LAW_TITLES.get(rule, rule.replace("_", " ")) if law else TITLES.get(rule, rule)),
        law=_law_title(lawbook, law),
        is_allowed=one.is_allowed,
        why=_of_status(one.why, found.status, words) if one.rule == "status" else words.say(one.why),
        change="" if one.is_allowed else words.say(one.change),
        source=one.source,
        opens="" if opens_ms is None else words.minute(opens_ms),
        opens_there="" if opens_ms is None else there(opens_ms, zones, words),
    )


def _law_title(lawbook: Lawbook, name: str) -> str:
    if not name:
        return ""
    known = lawbook.versions().get(name)
    return known.profile.title if known is not None else name


def _of_status(why: str, status: ContactStatus, words: Wording) -> str:
    """A settled contact's sentence is made of three: its status, what that means, and what it came from."""
    known = f"{status.value}: {REASONS[status]}" if status in REASONS else ""
    if not known or not why.startswith(known):
        return words.say(why)
    rest = why[len(known) :].strip().removeprefix("(").removesuffix(")")
    said = f"{words.say(status.value)}: {words.say(REASONS[status])}"
    return f"{said} ({words.say(rest)})" if rest else said


@dataclass(frozen=True, slots=True, kw_only=True)
class FallRow:
    """A step of the waterfall. link: to contacts it holds back; start, width: who is left and held, percent."""

    words: str
    lost: int
    left: int
    plus_minus: int
    link: str
    start: float
    width: float
    is_chosen: bool


def fall_rows(found: Waterfall, chosen: str) -> list[FallRow]:
    """The steps with their bars and links; chosen: the rule whose examples are shown."""
    base = f"/campaigns/{found.campaign_id}"
    total = max(1, found.total)
    rows = []
    for step in found.steps:
        is_settled = step.left + step.lost > found.waiting  # those are counted, and can be listed whole
        asked = urlencode({"status" if is_settled else "rule": step.rule})
        link = f"{base}/contacts?{asked}" if is_settled else f"{base}/why?{asked}#examples"
        rows.append(
            FallRow(
                words=step.words,
                lost=step.lost,
                left=step.left,
                plus_minus=step.plus_minus,
                link=link,
                start=round(100 * step.left / total, 2),
                width=round(100 * step.lost / total, 2),
                is_chosen=not is_settled and step.rule == chosen,
            )
        )
    return rows
