"""What is told of calls is so, and changes nothing but what is known."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from app.pacing import CallPlaced, CallSignal, PacingEvent, PersonAnswered
from app.study.__main__ import main
from app.study.baselines import LinesPerIdleAgent
from app.study.day import HOUR_MS, plain_day
from app.study.floor import Floor, play
from app.study.telling import HISTORY, Telling, answers_by_history

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
    chances = answers_by_history(rate)
    assert sum(part * chance for (_, part, _), chance in zip(HISTORY, chances, strict=True)) == pytest.approx(rate)
    assert chances[0] > chances[1] > chances[2]


def test_who_answered_often_does_so_more_often() -> None:
    heard = listened(Telling.HISTORY)
    often = [call for call, words in heard.words.items() if words == ["answered often"]]
    share = sum(call in heard.people for call in often) / len(often)
    assert share == pytest.approx(answers_by_history(0.3)[0], abs=0.06)
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
    assert set(row["occupancy"]) == {"nothing", "history", "line", "both", "chatter"}
