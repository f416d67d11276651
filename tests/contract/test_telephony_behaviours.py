"""Every number of the laboratory's table is called through the Telephony port: both worlds tell the same story."""

from app.events import (
    CallAnswered,
    CallEnded,
    CallProgressed,
    CallRinging,
    DigitPressed,
    FaxHeard,
    TalkEnded,
    TalkStarted,
)
from app.sim.causes import CAUSE_TEXTS
from app.sim.farend import FAX_TONE_NOTICED_MS
from asterisk.lab import BEHAVIOURS, Behaviour
from asterisk.lab.numbers import HangUp, Press, Record, Say, Wait, length_ms, named
from tests.contract.stage import Stage, contract

BY_NAME = {behaviour.name: behaviour for behaviour in BEHAVIOURS}
GIVES_UP_MS = 5_000
_WORDS = {"RINGING": CallRinging, "PROGRESS": CallProgressed, "ANSWER": CallAnswered}


def ends_itself(behaviour: Behaviour) -> bool:
    """Whether the far end hangs up by itself in a time a test can wait for."""
    steps = behaviour.steps
    return isinstance(steps[-1], HangUp) and not any(isinstance(step, Record) for step in steps)


@contract.each(BY_NAME)
async def test_a_number_is_told_as_the_table_says(stage: Stage, behaviour: Behaviour) -> None:
    never_replies = behaviour.final_reply_ms is None
    line = stage.place(behaviour.suffix, ring_timeout_ms=GIVES_UP_MS if never_replies else 40_000)
    keys = [step.key for step in behaviour.steps if isinstance(step, Press)]
    if behaviour.is_answered:
        await line.until(CallAnswered)
        for key in keys:
            assert (await line.until(DigitPressed)).digit == key
        if not ends_itself(behaviour):
            line.hang_up()
    ended = await line.until(CallEnded)

    told = [_WORDS[word] for word in behaviour.reported.dial_statuses if word in _WORDS]
    assert line.story == [kind.__name__ for kind in (*told, *[DigitPressed] * len(keys), CallEnded)]
    assert (ended.sip_code, ended.cause) == (behaviour.reported.tech_cause, behaviour.reported.cause)
    assert ended.cause_text == CAUSE_TEXTS[ended.cause]
    final_ms = line.when(CallAnswered if behaviour.is_answered else CallEnded)
    expected_ms = GIVES_UP_MS if behaviour.final_reply_ms is None else behaviour.final_reply_ms
    assert expected_ms - 150 < final_ms < expected_ms * 1.1 + 3_000


@contract
async def test_talk_is_heard_when_it_begins_and_when_it_is_over(stage: Stage) -> None:
    line = stage.place(named("answering-machine").suffix, watch_talk=True)
    await line.until(TalkStarted)
    ended = await line.until(TalkEnded)
    line.hang_up()
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "TalkStarted", "TalkEnded", "CallEnded"]
    greeting_and_beep_ms = 5_654 + 425
    assert abs(ended.length_ms - greeting_and_beep_ms) < 300


@contract
async def test_a_fax_is_told_once_while_its_tone_sounds(stage: Stage) -> None:
    line = stage.place(named("fax").suffix, watch_talk=True)
    await line.until(TalkEnded)
    line.hang_up()
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "TalkStarted", "FaxHeard", "TalkEnded", "CallEnded"]
    silence_before_ms, half_a_tone_ms = 500, FAX_TONE_NOTICED_MS // 2
    assert line.when(FaxHeard) - line.when(CallAnswered) > silence_before_ms + half_a_tone_ms


@contract.each({name: named(name) for name in ("person", "talks", "answering-machine", "screening-robot")})
async def test_nobody_who_speaks_is_a_fax(stage: Stage, behaviour: Behaviour) -> None:
    line = stage.place(behaviour.suffix, watch_talk=True)
    said_ms = sum(length_ms(step) for step in behaviour.steps if isinstance(step, Say | Wait))
    while sum(event.length_ms for event in line.events if isinstance(event, TalkEnded)) < said_ms * 0.6:
        await line.until(TalkEnded)
    line.hang_up()
    await line.until(CallEnded)
    assert "FaxHeard" not in line.story


@contract
async def test_who_says_nothing_is_not_heard(stage: Stage) -> None:
    line = stage.place(named("says-nothing").suffix, watch_talk=True)
    await line.until(CallAnswered)
    await stage.after_ms(3_000)
    line.hang_up()
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "CallEnded"]


@contract
async def test_talk_is_not_told_when_it_was_not_asked_for(stage: Stage) -> None:
    line = stage.place(named("hangs-up-mid-prompt").suffix)
    await line.until(CallEnded)
    assert line.story == ["CallRinging", "CallAnswered", "CallEnded"]
