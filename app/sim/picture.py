"""A picture of shifts side by side: the share of agents' time in work, and abandonment so far, over the day (SVG)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from jinja2 import Environment

from app.sim.laboratory import ShiftFigures

WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 180, 56, 40, 56
COLOURS: Final = ("#0b6e99", "#b3541e", "#4d7c0f", "#7c3aed")
"""Told apart by colour-blind eyes, and by their dashes."""
DASHES: Final = ("", "6 3", "2 3", "8 3 2 3")

_SVG: Final = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ left + width + 24 }} {{ top + 2 * height + gap + 60 }}" \
font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="{{ left }}" y="20" font-size="15" font-weight="600">{{ title }}</text>
{% for panel in panels %}
<g transform="translate({{ left }} {{ panel.top }})">
<text y="-8" fill="#444">{{ panel.title }}</text>
{% for mark in panel.marks %}
<line x2="{{ width }}" y1="{{ mark.y }}" y2="{{ mark.y }}" stroke="{{ '#c00' if mark.is_limit else '#ddd' }}"/>
<text x="-8" y="{{ mark.y + 4 }}" text-anchor="end" fill="#666">{{ mark.text }}</text>
{% endfor %}
{% for line in panel.lines %}
<polyline points="{{ line.points }}" fill="none" stroke="{{ line.colour }}" stroke-width="2" \
stroke-dasharray="{{ line.dash }}"/>
{% endfor %}
{% for hour in hours %}
<text x="{{ hour.x }}" y="{{ height + 16 }}" text-anchor="middle" fill="#666">{{ hour.text }}</text>
{% endfor %}
</g>
{% endfor %}
{% for one in legend %}
<g transform="translate({{ left + loop.index0 * 190 }} {{ top + 2 * height + gap + 44 }})">
<line x2="28" y1="-4" y2="-4" stroke="{{ one.colour }}" stroke-width="2" stroke-dasharray="{{ one.dash }}"/>
<text x="36">{{ one.name }}</text>
</g>
{% endfor %}
</svg>
"""
)


def picture_of(figures: Sequence[ShiftFigures], target: float) -> str:
    """An SVG: one line for each mode, the median over its days. target: abandoned of answered, at most."""
    modes = list(dict.fromkeys(one.mode for one in figures))
    hours = [one.from_h for one in figures[0].slices]
    length_h = max(hours, default=0.0) + 0.25
    most = max([2 * target, *(rate for mode in modes for rate in _running(figures, mode))], default=1.0) or 1.0
    occupancy = {mode: _occupancy(figures, mode) for mode in modes}
    running = {mode: [rate / most for rate in _running(figures, mode)] for mode in modes}

    def lines(found: dict[str, list[float]]) -> list[dict[str, str]]:
        return [
            {
                "points": " ".join(
                    f"{WIDTH * (hour + 0.125) / length_h:.1f},{HEIGHT * (1 - share):.1f}"
                    for hour, share in zip(hours, found[mode], strict=True)
                ),
                "colour": COLOURS[place % len(COLOURS)],
                "dash": DASHES[place % len(DASHES)],
            }
            for place, mode in enumerate(modes)
        ]

    limit = {"y": round(HEIGHT * (1 - target / most), 1), "text": f"{100 * target:g}%", "is_limit": True}
    return _SVG.render(
        title=f"{figures[0].scenario}: {len({one.seed for one in figures})} day(s)",
        width=WIDTH, height=HEIGHT, left=LEFT, top=TOP, gap=GAP,
        panels=[
            {
                "title": "agents' time in work", "top": TOP + 16, "lines": lines(occupancy),
                "marks": [{"y": HEIGHT * (4 - part) / 4, "text": f"{25 * part}%"} for part in range(5)],
            },
            {
                "title": "abandoned of answered, so far", "top": TOP + HEIGHT + GAP, "lines": lines(running),
                "marks": [{"y": HEIGHT, "text": "0%"}, limit],
            },
        ],
        hours=[{"x": round(WIDTH * hour / length_h, 1), "text": f"{hour} h"} for hour in range(int(length_h) + 1)],
        legend=[
            {"name": mode, "colour": COLOURS[place % len(COLOURS)], "dash": DASHES[place % len(DASHES)]}
            for place, mode in enumerate(modes)
        ],
    )  # fmt: skip


def _occupancy(figures: Sequence[ShiftFigures], mode: str) -> list[float]:
    days = [one.slices for one in figures if one.mode == mode]
    return [median(one.occupancy for one in at) for at in zip(*days, strict=True)]


def _running(figures: Sequence[ShiftFigures], mode: str) -> list[float]:
    """Abandoned of answered from the beginning to each slice's end."""
    days = []
    for one in figures:
        if one.mode != mode:
            continue
        answered = abandoned = 0
        day = []
        for piece in one.slices:
            answered, abandoned = answered + piece.answered, abandoned + piece.abandoned
            day.append(abandoned / answered if answered else 0.0)
        days.append(day)
    return [median(at) for at in zip(*days, strict=True)]
