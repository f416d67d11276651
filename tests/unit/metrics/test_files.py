"""The page, the dashboard and the alerts name figures there are, with the labels they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.metrics.page import metrics_page
from app.metrics.table import METRICS, OF_THE_PROCESS, Kind, sample_names

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "outring.json"
ALERTS = ROOT / "deploy" / "prometheus" / "outring-alerts.yml"
NAME = re.compile(r"\b(?:outring|process)_\w+")
USE = re.compile(r"\b((?:outring|process)_\w+)\{([^}]*)\}")
BY_PROMETHEUS = {"job", "instance", "le"}


def expressions(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def unknown(expression: str) -> set[str]:
    """Names and labels in an expression that no figure has."""
    labels = {name: set(metric.labels) for metric in METRICS for name in metric.samples}
    found = set(NAME.findall(expression)) - sample_names()
    for name, given in USE.findall(expression):
        used = set(re.findall(r'(\w+)\s*[=!]~?\s*"', given))
        found |= {f"{name}{{{label}}}" for label in used - labels.get(name, set()) - BY_PROMETHEUS}
    return found


def test_the_page_is_in_step_with_the_table() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == metrics_page(), (
        "the table has changed; write the page anew: python -m app.metrics.page > docs/metrics.md"
    )


def test_every_panel_shows_figures_there_are() -> None:
    shown = list(expressions(json.loads(DASHBOARD.read_text(encoding="utf-8"))))
    assert len(shown) > 30
    for title, expression in shown:
        assert NAME.search(expression), title
        assert not unknown(expression), title


def test_every_figure_is_on_the_dashboard() -> None:
    text = DASHBOARD.read_text(encoding="utf-8")
    for metric in METRICS:
        assert any(name in text for name in metric.samples), metric.name
    assert sum(name in text for name in OF_THE_PROCESS) >= 4


def test_panels_have_words_places_and_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"]


def test_alerts_are_about_figures_there_are() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert not unknown(rule["expr"]), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule["alert"]


@pytest.mark.parametrize("wrong", ["outring_call", 'outring_calls{sate="ringing"}', "rate(outring_events[1m])"])
def test_a_name_that_is_not_there_is_found(wrong: str) -> None:
    assert unknown(wrong)


def test_counters_end_in_total_and_times_in_seconds() -> None:
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds"), metric.name
        assert re.fullmatch(r"outring_[a-z_]+", metric.name)
