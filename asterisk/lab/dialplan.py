"""The dialplan of the pretend telephone network, made from the table of numbers."""

from asterisk.lab.numbers import (
    ANSWERED,
    BEHAVIOURS,
    DEFAULT,
    LONGEST_CALL_MS,
    Behaviour,
    HangUp,
    Listen,
    Press,
    Record,
    Say,
    Step,
    Tone,
    Wait,
)

_ENTRY = """\
[network]
exten => _[+0-9]!,1,Set(NUMBER=${{FILTER(0-9,${{EXTEN}})}})
 same => n,Set(TIMEOUT(absolute)={longest_s})
 same => n,ExecIf($["${{NUMBER:0:1}}" = "7"]?Set(CHANNEL(language)=ru))
 same => n,GotoIf(${{DIALPLAN_EXISTS(network-${{NUMBER:-2}},s,1)}}?network-${{NUMBER:-2}},s,1)
 same => n,Goto(network-{default},s,1)
"""


def network_dialplan(recordings_dir: str) -> str:
    """The text of extensions.conf for the network; machines record into `recordings_dir`."""
    parts = [_ENTRY.format(longest_s=LONGEST_CALL_MS // 1_000, default=_context(DEFAULT))]
    parts += [_behaviour(behaviour, recordings_dir) for behaviour in BEHAVIOURS if behaviour.replies]
    return "\n".join(parts)


def _context(behaviour: Behaviour) -> str:
    return behaviour.suffix or "default"


def _behaviour(behaviour: Behaviour, recordings_dir: str) -> str:
    lines = [f"Wait({_seconds(behaviour.trying_ms)})"] if behaviour.trying_ms else []
    if behaviour.ring_ms is None:
        lines += ["Ringing()", f"Wait({_seconds(LONGEST_CALL_MS)})"]
    elif behaviour.ring_ms:
        lines += ["Ringing()", f"Wait({_seconds(behaviour.ring_ms)})"]
    if behaviour.announcement:
        lines += ["Progress()", *(f"Playback({say.sound},noanswer)" for say in behaviour.announcement)]
    if behaviour.sip_code == ANSWERED:
        lines.append("Answer(0,i)")
        for step in behaviour.steps:
            lines += _step(step, recordings_dir)
    elif behaviour.sip_code is not None:
        lines.append(f"PJSIPHangup({behaviour.sip_code})")
    steps = "\n".join(f" same => n,{line}" for line in lines)
    return f"; {behaviour.description}\n[network-{_context(behaviour)}]\nexten => s,1,NoOp({behaviour.name})\n{steps}\n"


def _step(step: Step, recordings_dir: str) -> list[str]:
    match step:
        case Say():
            return [f"Playback({step.sound})"]
        case Wait():
            return [f"Wait({_seconds(step.duration_ms)})"]
        case Press():
            return [f"SendDTMF({step.key},{step.rest_ms},{step.duration_ms})"]
        case Tone():
            return [
                f"Playtones({step.frequency_hz}/{step.duration_ms},0/60000)",
                f"Wait({_seconds(step.duration_ms)})",
                "StopPlaytones()",
            ]
        case Record():
            # q: no beep of its own; k: keep it when the caller hangs up; x: no key ends it.
            return [f"Record({recordings_dir}/${{NUMBER}}-${{UNIQUEID}}.wav,0,{step.longest_ms // 1_000},qkx)"]
        case HangUp():
            return ["Hangup(16)"]
        case Listen():
            return [f"Wait({_seconds(LONGEST_CALL_MS)})"]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1_000:g}"
