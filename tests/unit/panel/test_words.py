"""Two languages: nothing is missing, plurals agree, sentences of the program are recognised; numbers and times."""

from __future__ import annotations

import gettext
import re
from dataclasses import replace

import pytest
from jinja2.ext import babel_extract

from app.agents import AgentPlan, DialingMode, PacingPlan
from app.contacts.numbers import NumberProblem, reader_for
from app.model import Campaign
from app.pacing import PacingMode, PacingPolicy, PacingSnapshot, PersonAnswered, make_pacer
from app.pacing.joint import Sharing, decide_jointly
from app.pacing.predictive import PredictivePacer
from app.panel.language import WEB, Wording, phone, translations, zone
from app.panel.language import catalogue as whole_catalogue
from app.panel.phrases import FIXED, MADE
from app.plan_checks import OperationError, check_campaign
from app.store.errors import NotFound
from app.units import CampaignId, FlowId, TrunkId

RU = Wording(language="ru", zone_name="Europe/Moscow")
EN = Wording(language="en", zone_name="Asia/Kolkata")


def phrases_of_templates() -> set[str]:
    found: set[str] = set()
    for path in sorted((WEB / "templates").glob("*.html")):
        with path.open("rb") as source:
            for _, _, message, _ in babel_extract(source, ["_", "gettext", "ngettext"], [], {}):
                assert message
                found.add(str(message if isinstance(message, str) else message[0]))
    return found


def catalogue(language: str) -> set[str]:
    messages = list(whole_catalogue(language))
    for message in messages:
        if message.id:
            parts = message.string if isinstance(message.string, (list, tuple)) else [message.string]
            assert all(parts), f"no translation: {message.id}"
            assert not message.fuzzy
    return {message.id if isinstance(message.id, str) else message.id[0] for message in messages if message.id}


def test_russian_has_every_phrase_and_no_dead_one() -> None:
    wanted = phrases_of_templates() | set(FIXED) | set(MADE)
    assert catalogue("ru") == wanted


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 попыток"), (1, "1 попытка"), (2, "2 попытки"), (5, "5 попыток"), (11, "11 попыток"), (21, "21 попытка"),
     (22, "22 попытки"), (112, "112 попыток")],
)  # fmt: skip
def test_russian_plurals(count: int, words: str) -> None:
    said = translations("ru").ngettext("%(n)s attempt", "%(n)s attempts", count)
    assert said % {"n": count} == words


def test_sentences_of_the_program_are_recognised_with_their_parts() -> None:
    assert RU.say("no answer") == "нет ответа"
    assert RU.say("trunk a.b-c is out of service: SIP error (SIP 503)") == "транк a.b-c выведен: ошибка SIP (SIP 503)"
    said = RU.say("campaign 'Winter' is paused: this cannot be done to it")
    assert said.startswith("кампания 'Winter' в состоянии «на паузе»")
    assert RU.say("Asterisk cannot be reached: refused: no {route} %s") == "Asterisk недоступен: refused: no {route} %s"
    assert RU.say("never heard of") == "never heard of"
    assert EN.say("trunk x is out of service: busy") == "trunk x is out of service: busy"
    assert RU.say("") == ""


IN_FLIGHT = {at: 4_000 + 1_000 * at for at in range(5)}
SHOT = PacingSnapshot(now_ms=1_000_000, idle_agents=2, talking_ms=[41_000], ringing_ms=IN_FLIGHT, rung_ms=IN_FLIGHT)


def whys() -> list[str]:
    """What pacers say of their decisions, of all kinds."""
    said = []
    for mode in PacingMode:
        for answered in (0, 500):
            pacer = make_pacer(PacingPolicy(mode=mode, fixed_ratio=2.5))
            for at in range(answered):
                pacer.observe(PersonAnswered(at_ms=at, call_id=("before", at), ring_ms=9_000))
            said.append(pacer.decide(SHOT).why)
    sharing = [
        Sharing(name=name, pacer=PredictivePacer(PacingPolicy()), snapshot=SHOT, reach={}) for name in ("one", "two")
    ]
    said += [one.why for one in decide_jointly(sharing).values()]
    full = replace(SHOT, ringing_ms=(many := dict.fromkeys(range(200), 20_000)), rung_ms=many)
    said.append(make_pacer(PacingPolicy()).decide(full).why)
    return said


def test_why_a_pacer_places_what_it_does_is_said_in_russian() -> None:
    found = whys()
    assert any("cancelled" in why for why in found)
    for why in found:
        assert not re.search("[a-z]", RU.figures(why)), (why, RU.figures(why))
        assert EN.figures(why) == why
    assert RU.figures("8 in flight, agents idle: 4, 2.5 each → 1").endswith("по 2,5 на каждого → 1")


@pytest.mark.parametrize(
    "typed", ["12", "+44 20 7946 0", "ann", "-", "020 7946 0018 ext 5", "1234567890123456", "+999 1234567"]
)
def test_what_is_wrong_with_a_number_is_said_in_russian(typed: str) -> None:
    read = reader_for("GB").read(typed)
    assert isinstance(read, NumberProblem)
    said = RU.say(f"this cannot be called: {read.why} ({read.mend})")
    assert not re.search("[a-z]", said.replace("ann", "")), said


def test_what_is_not_there_is_said_in_russian() -> None:
    assert RU.say(str(NotFound("campaign", 99))) == "кампании 99 нет"
    assert RU.say(str(NotFound("fix-it task", 7))) == "такой задачи по номеру нет: 7"
    assert RU.say("this task is mended already, by eve") == "задача уже закрыта (исправлен): eve"


def test_what_is_wrong_with_steering_is_said_in_russian() -> None:
    plan = Campaign(
        id=CampaignId(1), name="Зима", flow_id=FlowId(1), trunks=(TrunkId("way"),), mode=DialingMode.PREDICTIVE
    )
    pacing = PacingPlan()
    for agents in (
        AgentPlan(pacing=replace(pacing, abandonment_target=0.05)), AgentPlan(pacing=replace(pacing, fixed_ratio=0.5)),
        AgentPlan(pacing=replace(pacing, calls_per_agent=99)), AgentPlan(queue="123"),
        AgentPlan(connect_within_ms=5_000),
    ):  # fmt: skip
        with pytest.raises(OperationError) as refused:
            check_campaign(replace(plan, agents=agents))
        said = RU.say(str(refused.value))
        assert "Зима" in said
        assert not re.search("[a-z]", said.replace("Outring", "")), said


def test_english_is_what_the_templates_say() -> None:
    assert isinstance(translations("en"), gettext.GNUTranslations)
    assert translations("en").ngettext("%(num)s try", "%(num)s tries", 1) == "%(num)s try"


def test_numbers_times_and_telephone_numbers() -> None:
    assert EN.number(1204) == "1,204"
    assert RU.number(1204.5, 1).replace("\xa0", " ") == "1 204,5"
    assert phone("+447700900123") == "+44 7700 900123"
    assert phone("+79161234567") == "+7 916 123-45-67"
    assert phone("nonsense") == "nonsense"
    assert (EN.time(0), EN.zone_label(0)) == ("05:30:00", "UTC+5:30")
    assert (RU.time(0), RU.zone_label(0)) == ("03:00:00", "UTC+3")
    assert EN.iso(1) == "1970-01-01T00:00:00.001Z"
    assert (EN.length(86_400_000), EN.length(30 * 86_400_000)) == ("24 hr", "30 days")
    assert (EN.length(90_000), EN.length(14_400_000), EN.seconds(65_000)) == ("90 sec", "4 hr", "1:05")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "\0", "x" * 200, "Europe", "Mars/Phobos", " "])
def test_a_zone_that_is_none_is_the_servers_own(name: str) -> None:
    assert zone(name) == zone("")
