"""Chances of too many people for too few agents, from mean, variance and third cumulant.

A surplus of people is a sum of many small yes-or-no questions: skewed while there are few of them. The Wilson–Hilferty
transformation (cube root of a shifted gamma, Proc. Natl. Acad. Sci. 17, 1931) follows its tail to a few percent where
the normal curve is out by a factor of three: two calls of 0.15 for one agent, 0.029 against an exact 0.0225.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEP: Final = 0.01
_REACH: Final = 8.0
_BEYOND = np.array([0.5 * math.erfc((i * _STEP - _REACH) / math.sqrt(2)) for i in range(round(2 * _REACH / _STEP) + 1)])
LEAST_SKEW: Final = 0.02
MOST_SKEW: Final = 2.0
LEAST_NEGATIVE: Final = -1.0
"""The transformation is followed between these: beyond them it bends where the tails are next to nothing."""
LEAST_VARIANCE: Final = 1e-4


def beyond(z: Floats) -> Floats:
    """The chance that a normal value lies above z, from a table (8 standard deviations either way)."""
    at = z * (1 / _STEP)
    at += _REACH / _STEP + 0.5
    np.maximum(at, 0, out=at)
    np.minimum(at, len(_BEYOND) - 1, out=at)
    return np.asarray(_BEYOND[at.astype(np.int64)])


class Surplus:
    """People without an agent at each second ahead, one row a case: mean, variance, third cumulant side by side."""

    def __init__(self, sums: Floats) -> None:
        ahead = sums.shape[1] // 3
        self._mean = sums[:, :ahead]
        variance = np.maximum(sums[:, ahead : 2 * ahead], LEAST_VARIANCE)
        self._sd = np.sqrt(variance)
        skew = sums[:, 2 * ahead :] / (variance * self._sd)
        skew[np.abs(skew) < LEAST_SKEW] = LEAST_SKEW
        np.minimum(np.maximum(skew, LEAST_NEGATIVE, out=skew), MOST_SKEW, out=skew)
        self._half = 0.5 * skew
        self._over = 6 / skew
        self._shift = skew / 6

    def at_least(self, people: float | Floats) -> Floats:
        """The chance of a surplus of so many or more, by row and second; several numbers stand in an axis before."""
        root = (people - 0.5 - self._mean) / self._sd
        root *= self._half
        root += 1
        np.maximum(root, 1e-9, out=root)
        np.cbrt(root, out=root)
        root -= 1
        root *= self._over
        root += self._shift
        return beyond(root)

    def harm(self, density: Floats) -> Floats:
        """The chance that one more answer, at a second of this density, leaves somebody without an agent.

        Either that person, or one who answers later and finds the agent taken: hence the worst of the seconds after.
        """
        return _lasting(self.at_least(0.0), density)

    def worst(self, people: float) -> Floats:
        """The highest chance over the seconds ahead of a surplus of so many or more."""
        return np.asarray(self.at_least(people).max(axis=1))

    def harm_and_worst(self, density: Floats, people: float) -> tuple[Floats, Floats]:
        """Both at once, for half the time."""
        tails = self.at_least(np.array([[[0.0]], [[people]]]))
        return _lasting(tails[0], density), np.asarray(tails[1].max(axis=1))


def _lasting(tail: Floats, density: Floats) -> Floats:
    return np.asarray(np.maximum.accumulate(tail[:, ::-1], axis=1)[:, ::-1] @ density)
