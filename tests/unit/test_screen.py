"""What a terminal shows of a running campaign."""

from __future__ import annotations

from rich.console import Console, Group

from app.screen import campaign_screen


def text_of(screen: Group) -> str:
    """As a terminal of 100 columns without colours shows it."""
    console = Console(width=100, color_system=None)
    with console.capture() as shown:
        console.print(screen)
    return shown.get()


def test_contacts_calls_the_reason_for_waiting_and_outcomes_are_shown() -> None:
    shown = text_of(
        campaign_screen(
            settled=3, total=10, outcomes={"busy": 1, "no answer": 2}, up=(4, 5, 6), waiting_for="all lines are in use"
        )
    )
    assert "3/10 contacts done" in shown
    assert "4 dialing, 5 ringing, 6 answered" in shown
    assert "waiting: all lines are in use" in shown
    assert shown.index("no answer") < shown.index("busy"), "most frequent first"


def test_an_empty_campaign_the_dialer_does_not_have_is_only_a_bar() -> None:
    shown = text_of(campaign_screen(settled=0, total=0, outcomes={}, beside="7 s"))
    assert "0/0 contacts done" in shown
    assert "7 s" in shown
    assert "calls up" not in shown
    assert "waiting" not in shown
