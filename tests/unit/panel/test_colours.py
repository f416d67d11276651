"""The colours of states can be told apart in both themes, by people who see all colours and by those who do not.

The colours were chosen for a distance of 22.9 in CIE L*a*b* (ΔE of 1976) at the least. CIEDE2000 says more about what
people see; by it talking and wrap-up are the nearest to those who see no red, and that may not get worse.
Colour-blindness is simulated at full severity after Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (2009). A state has a sign and a word beside its colour everywhere; this test
keeps the colour from being the part that misleads.
"""

from __future__ import annotations

import re
from itertools import combinations
from math import atan2, cos, degrees, dist, exp, hypot, radians, sin, sqrt
from pathlib import Path
from typing import Final

import pytest

from app.panel.language import WEB

Rgb = tuple[float, float, float]
Matrix = tuple[Rgb, Rgb, Rgb]

LEAST_DISTANCE: Final = 22.9
"""In CIE L*a*b*."""
LEAST_DIFFERENCE: Final = 7.5
"""CIEDE2000; patches side by side are told apart from about 2 on."""
LEAST_CONTRAST: Final = 4.5
"""Words on a state's colour: WCAG 2.2, 1.4.3."""
EYES: Final[dict[str, Matrix]] = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
SHEETS: Final = {
    "wallboard": ("outring.css", "floor.css", "wrap", "reserved"),
    "desk": ("outring.css", "desk/desk.css", "wrap-up", "reserved"),
}
COMMON: Final = ("available", "talking", "paused", "offline", "alarm")
THEMES: Final = (":root", '[data-bs-theme="dark"]')


def variables(theme: str, *sheets: str) -> dict[str, str]:
    """The colours of a theme by name, as the browser has them: what dark does not say is as in light."""
    found: dict[str, str] = {}
    for sheet in sheets:
        text = Path(WEB / "static" / sheet).read_text(encoding="utf-8")
        for selector in dict.fromkeys((THEMES[0], theme)):
            for block in re.findall(r"^" + re.escape(selector) + r" \{(.*?)\}", text, re.MULTILINE | re.DOTALL):
                found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))
    return found


def linear(colour: str) -> Rgb:
    """A colour's share of light."""
    text = colour.lstrip("#")
    text = "".join(one * 2 for one in text) if len(text) == 3 else text
    shares = [int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return red, green, blue


def seen(colour: Rgb, eyes: Matrix) -> Rgb:
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)))) for row in eyes)
    return red, green, blue


def lab(colour: Rgb) -> Rgb:
    """CIE L*a*b* under D65."""
    red, green, blue = colour
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: Rgb, other: Rgb) -> float:
    """CIEDE2000, after Sharma, Wu and Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean7 = ((hypot(a1, b1) + hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * sqrt(mean7 / (mean7 + 25**7))
    c1, c2 = hypot(a1 * stretch, b1), hypot(a2 * stretch, b2)
    h1, h2 = degrees(atan2(b1, a1 * stretch)) % 360, degrees(atan2(b2, a2 * stretch)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    big_h = 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else ((h1 + h2 + 360) / 2) % 360
    h_mean = h_mean if c1 * c2 else h1 + h2  # grey has no hue
    t = (
        1 - 0.17 * cos(radians(h_mean - 30)) + 0.24 * cos(radians(2 * h_mean))
        + 0.32 * cos(radians(3 * h_mean + 6)) - 0.20 * cos(radians(4 * h_mean - 63))
    )  # fmt: skip
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    twist = -2 * sqrt(c_mean**7 / (c_mean**7 + 25**7)) * sin(radians(60 * exp(-(((h_mean - 275) / 25) ** 2))))
    parts = (l2 - l1) / s_l, (c2 - c1) / s_c, big_h / s_h
    return sqrt(sum(part * part for part in parts) + twist * parts[1] * parts[2])


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG's ratio."""
    high, low = sorted((0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 2.5, 0), (73, 25, -18), 27.1492),
     ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644), ((50, 0, 0), (50, -1, 2), 2.3669)],
)  # fmt: skip
def test_the_difference_is_the_published_one(one: Rgb, other: Rgb, known: float) -> None:
    assert difference(one, other) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("page", SHEETS)
def test_no_two_states_look_alike(page: str, theme: str, eyes: str) -> None:
    base, own, *more = SHEETS[page]
    colours = variables(theme, base, own)
    shown = {name: lab(seen(linear(colours[name]), EYES[eyes])) for name in (*COMMON, *more)}
    for measure, least in ((dist, LEAST_DISTANCE), (difference, LEAST_DIFFERENCE)):
        apart = {(one, two): round(measure(shown[one], shown[two]), 1) for one, two in combinations(shown, 2)}
        assert {pair: far for pair, far in apart.items() if far < least} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("page", SHEETS)
def test_words_can_be_read_on_every_states_colour(page: str, theme: str) -> None:
    base, own, *more = SHEETS[page]
    colours = variables(theme, base, own)
    ratios = {name: contrast(linear(colours[name]), linear(colours[f"on-{name}"])) for name in (*COMMON, *more)}
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < LEAST_CONTRAST} == {}
