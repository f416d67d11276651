"""The demo's flow on a real Asterisk, with the real voice: each kind of person and machine gets what is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib.resources import files
from pathlib import Path

import pytest
import pytest_asyncio

from app.asterisk.telephony import AsteriskTelephony
from app.commands import AddDnc, FlowCommand, RenderPrompts
from app.events import CallAnswered, CallEnded, CallEvent, CallLeft, DncAdded
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.ivr.needs import prompts_needed
from app.ivr.prompts import PromptStudio
from app.ivr.result import EndedBy, FlowResult
from app.ivr.session import FlowSession
from app.model import Audio, Prompt
from app.outcomes import Outcome
from app.runtime import SystemClock
from app.units import Number
from asterisk.lab import Lab
from tests.contract.stage import PATIENCE_S, Line, Stage

pytestmark = pytest.mark.asterisk
FIELDS = {"name": "Анна", "amount": "21.05", "appointment": "2026-11-22"}
CALLED = ("", "10", "11", "12", "14", "17", "19", "21", "24", "30")


async def through(line: Line, flow: Flow, audio: dict[Prompt, Audio]) -> FlowResult:
    """One call through the flow; the disk always answers."""
    clock = line.stage.clock
    await line.until(CallAnswered)
    session = FlowSession(
        flow,
        attempt_id=line.attempt_id,
        number=Number("+447700900100"),
        fields=FIELDS,
        language="ru",
        audio=audio,
    )
    seen = len(line.told)

    def perform(commands: Sequence[FlowCommand]) -> None:
        for command in commands:
            if isinstance(command, AddDnc):
                written = DncAdded(number=command.number, attempt_id=command.attempt_id)
                perform(session.handle(written, clock.now_ms()))
            else:
                assert not isinstance(command, RenderPrompts), "everything was rendered before the call"
                line.do(command)  # type: ignore[arg-type]

    perform(session.start(clock.now_ms()))
    while True:
        for at_ms, event in line.told[seen:]:
            seen += 1
            assert isinstance(event, CallEvent), f"{event} on the line of a call"
            perform(session.handle(event, at_ms))
            if isinstance(event, CallEnded):
                return session.result(at_ms)
        perform(session.wake(clock.now_ms()))
        deadline = session.next_deadline_ms()
        wait_s = PATIENCE_S if deadline is None else max(0, deadline - clock.now_ms()) / 1_000
        try:
            async with asyncio.timeout(wait_s), line.stage.news:
                if seen == len(line.told):
                    await line.stage.news.wait()
        except TimeoutError:
            assert deadline is not None, f"the call never ended: {line.story}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def results(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, tuple[FlowResult, list[CallEvent]]]]:
    """All kinds of people and machines, called at once."""
    flow = load_flow((files("app.ivr") / "samples" / "appointment.yaml").read_bytes())
    studio = PromptStudio(Path(tmp_path_factory.mktemp("prompts")))
    audio, failed = await studio.rendered(prompts_needed(flow, FIELDS, "ru"))
    assert failed == {}
    pbx = lab.pbx
    telephony = AsteriskTelephony(url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password)
    stage = Stage(telephony, SystemClock(), name="flows")
    await stage.start()
    lines = {suffix: stage.place(suffix, watch_talk=flow.needs_talk) for suffix in CALLED}
    came = await asyncio.gather(*(through(line, flow, audio) for line in lines.values()))
    yield {
        suffix: (result, [event for event in lines[suffix].events if isinstance(event, CallEvent)])
        for suffix, result in zip(CALLED, came, strict=True)
    }
    await telephony.stop()


Results = dict[str, tuple[FlowResult, list[CallEvent]]]


def path(result: FlowResult) -> list[str]:
    return [step.node for step in result.path]


TOLD = ["who_answered", "greeting", "has_amount", "amount_due", "has_appointment", "appointment_day", "choice"]


def test_who_says_nothing_more_hears_the_choice_twice(results: Results) -> None:
    result, _ = results[""]
    assert path(result) == [*TOLD, "goodbye"]
    assert result.machine is False
    assert result.ended_by is EndedBy.FLOW
    assert all(part.heard_ms == part.length_ms > 0 and not part.has_failed for part in result.heard)
    assert [part.node for part in result.heard].count("choice") == 2


@pytest.mark.parametrize(
    ("suffix", "key", "end"), [("10", "1", "thanks"), ("12", "9", "no_more_calls"), ("17", "1", "thanks")]
)
def test_keys_typed_ahead_or_in_time_choose(results: Results, suffix: str, key: str, end: str) -> None:
    result, _ = results[suffix]
    assert path(result) == [*TOLD, end] or path(result) == [*TOLD, "confirmed", end]
    assert [pressed.key for pressed in result.keys] == [key]
    assert result.opted_out is (key == "9")
    assert result.suggested_outcome is None


def test_a_transfer_leaves_the_call_to_the_dialplan(results: Results) -> None:
    result, events = results["11"]
    assert path(result)[-1] == "person"
    assert result.ended_by is EndedBy.TRANSFER
    assert any(isinstance(event, CallLeft) for event in events)


def test_a_wrong_key_typed_ahead_falls_away(results: Results) -> None:
    result, _ = results["14"]
    assert [pressed.key for pressed in result.keys] == ["7", "1"]
    assert path(result)[-1] == "thanks"


def test_star_is_heard_again(results: Results) -> None:
    result, _ = results["19"]
    assert path(result).count("greeting") == 2


def test_who_hangs_up_in_the_middle_heard_so_much(results: Results) -> None:
    result, _ = results["21"]
    assert result.ended_by is EndedBy.PERSON
    last = result.heard[-1]
    assert 0 < last.heard_ms < last.length_ms
    assert result.length_ms == pytest.approx(3_000, abs=500)


def test_silence_is_dead_air(results: Results) -> None:
    result, _ = results["24"]
    assert result.suggested_outcome is Outcome.DEAD_AIR


def test_a_machine_gets_its_message_after_the_beep(results: Results) -> None:
    result, _ = results["30"]
    assert path(result) == ["who_answered", "message"]
    assert result.machine is True
    assert result.voicemail_left
    assert result.suggested_outcome is Outcome.ANSWERING_MACHINE
    message = result.heard[-1]
    assert message.heard_ms == message.length_ms
    assert message.at_ms > 300 + 5_654 + 425
