"""Flows with real sound: what people hear, press and say, judged by recordings on the telephone network's side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from app.model import Prompt, Trunk
from app.outcomes import Outcome
from app.store.attempts import AttemptEntry
from asterisk.lab import Lab
from tests.asterisk.campaign import Person, Site, site
from tests.asterisk.far_side import FarSide, loud_ms, samples, sounding_ms
from tests.asterisk.scenarios import Played, Scenarios

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

MESSAGE = "Hello. This is a message from the clinic. Please call us back tomorrow. Goodbye."
LONG = (
    "This message goes on and on, and it goes on for a good while longer, so that there is time to interrupt it. " * 2
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the scenarios play."""

    lab: Lab
    dialer: Site
    far: FarSide
    trunk: Trunk

    async def call(self, flow: str, *people: Person | str, **plan: object) -> list[AttemptEntry]:
        """Call these people with a flow, to the campaign's end; their attempts by number, one each."""
        numbers = [one if isinstance(one, str) else one.number for one in people]
        self.far.listen_to(*numbers)
        campaign = await self.dialer.start(flow, [self.trunk], people, **plan)
        await self.dialer.finished(campaign)
        attempts = {str(one.number): one for one in await self.dialer.attempts(campaign)}
        assert len(attempts) == len(numbers)
        return [attempts[number] for number in numbers]


scenario = Scenarios[Scene]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All scenarios, at once."""
    folder: Path = tmp_path_factory.mktemp("site")
    async with Lab(lines=120) as lab, FarSide(lab) as far, site(lab.pbx, folder) as dialer:
        await _add_extension(lab)
        scene = Scene(lab=lab, dialer=dialer, far=far, trunk=await dialer.trunk("network", lines=100))
        yield await scenario.all_on(scene)


async def _add_extension(lab: Lab) -> None:
    """An agent's desk of the admin's dialplan: says who it is and stays on the line for two seconds."""
    path = lab.pbx.config_dir / "extensions.conf"
    desk = "exten => 100,1,Playback(demo-thanks)\n same => n,Wait(2)\n same => n,Hangup(16)\n"
    path.write_text(path.read_text() + f"\n[desk]\n{desk}")
    await lab.pbx.cli("dialplan reload")


def path_of(attempt: AttemptEntry) -> list[str]:
    return [step["node"] for step in attempt.flow["path"]]


# --- keys ------------------------------------------------------------------------------------------------------------

MENU = f"""
name: menu
start: ask
nodes:
  ask:
    type: menu
    text: "{LONG}"
    keys: {{1: chosen}}
    timeout_s: 2
    repeats: 1
    wrong_key: That is not one of the keys.
    on_timeout: nobody
    on_fail: nobody
    into: choice
  chosen: {{type: play, text: Thank you for your choice., next: bye}}
  nobody: {{type: play, text: Nobody has chosen anything., next: bye}}
  bye: {{type: hangup}}
"""


@scenario
async def a_key_ends_the_prompt(scene: Scene) -> None:
    (attempt,) = await scene.call(MENU, "+447700900110")
    assert attempt.flow["answers"] == {"choice": "1"}
    assert [(key["node"], key["key"]) for key in attempt.flow["keys"]] == [("ask", "1")]
    asked, thanked = attempt.flow["heard"]
    assert 3_500 < asked["heard_ms"] < asked["length_ms"] - 2_000
    assert thanked["heard_ms"] == thanked["length_ms"] > 500
    heard = await scene.far.until_heard("+447700900110")
    # Sound, then the prompt falls silent at the key (4.1 s), then the thanks.
    falls_silent_ms = next(end for _, end in loud_ms(heard) if end > 3_000)
    assert falls_silent_ms < asked["length_ms"] - 1_000
    assert len(heard) / 8 < asked["length_ms"] + 3_000


@scenario
async def a_wrong_key_is_told(scene: Scene) -> None:
    (attempt,) = await scene.call(MENU, "+447700900114")
    assert [key["key"] for key in attempt.flow["keys"]] == ["7", "1"]
    assert [part["part"] for part in attempt.flow["heard"]] == ["prompt", "wrong_key", "prompt", "prompt"]
    assert path_of(attempt) == ["ask", "chosen", "bye"]


@scenario
async def nobody_presses(scene: Scene) -> None:
    quick = MENU.replace(LONG, "Press one.")
    (attempt,) = await scene.call(quick, "+447700900100")
    assert path_of(attempt) == ["ask", "nobody", "bye"]
    assert [part["node"] for part in attempt.flow["heard"]] == ["ask", "ask", "nobody"]
    first, second = (part["at_ms"] for part in attempt.flow["heard"][:2])
    assert second - first > 2_000 + attempt.flow["heard"][0]["length_ms"] - 300
    assert attempt.outcome is Outcome.CONNECTED_TO_IVR
    assert attempt.flow["ended_by"] == "flow"


@scenario
async def digits_end_with_hash(scene: Scene) -> None:
    flow = """
    name: digits
    start: ask
    nodes:
      ask: {type: digits, text: "Enter your code, then press hash.", into: code, min_digits: 4, next: say}
      say: {type: say, kind: digits, field: code, text: "You entered {value}.", next: bye}
      bye: {type: hangup}
    """
    (attempt,) = await scene.call(flow, "+447700900116")
    assert attempt.flow["answers"] == {"code": "1234"}
    assert "".join(key["key"] for key in attempt.flow["keys"]) == "1234#"
    assert path_of(attempt) == ["ask", "say", "bye"]
    # What hangs on an answer is spoken in the call; a machine that is too slow for that goes on without.
    assert (
        attempt.flow["heard"][-1]["length_ms"] > 1_000 or "say: a prompt was not ready in time" in attempt.flow["notes"]
    )


@scenario
async def a_key_typed_ahead(scene: Scene) -> None:
    """A key pressed while something is said that asks nothing answers the question that follows."""
    flow = f"""
    name: ahead
    start: notice
    nodes:
      notice: {{type: play, text: "This is a word before the question comes.", next: ask}}
      ask: {{type: menu, text: "{LONG}", keys: {{1: bye}}, into: choice}}
      bye: {{type: hangup, text: Goodbye.}}
    """
    (attempt,) = await scene.call(flow, "+447700900117")
    assert attempt.flow["answers"] == {"choice": "1"}
    assert [part["node"] for part in attempt.flow["heard"]] == ["notice", "bye"]


@scenario
async def hung_up_in_the_middle(scene: Scene) -> None:
    flow = MENU.replace("name: menu", "name: cut")
    (attempt,) = await scene.call(flow, "+447700900121")
    (heard,) = attempt.flow["heard"]
    assert 2_000 < heard["heard_ms"] < 6_000 < heard["length_ms"]
    assert (attempt.outcome, attempt.flow["ended_by"]) == (Outcome.CONNECTED_TO_IVR, "person hung up")


# --- sound ------------------------------------------------------------------------------------------------------------


@scenario
async def a_person_is_recorded(scene: Scene) -> None:
    flow = """
    name: record
    start: ask
    nodes:
      ask: {type: record, text: "After the tone, tell us.", into: reason, max_s: 8, silence_s: 3, next: thanks}
      thanks: {type: hangup, text: Thank you.}
    """
    talks, silent = await scene.call(flow, "+447700900123", "+447700900124")
    name = talks.flow["answers"]["reason"]
    assert name == f"{talks.attempt_id}-ask"
    (noted,) = talks.flow["recordings"]
    assert (noted["name"], noted["has_failed"]) == (name, False)
    sound = samples(scene.lab.pbx.recordings_dir / f"{name}.wav")
    assert abs(len(sound) / 8 - noted["length_ms"]) < 1_500
    assert 7_000 < len(sound) / 8 < 9_500
    assert sounding_ms(sound) > 4_000
    (noted,) = silent.flow["recordings"]
    assert noted["length_ms"] <= 5_000
    assert path_of(silent) == ["ask", "thanks"]


@scenario
async def a_message_begins_after_the_beep(scene: Scene) -> None:
    flow = """
    name: voicemail
    start: who
    nodes:
      who: {type: detect, on_person: message, on_machine: message}
      message: {type: voicemail, text: "MESSAGE"}
    """.replace("MESSAGE", MESSAGE)
    (attempt,) = await scene.call(flow, "+447700900130")
    assert attempt.outcome is Outcome.ANSWERING_MACHINE
    assert attempt.flow["voicemail_left"] is True
    said = attempt.flow["heard"][-1]
    assert said["heard_ms"] == said["length_ms"]
    # The machine records from its beep on: what it has is the whole message, from its first sound to its last.
    (path,) = scene.lab.network.recordings_dir.glob("447700900130-*.wav")
    kept = loud_ms(samples(path))
    audio, _ = await scene.dialer.studio.rendered([Prompt(text=MESSAGE)])
    (message,) = audio.values()
    spoken = loud_ms(samples(Path(message.media.removeprefix("sound:") + ".wav")))
    assert len(kept) == len(spoken) > 1
    for (kept_from, kept_to), (from_ms, to_ms) in zip(kept, spoken, strict=True):
        assert abs((kept_to - kept_from) - (to_ms - from_ms)) <= 60


@scenario
async def russian_is_heard(scene: Scene) -> None:
    flow = """
    name: russian
    start: hello
    language: en
    nodes:
      hello:
        type: play
        text: {en: "Hello, {name}. Your balance:", ru: "Здравствуйте, {name}. К оплате:"}
        next: amount
      amount: {type: say, kind: money, field: amount, currency: RUB, next: bye}
      bye: {type: hangup}
    """
    person = Person(number="+79161234500", name="Анна Петровна", language="ru", fields={"amount": "1542,50"})
    (attempt,) = await scene.call(flow, person)
    assert {part["language"] for part in attempt.flow["heard"]} == {"ru"}
    heard = await scene.far.until_heard(person.number)
    length_ms = sum(part["length_ms"] for part in attempt.flow["heard"])
    assert sounding_ms(heard) > length_ms * 0.6
    assert len(heard) / 8 > length_ms - 500


@scenario
async def strange_names_are_spoken(scene: Scene) -> None:
    flow = """
    name: names
    start: hello
    nodes:
      hello: {type: play, text: "Good day, {name|neighbour}. That is all.", next: bye}
      bye: {type: hangup}
    """
    names = [
        "{{ 7*7 }}", "O'Neill \"the\" `cat`; rm -rf / && $(reboot)", "😀🎉", "שלום עולם", "محمد", "x" * 300,
        "<break time='10s'/>", "line\r\nbreak", "\u202eevil\u202c", "100% & more", "-f /etc/passwd",
    ]  # fmt: skip
    people = [Person(number=f"+4477009005{place:02}", name=name) for place, name in enumerate(names, start=61)]
    attempts = await scene.call(flow, *people, calls_per_second=5)
    for person, attempt in zip(people, attempts, strict=True):
        assert attempt.outcome is Outcome.CONNECTED_TO_IVR, person.name
        assert attempt.contact_name == person.name
        (said,) = attempt.flow["heard"]
        assert not said["has_failed"], person.name
        assert said["heard_ms"] == said["length_ms"]
        heard = await scene.far.until_heard(person.number)
        assert sounding_ms(heard) > 700, person.name


# --- on to the dialplan ----------------------------------------------------------------------------------------------

TRANSFER = """
name: transfer
start: say
nodes:
  say: {type: transfer, text: "One moment.", context: desk, extension: "100", on_fail: sorry}
  sorry: {type: hangup, text: "Sorry, nobody is there."}
"""


@scenario
async def a_call_goes_to_an_extension(scene: Scene) -> None:
    number = "+447700900101"
    (attempt,) = await scene.call(TRANSFER, number)
    assert attempt.flow["ended_by"] == "transfer"
    assert attempt.outcome is Outcome.CONNECTED_TO_IVR
    heard = await scene.far.until_heard(number)
    prompt_ms = attempt.flow["heard"][0]["length_ms"]
    assert sounding_ms(heard[prompt_ms * 8 :]) > 2_000, "the extension was heard"
    facts = attempt.facts
    assert facts.ended_at_ms is not None
    assert facts.answered_at_ms is not None
    assert facts.ended_at_ms - facts.answered_at_ms > prompt_ms + 4_000


@scenario
async def an_extension_that_is_not_there(scene: Scene) -> None:
    """Asterisk would take it and hang up on the person: the flow goes on instead."""
    flow = TRANSFER.replace('"100"', '"404"').replace("name: transfer", "name: nowhere")
    (attempt,) = await scene.call(flow, "+447700900102")
    assert path_of(attempt) == ["say", "sorry"]
    assert [part["node"] for part in attempt.flow["heard"]] == ["say", "sorry"]
    assert attempt.flow["ended_by"] == "flow"
    assert attempt.flow["notes"] == ["the transfer failed"]
    assert attempt.outcome is Outcome.CONNECTED_TO_IVR


@pytest.mark.parametrize("name", scenario)
async def test_flows(played: Played, name: str) -> None:
    played.judge(name)
