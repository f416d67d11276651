"""Whether what an operator wants makes sense: limits, names and words of trunks and campaigns, told for people."""

from __future__ import annotations

import re
from typing import Final

from app.agents import AgentPlan, DialingMode, DispositionEffect, PacingPlan, RecordingPolicy
from app.asterisk.endpoint import ENDPOINT_NAME, QUEUE_NAME, caller_id_for
from app.compliance.library import Lawbook
from app.compliance.plan import DEFAULT_PROFILE, CompliancePlan
from app.model import Campaign, Trunk
from app.ownership import OwnershipRule
from app.units import DAY_MS, HOUR_MS, SECOND_MS

MAX_LINES: Final = 10_000
MAX_CALLS_PER_SECOND: Final = 1_000
MAX_DISPOSITIONS: Final = 50
MAX_WORDS: Final = 2_000
MAX_ABANDONMENT: Final = 0.03
"""The most a campaign may aim at: 3% of the live answers (47 CFR 64.1200(a)(7); Ofcom, "Persistent misuse", 2016)."""
MAX_CONNECT_MS: Final = 2 * SECOND_MS
"""Who is not with an agent by then is abandoned, by the same rules; longer would only hide it."""
MAX_RATIO: Final = 10.0
MAX_CALLS_PER_AGENT: Final = 50.0
MIN_WINDOW_MS: Final = HOUR_MS
MAX_WINDOW_MS: Final = 30 * DAY_MS
MIN_RING_MS: Final = 10 * SECOND_MS
MAX_RING_MS: Final = 60 * SECOND_MS
MAX_COOL_DOWN_MS: Final = 30 * DAY_MS
MAX_MACHINE_ERROR: Final = 0.2
MAX_PROFILES: Final = 20
MAX_ESCALATION_MS: Final = 365 * DAY_MS
MAX_WORD: Final = 128


class OperationError(Exception):
    """What was asked cannot be done; the message says why and what would help."""


class NotNow(OperationError):
    """It could be done, but not to a thing in the state this one is in."""


def check_trunk(trunk: Trunk) -> None:
    """Raises OperationError for the first thing that is wrong with a trunk."""
    if not ENDPOINT_NAME.fullmatch(trunk.endpoint):
        raise OperationError(
            f"trunk {trunk.id}: endpoint {trunk.endpoint[:40]!r} is not the name of a PJSIP endpoint; "
            "use its section name in pjsip.conf, such as my-provider"
        )
    for prefix in trunk.prefixes:
        if not (prefix.startswith("+") and prefix[1:].isascii() and (prefix == "+" or prefix[1:].isdigit())):
            raise OperationError(
                f"trunk {trunk.id}: prefix {prefix[:20]!r} is not the beginning of a number, as in +44"
            )
    _check_number_format(trunk)
    _check_limits(f"trunk {trunk.id}", trunk.lines, trunk.calls_per_second)
    _check_caller_id(f"trunk {trunk.id}", trunk.caller_id)


def _check_number_format(trunk: Trunk) -> None:
    form = trunk.number_format
    for what, digits in (("country code", form.country_code), ("national prefix", form.national_prefix)):
        if not re.fullmatch(r"[0-9]{0,6}", digits):
            raise OperationError(f"trunk {trunk.id}: {what} {digits[:20]!r} is not up to 6 digits, as in 44 or 0")
    if not re.fullmatch(r"\+?[0-9]{0,8}", form.prefix):
        raise OperationError(f"trunk {trunk.id}: {form.prefix[:20]!r} before the number is not up to 8 digits, as in 9")


def ownership_problem(plan: Campaign) -> str:
    """What is wrong with whose a campaign's contacts are; "": nothing."""
    owning = plan.ownership
    if not owning.has_owners:
        return ""
    if plan.mode is DialingMode.BROADCAST:
        return "a broadcast has no agents whose its contacts could be: choose nobody, or another mode"
    if plan.agents.queue:
        return "a queue of your Asterisk serves it, and nobody knows its members: choose nobody, or our own agents"
    if not 0 <= owning.escalates_after_ms <= MAX_ESCALATION_MS:
        return "an owner has up to 365 days"
    if owning.rule is OwnershipRule.ESCALATION and not owning.escalates_after_ms:
        return "say after how many days a contact goes to anyone, or choose that the first agent keeps them"
    if owning.rule is OwnershipRule.FLAG and not owning.flag_column.strip():
        return "say which column of the list tells whose contacts are kept for their owner"
    return ""


def order_problem(plan: Campaign) -> str:
    """What is wrong with the order in which a campaign calls; "": nothing."""
    if plan.order.best_hour and plan.strategy is not None:
        return "its call strategy says when and on which phone: choose none, or do without the best hour"
    return ""


def _check_order(where: str, plan: Campaign) -> None:
    if problem := order_problem(plan):
        raise OperationError(f"{where}: {problem}")


def _check_ownership(where: str, plan: Campaign) -> None:
    if problem := ownership_problem(plan):
        raise OperationError(f"{where}: {problem}")


def check_campaign(plan: Campaign) -> None:
    """Raises OperationError for the first thing that is wrong with a campaign."""
    where = f"campaign {plan.name!r}"
    if not plan.name.strip() or len(plan.name) > 128:
        raise OperationError("a campaign's name has 1 to 128 characters")
    _check_limits(where, plan.lines, plan.calls_per_second)
    _check_caller_id(where, plan.caller_id)
    if not 5_000 <= plan.ring_timeout_ms <= 120_000:
        raise OperationError(f"{where}: ring for 5 to 120 seconds, not {plan.ring_timeout_ms / 1_000:g}")
    if not 1 <= plan.retry.max_attempts <= 50:
        raise OperationError(f"{where}: 1 to 50 tries for a contact, not {plan.retry.max_attempts}")
    _check_ownership(where, plan)
    _check_order(where, plan)
    if not 1 <= plan.retry.max_faults <= 50:
        raise OperationError(f"{where}: 1 to 50 uncharged tries for a contact, not {plan.retry.max_faults}")
    _check_agent_plan(where, plan.agents)
    _check_pacing(where, plan.agents.pacing)
    _check_predictive(where, plan)
    _check_queue(where, plan)
    _check_compliance(where, plan.compliance)
    if plan.retry.retry_ms < 1_000 or plan.retry.fault_retry_ms < 1_000:
        raise OperationError(f"{where}: wait at least one second before a contact is tried again")


def _check_compliance(where: str, plan: CompliancePlan) -> None:
    if not 1 <= len(plan.profiles) <= MAX_PROFILES:
        raise OperationError(
            f"{where}: 1 to {MAX_PROFILES} compliance profiles, not {len(plan.profiles)}; {DEFAULT_PROFILE!r} where no "
            "law is chosen: nobody is called at a time that no profile allows"
        )
    for what, text in (("seller", plan.seller), ("subject", plan.subject), ("debt's column", plan.debt_column)):
        if len(text) > MAX_WORD or any(ord(letter) < 32 for letter in text):
            raise OperationError(f"{where}: the {what} has at most {MAX_WORD} characters in one line, not {len(text)}")


def check_profiles(plan: Campaign, lawbook: Lawbook) -> None:
    """Raises OperationError for a compliance profile that is not there, or whose file cannot be read."""
    try:
        lawbook.law(plan.compliance.profiles)
    except ValueError as error:
        raise OperationError(f"campaign {plan.name!r}: {error}") from error


def _check_agent_plan(where: str, plan: AgentPlan) -> None:
    limits = (
        ("calls for one agent at once", plan.lines_per_agent, 1, 10, 1, ""),
        ("connect within", plan.connect_within_ms, 500, 60_000, 1_000, " seconds"),
        ("hold", plan.hold_ms, 0, 600_000, 1_000, " seconds"),
        ("wrap-up", plan.wrap_up_ms, 0, 3_600_000, 1_000, " seconds"),
        ("extension of wrap-up", plan.wrap_up_extension_ms, 1_000, 3_600_000, 1_000, " seconds"),
        ("extensions of wrap-up", plan.max_extensions, 0, 100, 1, ""),
        ("time for a preview", plan.preview_ms, 3_000, 3_600_000, 1_000, " seconds"),
    )
    for what, value, least, most, unit, word in limits:
        if not least <= value <= most:
            raise OperationError(
                f"{where}: {what} must be {least / unit:g} to {most / unit:g}{word}, not {value / unit:g}"
            )
    codes = [disposition.code for disposition in plan.dispositions]
    if not 1 <= len(codes) <= MAX_DISPOSITIONS:
        raise OperationError(f"{where}: 1 to {MAX_DISPOSITIONS} dispositions, not {len(codes)}")
    for code in codes:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", code) or codes.count(code) > 1:
            raise OperationError(
                f"{where}: disposition {code[:40]!r} needs a code of its own: 1 to 40 small letters, digits, hyphens"
            )
    for disposition in plan.dispositions:
        if not 1 <= len(disposition.label.strip()) <= 64:
            raise OperationError(f"{where}: disposition {disposition.code!r} needs a name of 1 to 64 characters")
        if (disposition.effect is DispositionEffect.OTHER_CAMPAIGN) != bool(disposition.opens):
            raise OperationError(
                f"{where}: disposition {disposition.code!r} needs the effect 'another campaign' and that campaign, both"
            )
    for what, text in (("safe-harbor message", plan.safe_harbor), ("consent notice", plan.consent_notice)):
        if len(text) > MAX_WORDS:
            raise OperationError(f"{where}: the {what} has at most {MAX_WORDS} characters, not {len(text)}")
    if plan.recording is not RecordingPolicy.NEVER and not plan.consent_notice.strip():
        raise OperationError(
            f"{where}: conversations are not recorded without a consent notice; write what the person is told, or set "
            "recording to never"
        )


def _check_pacing(where: str, plan: PacingPlan) -> None:
    """The settings of the predictive mode, whatever the mode is now: it may be switched while the campaign runs."""
    problem = (
        abandonment_problem(plan.abandonment_target)
        or ratio_problem(plan.fixed_ratio)
        or min_ring_problem(plan.min_ring_ms)
    )
    if problem:
        raise OperationError(f"{where}: {problem}")
    if not MIN_WINDOW_MS <= plan.window_ms <= MAX_WINDOW_MS:
        raise OperationError(
            f"{where}: abandoned calls are counted over 1 hour to 30 days, not {plan.window_ms / HOUR_MS:g} hours"
        )
    if not 1 <= plan.calls_per_agent <= MAX_CALLS_PER_AGENT:
        raise OperationError(
            f"{where}: calls in flight for each agent, at most, must be 1 to {MAX_CALLS_PER_AGENT:g}, not "
            f"{plan.calls_per_agent:g}"
        )
    if not 0 <= plan.machine_error <= MAX_MACHINE_ERROR:
        raise OperationError(
            f"{where}: of the calls taken for machines 0 to {MAX_MACHINE_ERROR:.0%} may be people, not "
            f"{100 * plan.machine_error:g}%"
        )
    if not 0 <= plan.cool_down_ms <= MAX_COOL_DOWN_MS:
        raise OperationError(
            f"{where}: whoever was abandoned is left alone for 0 to 30 days, not {plan.cool_down_ms / DAY_MS:g}"
        )


def abandonment_problem(target: float) -> str:
    """What is wrong with an abandonment target, in a sentence; empty: nothing."""
    if 0 <= target <= MAX_ABANDONMENT:
        return ""
    return (
        "the abandonment target must be 0 to 0.03: the law caps it at 3% of the people who answer, "
        f"not {100 * target:g}%"
    )


def ratio_problem(ratio: float) -> str:
    """What is wrong with a fixed ratio, in a sentence; empty: nothing."""
    if ratio == 0 or 1 <= ratio <= MAX_RATIO:
        return ""
    return f"calls for each idle agent must be 0 (learned from the list) or 1 to {MAX_RATIO:g}, not {ratio:g}"


def min_ring_problem(min_ring_ms: int) -> str:
    """What is wrong with the ring before a call may be taken back, in a sentence; empty: nothing."""
    if min_ring_ms == 0 or MIN_RING_MS <= min_ring_ms <= MAX_RING_MS:
        return ""
    least, most = MIN_RING_MS / SECOND_MS, MAX_RING_MS / SECOND_MS
    return (
        f"a call may be taken back after {least:g} to {most:g} seconds of ringing, or never (0), not after "
        f"{min_ring_ms / SECOND_MS:g}"
    )


def _check_predictive(where: str, plan: Campaign) -> None:
    """What dialing ahead needs: agents whose talks and wrap-ups are seen, and the law's own measure of too late."""
    if plan.mode is not DialingMode.PREDICTIVE:
        return
    if plan.agents.queue:
        raise OperationError(
            f"{where}: predictive dialing needs agents of Outring, whose talks and wrap-ups it learns from, not the "
            f"queue {plan.agents.queue[:40]}; leave the queue empty, or use the progressive mode"
        )
    if plan.agents.connect_within_ms > MAX_CONNECT_MS:
        raise OperationError(
            f"{where}: in the predictive mode a person is with an agent within {MAX_CONNECT_MS / SECOND_MS:g} seconds, "
            f"or counts as abandoned; set connect within to at most that, not "
            f"{plan.agents.connect_within_ms / SECOND_MS:g}, or use the progressive mode"
        )


def _check_queue(where: str, plan: Campaign) -> None:
    """What an agent's card is needed for cannot be done with members of a queue of the PBX's own."""
    queue = plan.agents.queue
    if not queue:
        return
    if not QUEUE_NAME.fullmatch(queue):
        raise OperationError(
            f"{where}: the queue's name {queue[:40]!r} cannot be dialed: 2 to 40 letters, digits, `_`, `.`, `-` are "
            "taken; give the queue such a name in queues.conf"
        )
    if plan.mode in (DialingMode.PREVIEW, DialingMode.MANUAL):
        raise OperationError(
            f"{where}: members of the queue {queue} have no card here to dial from; use the progressive mode, or "
            "agents of Outring"
        )
    if plan.agents.recording is not RecordingPolicy.NEVER:
        raise OperationError(
            f"{where}: what is said in the queue {queue} is recorded by the queue (queues.conf, monitor-format); set "
            "recording to never here"
        )


def _check_limits(where: str, lines: int, calls_per_second: float) -> None:
    if not 1 <= lines <= MAX_LINES:
        raise OperationError(f"{where}: calls at once must be 1 to {MAX_LINES}, not {lines}")
    if not 0.001 <= calls_per_second <= MAX_CALLS_PER_SECOND:
        raise OperationError(
            f"{where}: new calls per second must be 0.001 to {MAX_CALLS_PER_SECOND}, not {calls_per_second:g}"
        )


def _check_caller_id(where: str, caller_id: str) -> None:
    try:
        caller_id_for(caller_id)
    except ValueError as error:
        raise OperationError(f"{where}: {error}") from error
