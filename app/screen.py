"""How a running campaign looks in a terminal: progress, calls up, why it waits, outcomes."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


def campaign_screen(
    *,
    settled: int,
    total: int,
    outcomes: Mapping[str, int],
    up: tuple[int, int, int] | None = None,
    waiting_for: str = "",
    beside: str = "",
) -> Group:
    """A bar of contacts done, and what is below it.

    up: calls dialing, ringing, answered; None when the dialer has the campaign no more. outcomes: attempts by label.
    beside: words at the bar's right, such as the time it took.
    """
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(f"{settled}/{total} contacts done"),
        ProgressBar(total=max(total, 1), completed=settled, width=40),
        Text(beside),
    )
    lines: list[RenderableType] = [bar]
    if up is not None:
        dialing, ringing, answered = up
        lines.append(Text(f"calls up: {dialing} dialing, {ringing} ringing, {answered} answered"))
    if waiting_for:
        lines.append(Text(f"waiting: {waiting_for}", style="yellow"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    for label, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        table.add_row(label, Text(str(count), justify="right"))
    return Group(*lines, table)
