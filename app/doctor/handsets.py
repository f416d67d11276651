"""The phones of agents: how soon Asterisk notices that one is lost, by the settings of its endpoint and its aor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.asterisk.ari.errors import AriError, AriNotFound
from app.asterisk.ari.operations import Resources
from app.doctor.finding import Finding, Step, bad, good, unknown
from app.doctor.subject import Subject
from app.doctor.trunks import PJSIP_RELOAD, Options, object_options

NOTICED_WITHIN_S: Final = 3.0
"""What agents and the people on their lines are promised."""
MOST_RTP_S: Final = 2
"""Asterisk compares whole seconds: so many are noticed after up to one more."""


async def phone(subject: Subject, ari: Resources, endpoint: str) -> Finding:
    """All about one phone's being lost."""
    try:
        await ari.endpoints.get(tech="PJSIP", resource=endpoint)
    except AriNotFound:
        return bad(
            Step.PHONE_LOSS,
            f"Phone {endpoint}: Asterisk has no PJSIP endpoint of that name.",
            mend=f"Write a section [{endpoint}] from the template [outring-phone] (asterisk/conf/pjsip.conf), then "
            f"{subject.conf.reload(PJSIP_RELOAD)}, or remove the phone in Outring.",
            place=subject.conf.place("pjsip.conf", endpoint),
        )
    except AriError as error:
        return unknown(Step.PHONE_LOSS, f"Phone {endpoint}: whether Asterisk has it is not known: {error}.")
    options = await object_options(ari, "endpoint", endpoint)
    aor = await object_options(ari, "aor", options.get("aors", endpoint).split(",")[0])
    if not options or not aor:
        return unknown(
            Step.PHONE_LOSS, f"Phone {endpoint}: its settings cannot be asked; see asterisk/conf/pjsip.conf."
        )
    return judged(subject, endpoint, options, aor)


def judged(subject: Subject, endpoint: str, options: Options, aor: Options) -> Finding:
    """How soon a loss is noticed in a call, by the sound, and while idle, by asking."""
    sound_s = _whole(options.get("rtp_timeout", "0"))
    every_s = _whole(aor.get("qualify_frequency", "0"))
    idle_s = every_s + _seconds(aor.get("qualify_timeout", "3.0"))
    wrong: list[str] = []
    lines: list[str] = []
    if not sound_s:
        wrong.append("one that falls silent in a call is never noticed (rtp_timeout is 0)")
    elif sound_s > MOST_RTP_S:
        wrong.append(f"one that falls silent in a call is noticed after up to {sound_s + 1} s (rtp_timeout)")
    if not sound_s or sound_s > MOST_RTP_S:
        lines.append(f"in [{endpoint}] write `rtp_timeout = {MOST_RTP_S}`")
    if not every_s:
        wrong.append("an idle one that vanishes is noticed when its registration runs out (qualify_frequency is 0)")
    elif idle_s > NOTICED_WITHIN_S:
        wrong.append(f"an idle one that vanishes is noticed after up to {idle_s:g} s (qualify_frequency and _timeout)")
    if not every_s or idle_s > NOTICED_WITHIN_S:
        lines.append("in its aor write `qualify_frequency = 1` and `qualify_timeout = 1.5`")
    if not wrong:
        return good(
            Step.PHONE_LOSS,
            f"Phone {endpoint}: its loss is noticed within {sound_s + 1} s in a call, and {idle_s:g} s while idle.",
        )
    mend = "; ".join(lines)
    return bad(
        Step.PHONE_LOSS,
        f"Phone {endpoint}: {'; '.join(wrong)}. The person on its line hears nothing so long.",
        mend=f"{mend[0].upper()}{mend[1:]}, then {subject.conf.reload(PJSIP_RELOAD)}",
        place=subject.conf.place("pjsip.conf", endpoint, "rtp_timeout"),
    )


def in_order(endpoints: Sequence[str]) -> list[str]:
    """Each phone once."""
    return sorted(set(endpoints))


def _whole(text: str) -> int:
    return int(_seconds(text))


def _seconds(text: str) -> float:
    try:
        return float(text or "0")
    except ValueError:
        return 0.0
