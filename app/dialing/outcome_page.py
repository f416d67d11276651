"""The numbered outcomes as a page for people, written from the tables themselves (docs/outcomes.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.dialing.verdict import CAUSE_OUTCOMES, HUNG_UP_AT_ONCE_MS, SIP_OUTCOMES
from app.outcomes import OUTCOMES, Outcome, RetryClass

_HEAD: Final = """\
# What came of an attempt

Written from the tables in `app/outcomes.py` and `app/dialing/verdict.py`. Every attempt ends with one of these numbers;
the live page, the export and REST show the number, the label, or both. *Charged*: the try counts against the campaign's
limit (`--tries`). *From*: what the network says of a call that nobody answered; the final SIP response goes before the
Q.850 cause, which is looked at where there was no response. Numbers with a dash come from what we did or heard, as the
notes below say, or are kept for ways of calling that are still to come.

| no. | outcome | charged | what becomes of the contact | from |
|---|---|---|---|---|
"""
_NEXT: Final[dict[RetryClass, str]] = {
    RetryClass.NEVER: "done: *connected*",
    RetryClass.LATER: "tried again after the campaign's delay, or as its strategy says; at last *retries completed*",
    RetryClass.SOON: "tried again by itself, later each time; after too many in this campaign, *not connected*",
    RetryClass.FIX: "another of the contact's phones, at once; none is left: *invalid number*, kept",
    RetryClass.BACK: "waits again, as before the attempt",
    RetryClass.UNKNOWN: "*dangling*: not dialed again",
}
_SETTLED: Final = {
    Outcome.DO_NOT_CALL: "another of their phones, at once; none is free, or the person asked: *do-not-call*",
    Outcome.NOT_ALLOWED: "done: *not allowed*, with the reason; nobody was called",
}
_FOOT: Final = f"""
## Rules around the tables

- Any other SIP response from 300 up, any other cause, and no word at all are *SIP error*.
- A call that rang until our own ring timeout, or got a 408 after ringing, is *no answer*; one that reached the timeout
  in silence, or got a 408 without ringing, is *no ringback*.
- One that rang and then ended with cause 0, 16, 27 or 41 and no SIP response is *network disconnect while ringing*.
- An answered call is *connected to IVR*, unless the flow found a fax, an answering machine or dead air, or the person
  hung up within {HUNG_UP_AT_ONCE_MS / 1_000:g} s (*customer hung up before the agent*), or we came too late to
  hold them (*abandoned by dialer*).
- A contact who asked not to be called again is *do-not-call* whatever the outcome; one whose number is on the list is
  called on another of their phones, and settled as *do-not-call* without a call where none is free.
- *not allowed by law* is no call: a compliance profile forbids it, and waiting would not help
  ([compliance.md](compliance.md)).
  Who may only not be called *now* stays in the line and has no outcome.
- *unsupported* is also the end when no trunk of the campaign carries the number; the contact is then *not connected* at
  once, because waiting would not mend it.
- *controller lost*: the dialer or Asterisk went away and nobody knows what came of the call. Calling twice is worse
  than not calling, so the contact is *dangling*. Once you have decided otherwise, `outring campaign requeue
  NAME --status dangling` (REST: `POST /campaigns/{{id}}/requeue`) puts them back into the line, their tries kept.
"""


def outcomes_page() -> str:
    """The whole of docs/outcomes.md."""
    return _HEAD + "".join(_row(outcome) for outcome in sorted(Outcome)) + _FOOT


def _row(outcome: Outcome) -> str:
    rule = OUTCOMES[outcome]
    then = _SETTLED.get(outcome, _NEXT[rule.retry])
    return f"| {outcome.value} | {rule.label} | {'yes' if rule.is_charged else 'no'} | {then} | {_sources(outcome)} |\n"


def _sources(outcome: Outcome) -> str:
    """`SIP 486, 600; cause 17`, or a dash."""
    found = [("SIP", _codes(SIP_OUTCOMES, outcome)), ("cause", _codes(CAUSE_OUTCOMES, outcome))]
    return "; ".join(f"{kind} {codes}" for kind, codes in found if codes) or "–"


def _codes(table: Mapping[int, Outcome], outcome: Outcome) -> str:
    return ", ".join(str(code) for code, found in sorted(table.items()) if found is outcome)
