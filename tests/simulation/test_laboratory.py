"""The laboratory: a shift described in a file, played by the production dialer, and told in figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from app.agents import DialingMode
from app.cli.simulate import simulate as simulate_command
from app.sim.laboratory import ShiftFigures, Slice, play, row
from app.sim.picture import picture_of
from app.sim.scenario import Length, Scenario, ScenarioError, read_scenario
from app.study.in_the_laboratory import another

SHORT = """\
name: Half an hour
hours: 0.5
agents: [{count: 6}]
talk: {mean: 60}
wrap_up: {mean: 10}
campaigns:
  - name: sales
    answered: [{rate: 0.3}]
    contacts: 1500
"""


def scenario(**changes: Any) -> Scenario:
    """The half hour, with changes to it."""
    found = yaml.safe_load(SHORT) | changes
    return read_scenario(yaml.safe_dump(found))


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "begins with `name:`"),
        ("name: [\n", "not YAML"),
        ("agents: []\ncampaigns: []\n", "nobody works"),
        ("agents: [{count: 3}]\ncampaigns: []\n", "campaigns: there is none"),
        ("agents: [{count: 0}]\ncampaigns: []\n", r"agents\[0\].count: Expected `int` >= 1"),
        ("agents: [{count: 3, from: 2}]\ncampaigns: []\n", r"agents\[0\]: Object contains unknown field `from`"),
        (SHORT.replace("[{count: 6}]", "[{count: 6, from_h: 2, until_h: 1}]"), "until_h must be after from_h 2"),
        (SHORT.replace("rate: 0.3", "rate: 0.3, from_h: 1"), "begins with"),
        (SHORT.replace("rate: 0.3", "rate: 30"), r"campaigns\[0\].answered\[0\].rate: Expected `float` < 1"),
        (SHORT + "  - name: sales\n    answered: [{rate: 0.2}]\n", "two have one name"),
        (SHORT + "    otherwise: {no_answer: 0, busy: 0, invalid: 0}\n", "something has to become"),
        (SHORT.replace("count: 6", "count: 1000") + "", None),
        (SHORT.replace("[{count: 6}]", "[{count: 1000}, {count: 1}]"), "at most 1,000"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(text: str, words: str | None) -> None:
    if words is None:
        assert read_scenario(text).agents[0].count == 1_000
        return
    with pytest.raises(ScenarioError, match=words):
        read_scenario(text)


def test_a_length_is_log_normal_with_this_mean() -> None:
    length = Length(mean=120, spread=1.0)
    assert length.median_ms == pytest.approx(120_000 / 2**0.5, abs=1)
    assert Length(mean=10, spread=0).median_ms == 10_000


# --- a shift ---------------------------------------------------------------------------------------------------------


def test_predictive_keeps_agents_busier_than_progressive_within_the_target_and_breaks_no_rule() -> None:
    progressive, predictive = (play(scenario(), mode, 1) for mode in (DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE))
    assert progressive.violations == predictive.violations == 0
    assert progressive.abandoned == 0
    assert predictive.occupancy > progressive.occupancy
    assert predictive.abandonment <= 0.03
    assert progressive.most_lines <= 6 < predictive.most_lines
    assert 0.2 < progressive.answered / progressive.attempts < 0.4


def test_the_same_seed_gives_the_same_shift_and_another_another() -> None:
    short = scenario(hours=0.2)
    first, again, other = (play(short, DialingMode.PREDICTIVE, seed) for seed in (3, 3, 4))
    assert first.as_json() == again.as_json()
    assert first.as_json() != other.as_json()


def test_agents_work_in_their_hours() -> None:
    found = play(scenario(agents=[{"count": 4, "from_h": 0.25}]), DialingMode.PREDICTIVE, 1)
    assert [one.occupancy > 0 for one in found.slices] == [False, True]
    assert found.slices[0].answered == 0
    assert found.slices[1].answered > 0
    ended = play(scenario(agents=[{"count": 4, "until_h": 0.25}]), DialingMode.PREDICTIVE, 1)
    assert ended.slices[0].answered > ended.slices[1].answered


def test_who_answered_counts_at_the_answer_and_though_they_talk_on_beyond_the_end() -> None:
    endless = {"mean": 7_200, "spread": 0}
    found = play(scenario(hours=0.26, talk=endless), DialingMode.PROGRESSIVE, 1)
    assert found.answered == found.connected == found.slices[0].answered == 6
    assert "–" in row([found]), "there is no half hour of it"


def test_nobody_is_called_over_a_trunk_that_is_switched_off() -> None:
    whole = play(scenario(), DialingMode.PREDICTIVE, 1)
    cut = play(scenario(outages=[{"from_h": 0.25, "until_h": 24}]), DialingMode.PREDICTIVE, 1)
    assert cut.slices[0] == whole.slices[0]
    assert cut.slices[1].answered < whole.slices[1].answered / 3


def test_the_answer_rate_follows_the_hours() -> None:
    changing = [{"name": "sales", "answered": [{"rate": 0.05}, {"rate": 0.6, "from_h": 0.25}], "contacts": 2_000}]
    found = play(scenario(campaigns=changing), DialingMode.PROGRESSIVE, 1)
    assert found.slices[1].answered > 2 * found.slices[0].answered


def test_campaigns_share_the_agents_and_stay_within_their_target() -> None:
    two = [{"name": name, "answered": [{"rate": 0.3}], "contacts": 1_000} for name in ("sales", "renewals")]
    found = play(scenario(campaigns=two), DialingMode.PREDICTIVE, 1)
    assert found.violations == 0
    assert found.abandonment <= 0.03
    assert found.occupancy > 0.5


# --- in figures and pictures -----------------------------------------------------------------------------------------


def figures(mode: str, *slices: tuple[float, int, int]) -> ShiftFigures:
    """A shift with these quarters of an hour: occupancy, answered, abandoned."""
    return ShiftFigures(
        scenario="<tomorrow>", mode=mode, seed=1, occupancy=0.5, talk_minutes_per_hour=30, idle_gap_s=1, answered=10,
        abandoned=1, first_quarter=0, worst_running=0.1, worst_five_minutes=0.2, attempts=40, connected=8,
        most_lines=9, violations=0,
        slices=tuple(
            Slice(from_h=place / 4, occupancy=busy, answered=answered, abandoned=abandoned)
            for place, (busy, answered, abandoned) in enumerate(slices)
        ),
    )  # fmt: skip


def test_shares_are_of_what_there_is() -> None:
    found = figures("predictive", (0.5, 10, 1))
    assert (found.abandonment, found.attempts_per_connection) == (0.1, 5.0)
    assert found.as_json()["slices"] == [[0.0, 0.5, 10, 1]]
    json.dumps(found.as_json())


def test_the_picture_has_a_line_for_each_mode_and_minds_its_markup() -> None:
    shifts = [figures("progressive", (0.5, 10, 0), (0.4, 9, 0)), figures("predictive", (0.9, 20, 1), (0.8, 30, 0))]
    svg = ElementTree.fromstring(picture_of(shifts, 0.03))
    lines = [one.attrib["points"] for one in svg.iter("{http://www.w3.org/2000/svg}polyline")]
    assert len(lines) == 4
    assert lines[1].split()[0].endswith(",18.0"), "nine tenths of the height"
    texts = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "<tomorrow>: 1 day(s)" in texts
    assert {"progressive", "predictive", "3%"} <= set(texts)


# --- the command -----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(simulate_command, list(arguments))


def test_the_command_plays_both_modes_and_draws_them(tmp_path: Path) -> None:
    file = tmp_path / "tomorrow.yaml"
    file.write_text(SHORT.replace("hours: 0.5", "hours: 0.1"))
    drawn = tmp_path / "tomorrow.svg"
    told = run("--scenario", str(file), "--days", "1", "--picture", str(drawn))
    assert told.exit_code == 0, told.output
    assert [line.split()[0] for line in told.output.splitlines()[2:4]] == ["progressive", "predictive"]
    assert "people answered in a day: shares of so few jump" in told.output
    ElementTree.parse(drawn)
    lines = run("--scenario", str(file), "--days", "2", "--mode", "predictive", "--json").output.splitlines()
    rows = [line for line in lines if line.startswith("{")]  # remarks go to the standard error, which is mixed in here
    assert [(json.loads(row)["mode"], json.loads(row)["seed"]) for row in rows] == [
        ("predictive", 1),
        ("predictive", 2),
    ]


def test_the_command_tells_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("agents: [{count: 3, from: 2}]\ncampaigns: []\n")
    assert "bad: agents[0]: Object contains unknown field `from`" in run("--scenario", str(file)).output
    good = tmp_path / "good.yaml"
    good.write_text(SHORT)
    assert "nobody works" in run("--scenario", str(good), "--agents", "0").output
    assert "no pacer is called 'best'" in run("--scenario", str(good), "--pacer", "best").output
    assert "say how many: fixed-ratio=2.5" in run("--scenario", str(good), "--pacer", "fixed-ratio").output
    assert "two shifts" in run("--scenario", str(good), "--from-campaign", "Offer").output
    assert "not dialed in the mode preview" in run("--scenario", str(good), "--mode", "preview").output
    assert "--picture is of a shift" in run("--picture", str(tmp_path / "x.svg")).output
    assert run("--scenario", str(tmp_path / "none.yaml")).exit_code == 2
    nowhere = run("--scenario", str(file), "--picture", str(tmp_path / "none" / "x.svg"))
    assert (nowhere.exit_code, "there is no folder" in nowhere.output) == (2, True)


def test_the_guides_scenario_can_be_played() -> None:
    guide = Path(__file__).parents[2] / "docs" / "laboratory.md"
    block = guide.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    assert read_scenario(block).name == "Tomorrow's shift"


def test_a_shift_in_which_nobody_works_is_told_and_not_played() -> None:
    with pytest.raises(ScenarioError, match="nobody works in the 1 hours of this shift"):
        read_scenario("agents: [{count: 3, from_h: 2}]\nhours: 1\ncampaigns: [{name: A, answered: [{rate: 0.2}]}]\n")


def test_anothers_pacer_is_played_by_our_dialer_and_its_abandoned_are_counted() -> None:
    scenario = read_scenario(SHORT)
    day = play(scenario, DialingMode.PREDICTIVE, 1, pacer="fixed-ratio=4", make_pacer=another("fixed-ratio=4"))
    ours = play(scenario, DialingMode.PREDICTIVE, 1)
    assert day.mode == "fixed-ratio=4"
    assert day.abandoned > ours.abandoned
