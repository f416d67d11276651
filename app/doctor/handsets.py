"""The phones of agents: how soon Asterisk notices that one is lost, and whether it speaks the trunk's sound format.

Both are read from the settings of its endpoint and its aor.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from app.asterisk.ari.errors import AriError, AriNotFound
from app.asterisk.ari.operations import Resources
from app.doctor.finding import Finding, Step, bad, good, unknown
from app.doctor.subject import Subject
from app.doctor.trunks import PJSIP_RELOAD, SPOKEN, Options, object_options
from app.model import Trunk

NOTICED_WITHIN_S: Final = 3.0
"""What agents and the people on their lines are promised."""
MOST_RTP_S: Final = 2
"""Asterisk compares whole seconds: so many are noticed after up to one more."""


async def phone(subject: Subject, ari: Resources, endpoint: str, *, wanted: str) -> AsyncIterator[Finding]:
    """All about one phone. wanted: the sound format that the trunks have in common, as `spoken_by_trunks` says."""
    try:
        await ari.endpoints.get(tech="PJSIP", resource=endpoint)
    except AriNotFound:
        yield bad(
            Step.PHONE_LOSS,
            f"Phone {endpoint}: Asterisk has no PJSIP endpoint of that name.",
            mend=f"Write a section [{endpoint}] from the template [outring-phone] (asterisk/conf/pjsip.conf), then "
            f"{subject.conf.reload(PJSIP_RELOAD)}, or remove the phone in Outring.",
            place=subject.conf.place("pjsip.conf", endpoint),
        )
        return
    except AriError as error:
        yield unknown(Step.PHONE_LOSS, f"Phone {endpoint}: whether Asterisk has it is not known: {error}.")
        return
    options = await object_options(ari, "endpoint", endpoint)
    aor = await object_options(ari, "aor", options.get("aors", endpoint).split(",")[0])
    if options and aor:
        yield judged(subject, endpoint, options, aor)
    else:
        yield unknown(Step.PHONE_LOSS, f"Phone {endpoint}: its settings cannot be asked; see asterisk/conf/pjsip.conf.")
    if options:
        yield codecs(subject, endpoint, options.get("allow", ""), wanted=wanted)


async def spoken_by_trunks(ari: Resources, trunks: Sequence[Trunk]) -> str:
    """The sound format that calls most likely have: the first G.711 of the first trunk that all trunks allow."""
    allowed: list[list[str]] = []
    for endpoint in dict.fromkeys(trunk.endpoint for trunk in trunks if trunk.is_enabled):
        spoken = in_their_order((await object_options(ari, "endpoint", endpoint)).get("allow", ""))
        if SPOKEN & set(spoken):
            allowed.append([one for one in spoken if one in SPOKEN])
    for one in allowed[0] if allowed else ():
        if all(one in spoken for spoken in allowed):
            return one
    return allowed[0][0] if allowed else "alaw"


def in_their_order(allow: str) -> list[str]:
    """Formats as Asterisk tells them, "(alaw|ulaw)", the preferred one first."""
    return re.findall(r"[A-Za-z0-9]+", allow)


def codecs(subject: Subject, endpoint: str, allow: str, *, wanted: str) -> Finding:
    """Whether nothing has to be converted between a phone and the trunk.

    Debian's and Ubuntu's Asterisk, while it converts, drops the sound of a new speaker whose packets are numbered lower
    than the last one's. Outring wakes whoever hears somebody new (see docs/telephony.md); where nothing is converted,
    nobody has to be woken.
    """
    spoken = in_their_order(allow)
    if spoken == [wanted]:
        return good(Step.PHONE_CODECS, f"Phone {endpoint}: speaks {wanted} like the trunk; nothing is converted.")
    if not spoken:
        what = "allows no sound format at all: nobody would hear anything"
    elif wanted in spoken:
        others = ", ".join(one for one in spoken if one != wanted)
        what = (
            f"may choose {others} where the trunk speaks {wanted}: then Asterisk converts, and Debian's and Ubuntu's "
            "may drop what is said meanwhile"
        )
    else:
        what = (
            f"speaks {', '.join(spoken)}, and the trunk {wanted}: Asterisk converts, and Debian's and Ubuntu's may "
            "drop what is said meanwhile"
        )
    line = (
        f"in Applications → Extensions → {endpoint} → Advanced, Disallowed Codecs write all, Allowed Codecs {wanted}"
        if subject.conf.is_freepbx
        else f"in [{endpoint}] write `disallow = all` and `allow = {wanted}`, as the template [outring-phone] does"
    )
    return bad(
        Step.PHONE_CODECS,
        f"Phone {endpoint}: {what}.",
        mend=f"{line[0].upper()}{line[1:]}, then {subject.conf.reload(PJSIP_RELOAD)}; calls that are up keep their own",
        place=subject.conf.place("pjsip.conf", endpoint, "allow"),
    )


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
