"""What is told of calls is so, and changes nothing but what is known."""

from __future__ import annotations

import json
import statistics

import pytest
from click.testing import CliRunner

from app.pacing import AgentFreed, AgentSignal, CallPlaced, CallSignal, PacingEvent, PersonAnswered
from app.study.__main__ import main
from app.study.baselines import LinesPerIdleAgent
from app.study.day import HOUR_MS, plain_day
from app.study.floor import Floor, play
from app.study.telling import HISTORY, Telling, answers_by_kind

ALL = frozenset(Telling)


class Listener(LinesPerIdleAgent):
    """Keeps what it was told of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[int, list[str]] = {}
        self.people: set[int] = set()

    def observe(self, event: PacingEvent) -> None:
        if isinstance(event, CallPlaced):
            self.words[event.call_id] = list(event.features)
        elif isinstance(event, CallSignal):
            self.words[event.call_id].append(event.signal)
        elif isinstance(event, PersonAnswered):
            self.people.add(event.call_id)


def listened(*told: Telling) -> Listener:
    listener = Listener()
    Floor(plain_day(0.3, 20, length_ms=2 * HOUR_MS, told=frozenset(told)), 4, listener).play()
    return listener


def test_a_day_of_which_more_is_told_is_the_same_day() -> None:
    days = [play(plain_day(0.3, 5, length_ms=HOUR_MS, told=told), 7, LinesPerIdleAgent) for told in (frozenset(), ALL)]
    assert days[0] == days[1]


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.3, 0.6])
def test_histories_answer_as_often_as_the_list_does(rate: float) -> None:
    chances = answers_by_kind(HISTORY, rate)
    assert sum(part * chance for (_, part, _), chance in zip(HISTORY, chances, strict=True)) == pytest.approx(rate)
    assert chances[0] > chances[1] > chances[2]


def test_who_answered_often_does_so_more_often() -> None:
    heard = listened(Telling.HISTORY)
    often = [call for call, words in heard.words.items() if words == ["answered often"]]
    share = sum(call in heard.people for call in often) / len(often)
    assert share == pytest.approx(answers_by_kind(HISTORY, 0.3)[0], abs=0.06)
    assert len(often) == pytest.approx(0.2 * len(heard.words), rel=0.15)


def test_the_phone_of_everybody_who_answers_rings_and_many_others_do_not() -> None:
    heard = listened(Telling.LINE)
    assert all("ringing" in heard.words[call] for call in heard.people)
    others = [words for call, words in heard.words.items() if call not in heard.people]
    assert 0.3 < sum("ringing" in words for words in others) / len(others) < 0.5
    assert {word for words in others for word in words} == {"ringing", "early media", "silence"}


def test_nothing_is_told_of_calls_where_nothing_is() -> None:
    assert not any(listened().words.values())


def test_the_command_tells_what_signals_are_worth() -> None:
    arguments = ["--signals", "--answer-rate", "0.3", "--agents", "3", "--hours", "0.2", "--seeds", "1", "--json"]
    got = CliRunner().invoke(main, arguments)
    assert got.exit_code == 0, got.output
    row = json.loads(got.output)
    assert {"nothing", "history", "phone", "line", "desk", "all", "names", "chatter"} < set(row["occupancy"])
    without, chatter = (row["occupancy"][told]["1"] for told in ("nothing", "chatter"))
    assert row["gain"]["chatter"][0] == pytest.approx(chatter - without)


def test_where_agents_differ_it_is_told_what_naming_them_is_worth() -> None:
    arguments = ["--signals", "--agents-differ", "0.4", "--answer-rate", "0.3", "--agents", "3", "--hours", "0.2"]
    got = CliRunner().invoke(main, [*arguments, "--seeds", "1"])
    assert got.exit_code == 0, got.output
    assert "names" in got.output
    assert "history" not in got.output


class DeskListener(LinesPerIdleAgent):
    """Keeps how long before the end of the talk each word was said, and how long each agent's conversations took."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[int, list[tuple[int, str]]] = {}
        self.before_s: list[tuple[str, float]] = []
        self.lengths_s: dict[int, list[float]] = {}

    def observe(self, event: PacingEvent) -> None:
        if isinstance(event, AgentSignal):
            self.said.setdefault(event.agent_id, []).append((event.at_ms, event.signal))
        elif isinstance(event, AgentFreed):
            self.lengths_s.setdefault(event.agent_id, []).append((event.talk_ms + event.wrap_up_ms) / 1000)
            end_ms = event.at_ms - event.wrap_up_ms
            for at_ms, word in self.said.pop(event.agent_id, []):
                self.before_s.append((word, (end_ms - at_ms) / 1000))


def test_desks_tell_that_a_talk_nears_its_end_and_that_a_result_is_set() -> None:
    listener = DeskListener()
    Floor(plain_day(0.3, 20, length_ms=HOUR_MS, told=frozenset({Telling.DESK})), 4, listener).play()
    closing = [before for word, before in listener.before_s if word == "closing"]
    results = [before for word, before in listener.before_s if word == "result"]
    conversations = sum(len(lengths) for lengths in listener.lengths_s.values())
    assert 0.6 < len(closing) / conversations < 0.85
    assert 8 < sum(closing) / len(closing) < 15
    assert len(results) == conversations
    assert max(results) <= 0


def test_agents_who_differ_each_take_their_own_time() -> None:
    spread = []
    for differ in (0.0, 0.5):
        listener = DeskListener()
        Floor(plain_day(0.6, 20, length_ms=3 * HOUR_MS, agents_differ=differ), 4, listener).play()
        means = [statistics.mean(lengths) for lengths in listener.lengths_s.values()]
        assert 100 < statistics.mean(means) < 180
        spread.append(statistics.stdev(means))
    assert spread[1] > 2 * spread[0]
