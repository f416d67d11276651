"""A campaign's settings as the five steps of its form: what stands in the fields, and what is made of what was typed.

Each step is a pair: `fields_of_…` fills the form from a campaign, `…_step` reads the form into a campaign. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final, assert_never

from app.agents import (
    AgentPlan,
    DialingMode,
    Disposition,
    DispositionEffect,
    PacingPlan,
    PacingSignal,
    PreviewDefault,
    RecordingPolicy,
)
from app.calling_order import OrderPlan
from app.compliance.plan import CompliancePlan
from app.compliance.rules import Consent
from app.model import CallerIdChoice, CallerIdPlan, Campaign
from app.ownership import OwnershipPlan, OwnershipRule
from app.pacing.language import Guard
from app.panel.forms import Form
from app.plan_checks import (
    MAX_ABANDONMENT,
    MAX_CALLS_PER_AGENT,
    MAX_CONNECT_MS,
    MAX_COOL_DOWN_MS,
    MAX_MACHINE_ERROR,
    MAX_PROFILES,
    MAX_RATIO,
    MAX_WINDOW_MS,
    MIN_WINDOW_MS,
    min_ring_problem,
    order_problem,
    ownership_problem,
    ratio_problem,
)
from app.store.campaigns import CampaignEntry
from app.store.mixing import MAX_PRIORITY, MAX_WEIGHT, ListShare
from app.strategy.rows import CallStrategy
from app.units import DAY_MS, HOUR_MS, SECOND_MS, FlowId, TrunkId

NO_PROFILE: Final = "choose at least one: nobody is called at a time that no profile allows"
STEPS: Final = ("contacts", "when", "how", "hear", "start")
SPARE_ROWS: Final = 2
"""Empty rows for more dispositions."""
TRUNK_FIELD: Final = "trunk:"


def _seconds(length_ms: int) -> str:
    return f"{length_ms / 1_000:g}"


# --- 1: contacts -----------------------------------------------------------------------------------------------------


def contacts_fields(entry: CampaignEntry) -> Form:
    """Name, lists, language."""
    plan = entry.campaign
    return Form({"name": plan.name, "language": plan.language}, {"lists": [str(one) for one in entry.list_ids]})


def share_fields(shares: Sequence[ListShare]) -> dict[str, str]:
    """How its lists share the calls: three fields for each."""
    found: dict[str, str] = {}
    for one in shares:
        found |= {f"share_weight:{one.list_id}": str(one.weight), f"share_priority:{one.list_id}": str(one.priority)}
        found |= {f"share_on:{one.list_id}": "yes"} if one.is_active else {}
    return found


def read_shares(form: Form, shares: Sequence[ListShare]) -> list[ListShare]:
    """What was typed of lists that were there; those of others are as they were."""
    return [
        replace(
            one,
            weight=form.whole(f"share_weight:{one.list_id}", 0, MAX_WEIGHT),
            priority=form.whole(f"share_priority:{one.list_id}", -MAX_PRIORITY, MAX_PRIORITY),
            is_active=form.ticked(f"share_on:{one.list_id}"),
        )
        for one in shares
        if form.has(f"share_weight:{one.list_id}")
    ]


def contacts_step(form: Form, plan: Campaign) -> Campaign:
    """Lists are attached beside this: they are no setting."""
    name = form.text("name", least=1)
    language = form.matching("language", r"[a-z]{2}(-[A-Z]{2})?", "a language such as en, ru or en-GB is expected")
    return replace(plan, name=name, language=language)


# --- 2: who and when -------------------------------------------------------------------------------------------------


def when_fields(entry: CampaignEntry) -> Form:
    """Tries, and the laws they come under. Which agents serve is beside this."""
    retry, law = entry.campaign.retry, entry.campaign.compliance
    strategy = entry.campaign.strategy
    given = {
        "strategy": "" if strategy is None else strategy.name,
        "max_attempts": str(retry.max_attempts), "retry_h": f"{retry.retry_ms / HOUR_MS:g}",
        "max_faults": str(retry.max_faults), "consent": law.consent.name, "seller": law.seller,
        "subject": law.subject, "debt_column": law.debt_column,
        **owner_fields(entry.campaign.ownership),
    }  # fmt: skip
    boxes = {"by_time_zone": entry.campaign.order.by_time_zone, "best_hour": entry.campaign.order.best_hour}
    return Form(given | {name: "yes" for name, is_on in boxes.items() if is_on}, {"profiles": list(law.profiles)})


def when_step(form: Form, plan: Campaign, strategies: Sequence[CallStrategy]) -> Campaign:
    """How often a contact is tried, how long apart, and by which laws. strategies: those there are."""
    chosen = next((one for one in strategies if one.name == form["strategy"]), None)
    if form["strategy"] and chosen is None:
        form.wrong("strategy", "choose one of the list")
    retry = replace(
        plan.retry,
        max_attempts=form.whole("max_attempts", 1, 50),
        retry_ms=max(1_000, form.length_ms("retry_h", 0.001, 8_760, HOUR_MS)),
        max_faults=form.whole("max_faults", 1, 50),
    )
    order = OrderPlan(by_time_zone=form.ticked("by_time_zone"), best_hour=form.ticked("best_hour"))
    plan = replace(plan, retry=retry, strategy=chosen, compliance=read_compliance(form), order=order)
    if problem := order_problem(plan):
        form.wrong("best_hour", problem)
    return read_ownership(form, plan) if form.has("owner_rule") else plan


def owner_fields(owning: OwnershipPlan) -> dict[str, str]:
    """What stands in the fields of whose the contacts are."""
    days = owning.escalates_after_ms / DAY_MS
    return {
        "owner_rule": owning.rule.value, "owner_days": f"{days:g}" if days else "", "flag_column": owning.flag_column,
    }  # fmt: skip


def read_ownership(form: Form, plan: Campaign) -> Campaign:
    """Whose the contacts are; a broadcast, which has no agents, does not ask."""
    days = form.length_ms("owner_days", 0, 365, DAY_MS) if form["owner_days"].strip() else 0
    owning = OwnershipPlan(
        rule=form.choice("owner_rule", OwnershipRule), escalates_after_ms=days, flag_column=form.text("flag_column")
    )
    owned = replace(plan, ownership=owning)
    if problem := ownership_problem(owned):
        form.wrong("owner_rule", problem)
    return owned


def read_compliance(form: Form) -> CompliancePlan:
    """The laws of a campaign; whether there is such a profile is asked when it is kept."""
    profiles = tuple(dict.fromkeys(form.all("profiles")))
    if not 1 <= len(profiles) <= MAX_PROFILES:
        form.wrong("profiles", NO_PROFILE)
    return CompliancePlan(
        profiles=profiles,
        seller=form.text("seller"),
        subject=form.text("subject"),
        consent=Consent[form.one_of("consent", Consent.__members__) or Consent.NONE.name],
        debt_column=form.text("debt_column"),
    )


# --- 3: how ----------------------------------------------------------------------------------------------------------


def how_fields(entry: CampaignEntry) -> Form:
    """Mode, trunks, limits, and what agents get time for."""
    plan, agents = entry.campaign, entry.campaign.agents
    given = {
        "mode": plan.mode.value, "lines": str(plan.lines), "calls_per_second": f"{plan.calls_per_second:g}",
        "ring_s": _seconds(plan.ring_timeout_ms), "caller_id": plan.caller_id,
        "caller_ids": plan.caller_ids.choice.value,
        "lines_per_agent": str(agents.lines_per_agent), "priority": str(agents.priority),
        "wrap_up_s": _seconds(agents.wrap_up_ms), "preview_s": _seconds(agents.preview_ms),
        "preview_default": agents.preview_default.value, "target_per_hour": str(agents.target_per_hour),
        "queue": agents.queue,
    }  # fmt: skip
    given |= pacing_fields(agents.pacing)
    order = {f"{TRUNK_FIELD}{trunk_id}": str(at) for at, trunk_id in enumerate(plan.trunks, 1)}
    return Form(given | order, {"signals": [one.value for one in agents.pacing.signals]})


def pacing_fields(pacing: PacingPlan) -> dict[str, str]:
    """What stands in the fields of the predictive mode."""
    return {
        "target_percent": f"{100 * pacing.abandonment_target:g}", "window_h": f"{pacing.window_ms / HOUR_MS:g}",
        "guard": pacing.guard.value, "fixed_ratio": f"{pacing.fixed_ratio:g}",
        "min_ring_s": _seconds(pacing.min_ring_ms), "calls_per_agent": f"{pacing.calls_per_agent:g}",
        "cool_down_h": f"{pacing.cool_down_ms / HOUR_MS:g}",
        "machine_error_percent": f"{100 * pacing.machine_error:g}",
    }  # fmt: skip


def how_step(form: Form, plan: Campaign, trunk_ids: Sequence[TrunkId]) -> Campaign:
    """trunk_ids: those there are; each has a field with its place in the order, empty where it is not used.

    Fields of one mode only are read in that mode alone: in the others they are not shown, and stay as they were.
    """
    placed: list[tuple[int, TrunkId]] = []
    for trunk_id in trunk_ids:
        name = f"{TRUNK_FIELD}{trunk_id}"
        if form[name].strip():
            placed.append((form.whole(name, 1, 50), trunk_id))
    mode = form.choice("mode", DialingMode)
    agents = replace(
        plan.agents,
        priority=form.whole("priority", -100, 100),
        wrap_up_ms=form.length_ms("wrap_up_s", 0, 3_600),
        target_per_hour=form.whole("target_per_hour", 0, 1_000),
        queue=form.matching("queue", r"[A-Za-z0-9_.-]{0,64}", "the name of a queue is expected, as in queues.conf"),
    )
    match mode:
        case DialingMode.PROGRESSIVE:
            agents = replace(agents, lines_per_agent=form.whole("lines_per_agent", 1, 10))
        case DialingMode.PREVIEW:
            preview_default = form.choice("preview_default", PreviewDefault)
            agents = replace(agents, preview_ms=form.length_ms("preview_s", 3, 3_600), preview_default=preview_default)
        case DialingMode.PREDICTIVE:
            agents = replace(agents, pacing=read_pacing(form))
            _check_predictive(form, agents)
        case DialingMode.BROADCAST | DialingMode.MANUAL:
            pass
        case _:
            assert_never(mode)
    return replace(
        plan,
        mode=mode,
        trunks=tuple(trunk_id for _, trunk_id in sorted(placed)),
        lines=form.whole("lines", 1, 10_000),
        calls_per_second=form.number("calls_per_second", 0.001, 1_000),
        ring_timeout_ms=form.length_ms("ring_s", 5, 120),
        caller_ids=_shown_by(form, plan),
        caller_id=form.matching("caller_id", r"(\+?[0-9]{3,15})?", "3 to 15 digits are expected, with a plus or not"),
        agents=agents,
    )


def _shown_by(form: Form, plan: Campaign) -> CallerIdPlan:
    if not form.has("caller_ids"):
        return plan.caller_ids
    return replace(plan.caller_ids, choice=form.choice("caller_ids", CallerIdChoice))


def read_pacing(form: Form) -> PacingPlan:
    """The settings of the predictive mode."""
    percent = form.number("target_percent", 0, 100)
    if percent > 100 * MAX_ABANDONMENT:
        form.wrong("target_percent", "0 to 3 percent are expected: the law allows no more")
    ratio = form.number("fixed_ratio", 0, MAX_RATIO)
    if ratio_problem(ratio):
        form.wrong("fixed_ratio", "0, or 1 to 10, is expected")
    min_ring_ms = form.length_ms("min_ring_s", 0, 60)
    if min_ring_problem(min_ring_ms):
        form.wrong("min_ring_s", "0, or 10 to 60 seconds, are expected")
    return PacingPlan(
        abandonment_target=round(percent / 100, 8),
        window_ms=form.length_ms("window_h", MIN_WINDOW_MS / HOUR_MS, MAX_WINDOW_MS / HOUR_MS, HOUR_MS),
        guard=form.choice("guard", Guard),
        fixed_ratio=ratio,
        min_ring_ms=min_ring_ms,
        calls_per_agent=form.number("calls_per_agent", 1, MAX_CALLS_PER_AGENT),
        cool_down_ms=form.length_ms("cool_down_h", 0, MAX_COOL_DOWN_MS / HOUR_MS, HOUR_MS),
        machine_error=round(form.number("machine_error_percent", 0, 100 * MAX_MACHINE_ERROR) / 100, 8),
        signals=tuple(one for one in PacingSignal if one.value in form.all("signals")),
    )


def _check_predictive(form: Form, agents: AgentPlan) -> None:
    if agents.queue:
        form.wrong("queue", "predictive dialing needs our own agents: leave this empty, or choose the progressive mode")
    if agents.connect_within_ms > MAX_CONNECT_MS:
        form.wrong(
            "mode", "people of a predictive campaign are with an agent within 2 seconds: set that in step 4 first"
        )


# --- 4: what they hear and see ---------------------------------------------------------------------------------------


def hear_fields(entry: CampaignEntry) -> Form:
    """The flow, what is said to those who wait, recording, the script, the dispositions."""
    plan, agents = entry.campaign, entry.campaign.agents
    given = {
        "flow_id": str(plan.flow_id), "connect_s": _seconds(agents.connect_within_ms),
        "hold_s": _seconds(agents.hold_ms), "safe_harbor": agents.safe_harbor, "recording": agents.recording.value,
        "consent_notice": agents.consent_notice, "script": agents.script,
    }  # fmt: skip
    boxes = {
        "whispers_name": agents.whispers_name,
        "is_one_key": agents.is_one_key,
        "redials_typed": agents.redials_typed,
    }
    rows = disposition_rows(agents.dispositions)
    many = {name: [row[name] for row in rows] for name in DISPOSITION_FIELDS}
    return Form(given | {name: "yes" for name, is_on in boxes.items() if is_on}, many)


def hear_step(form: Form, plan: Campaign) -> Campaign:
    """Words and recording of a campaign, and its dispositions in their order."""
    flow_id = form["flow_id"]
    is_predictive = plan.mode is DialingMode.PREDICTIVE
    agents = replace(
        plan.agents,
        connect_within_ms=form.length_ms("connect_s", 0.5, MAX_CONNECT_MS / SECOND_MS if is_predictive else 60),
        hold_ms=form.length_ms("hold_s", 0, 600),
        safe_harbor=form.text("safe_harbor", most=2_000, is_line=False),
        recording=form.choice("recording", RecordingPolicy),
        consent_notice=form.text("consent_notice", most=2_000, is_line=False),
        script=form.text("script", most=20_000, is_line=False),
        whispers_name=form.ticked("whispers_name"),
        is_one_key=form.ticked("is_one_key"),
        redials_typed=form.ticked("redials_typed"),
        dispositions=read_dispositions(form),
    )
    if agents.recording is not RecordingPolicy.NEVER and not agents.consent_notice:
        form.wrong("consent_notice", "nobody is recorded without being told: write the notice, or record never")
    chosen = FlowId(int(flow_id)) if flow_id.isascii() and flow_id.isdigit() and len(flow_id) < 16 else plan.flow_id
    return replace(plan, flow_id=chosen, agents=agents)


DISPOSITION_FIELDS: Final = ("d_code", "d_label", "d_effect", "d_retry_h", "d_success", "d_opens")


def disposition_rows(dispositions: Sequence[Disposition]) -> list[dict[str, str]]:
    """The table of dispositions as fields, with some empty rows below."""
    rows = [
        {
            "d_code": one.code, "d_label": one.label, "d_effect": one.effect.value,
            "d_retry_h": f"{one.retry_ms / HOUR_MS:g}" if one.retry_ms else "",
            "d_success": "yes" if one.is_success else "no", "d_opens": str(one.opens or ""),
        }
        for one in dispositions
    ]  # fmt: skip
    empty = dict.fromkeys(DISPOSITION_FIELDS, "") | {"d_effect": DispositionEffect.CLOSE.value, "d_success": "no"}
    return rows + [dict(empty) for _ in range(SPARE_ROWS)]


def typed_rows(form: Form) -> list[Mapping[str, str]]:
    """The rows of the table as they stand in a form."""
    columns = [form.all(name) for name in DISPOSITION_FIELDS]
    return [dict(zip(DISPOSITION_FIELDS, row, strict=True)) for row in zip_longest(*columns, fillvalue="")]


def read_dispositions(form: Form) -> tuple[Disposition, ...]:
    """The rows that have a name; a new one gets its code from it. Emptying a name takes the row out."""
    found: list[Disposition] = []
    effects = {effect.value: effect for effect in DispositionEffect}
    for row in typed_rows(form):
        label = " ".join(row["d_label"].split())
        if not label:
            continue
        code = row["d_code"].strip() or _code(label, {one.code for one in found})
        hours = row["d_retry_h"].strip().replace(",", ".") or "0"
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", hours):
            form.wrong("dispositions", "hours are expected in the column of tries, such as 24 or 0.5")
            hours = "0"
        if len(label) > 64 or row["d_effect"] not in effects:
            form.wrong("dispositions", "a name has at most 64 characters, and an effect of the list")
            continue
        effect = effects[row["d_effect"]]
        retry_ms = round(float(hours) * HOUR_MS) if effect is DispositionEffect.RETRY else 0
        is_success = row["d_success"] == "yes"
        opens = _opened_by(form, row, effect)
        found.append(
            Disposition(code=code, label=label, effect=effect, retry_ms=retry_ms, is_success=is_success, opens=opens)
        )
    if not found:
        form.wrong("dispositions", "at least one disposition is needed")
    return tuple(found)


def _opened_by(form: Form, row: Mapping[str, str], effect: DispositionEffect) -> int:
    """The campaign a disposition opens contacts in; 0 with every other effect."""
    if effect is not DispositionEffect.OTHER_CAMPAIGN:
        return 0
    chosen = row["d_opens"]
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 16):
        form.wrong("dispositions", "choose which campaign is to call them")
        return 0
    return int(chosen)


_LATIN: Final = (
    "а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=h ц=c ч=ch ш=sh щ=sch "
    "ъ= ы=y ь= э=e ю=yu я=ya"
)
_CYRILLIC: Final = dict(pair.split("=") for pair in _LATIN.split())


def _code(label: str, taken: set[str]) -> str:
    """A code of a name: small letters, digits, hyphens, and none that is taken."""
    latin = "".join(_CYRILLIC.get(letter, letter) for letter in label.lower())
    base = re.sub(r"[^a-z0-9]+", "-", latin).strip("-")[:32] or "result"
    code, count = base, 1
    while code in taken:
        count += 1
        code = f"{base}-{count}"
    return code


FIELDS: Final[Mapping[str, Callable[[CampaignEntry], Form]]] = {
    "contacts": contacts_fields,
    "when": when_fields,
    "how": how_fields,
    "hear": hear_fields,
}
