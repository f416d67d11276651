"""Which dialer is on duty: nothing to mend, but good to know before a second one is started."""

from __future__ import annotations

from app.doctor.finding import Finding, Step, good, unknown
from app.store.duty import DutyEntry


def on_duty(entry: DutyEntry | None) -> Finding:
    """Who is on duty on the database of these settings. None: nobody ever was."""
    if entry is None:
        return unknown(Step.DUTY, "No dialer was ever on duty on this database.", mend="Start one: outring run")
    if entry.is_held:
        panel = f", its panel at {entry.url}" if entry.url else ""
        return good(
            Step.DUTY,
            f"On duty: {entry.place}{panel}. A second dialer on this database stands by: outring run --standby.",
        )
    if not entry.holder:
        return unknown(Step.DUTY, f"No dialer is on duty: {entry.place} left in order.", mend="Start one: outring run")
    silent_s = max(0, entry.now_ms - entry.renewed_at_ms) / 1_000
    return unknown(
        Step.DUTY,
        f"No dialer is on duty: {entry.place} is not heard of for {silent_s:,.0f} s.",
        mend="See whether it runs, and what it logged; start it again: outring run",
    )
