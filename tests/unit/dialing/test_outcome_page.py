"""docs/outcomes.md shows the tables as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.dialing import outcome_page
from app.dialing.outcome_page import outcomes_page
from app.dialing.strategy import next_for
from app.dialing.verdict import CAUSE_OUTCOMES, SIP_OUTCOMES
from app.model import RetryPolicy
from app.outcomes import OUTCOMES, ContactStatus, Outcome
from tests.unit.dialing.build import opened

PAGE = Path(__file__).parents[3] / "docs" / "outcomes.md"
REWRITE = "python -c 'from app.dialing.outcome_page import outcomes_page as p; print(p(), end=\"\")' > docs/outcomes.md"


def rows() -> dict[int, list[str]]:
    """The cells of each outcome's row, by its number."""
    lines = [line for line in outcomes_page().splitlines() if line.startswith("| ") and line[2].isdigit()]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {int(row[0]): row for row in cells}


def test_the_page_is_in_step_with_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == outcomes_page(), (
        f"the tables have changed; write the page anew: {REWRITE}"
    )


def test_every_outcome_has_one_row_with_its_label_and_charge() -> None:
    shown = {number: (row[1], row[2]) for number, row in rows().items()}
    assert shown == {
        int(outcome): (rule.label, "yes" if rule.is_charged else "no") for outcome, rule in OUTCOMES.items()
    }


def test_every_code_and_cause_stands_in_its_row() -> None:
    for kind, table in (("SIP", SIP_OUTCOMES), ("cause", CAUSE_OUTCOMES)):
        for code, outcome in table.items():
            parts = [part.removeprefix(kind) for part in rows()[outcome][4].split("; ") if part.startswith(kind)]
            assert str(code) in "".join(parts).replace(" ", "").split(","), (kind, code)


def test_what_becomes_of_the_contact_is_what_the_dialer_does() -> None:
    for outcome in Outcome:
        words = rows()[outcome][3]
        status = after_last_try(outcome)
        expected = "waits again" if status is ContactStatus.PENDING else f"*{status.value}*"
        assert expected in words, (outcome, words)


def after_last_try(outcome: Outcome) -> ContactStatus:
    """Where a contact stands after this end of its only try."""
    return next_for(opened(), outcome, RetryPolicy(max_attempts=0, max_faults=1), 0).status


def test_a_changed_row_shows_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcomes_page()
    monkeypatch.setattr(outcome_page, "SIP_OUTCOMES", {**SIP_OUTCOMES, 499: Outcome.FAX})
    assert outcomes_page() != before
    assert rows()[Outcome.FAX][4] == "SIP 499"
