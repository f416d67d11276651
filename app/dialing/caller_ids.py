"""Which number a call shows: one of those that are the admin's own, near the callee, and not used too much.

A campaign shows one number, or the one whose area is nearest to the callee's (the longest beginning they share), or all
in turn. Of numbers that serve equally well the one that was shown longest ago is next. Each has its limits: calls
in an hour of the clock and in 24 such hours, and a rest after so many calls. A call for which none is free waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from app.model import CallerIdChoice, Campaign, OwnedNumber, Trunk
from app.units import HOUR_MS, Number

DAY_HOURS: Final = 24


class NumberUse:
    """One number, how often it was shown lately, and when it may be shown again."""

    __slots__ = ("_by_hour", "_in_a_row", "_rests_until_ms", "last_at_ms", "owned")

    def __init__(self, owned: OwnedNumber, shown: Mapping[int, int]) -> None:
        """shown: calls by the hour since the epoch, of before this process."""
        self.owned = owned
        self.last_at_ms = 0
        self._by_hour = dict(shown)
        self._in_a_row = 0
        self._rests_until_ms = 0

    def take(self, now_ms: int) -> None:
        """A call shows it."""
        hour = now_ms // HOUR_MS
        self._by_hour[hour] = self._by_hour.get(hour, 0) + 1
        self.last_at_ms = now_ms
        self._in_a_row += 1
        if self.owned.rest_after and self._in_a_row >= self.owned.rest_after:
            self._rests_until_ms, self._in_a_row = now_ms + self.owned.rest_ms, 0

    def free_at_ms(self, now_ms: int) -> int | None:
        """When it may be shown: now or later; None: not before the admin says so."""
        if self.owned.is_resting:
            return None
        free_at_ms, hour = max(now_ms, self._rests_until_ms), now_ms // HOUR_MS
        if self.owned.per_hour and self._by_hour.get(hour, 0) >= self.owned.per_hour:
            free_at_ms = max(free_at_ms, (hour + 1) * HOUR_MS)
        if self.owned.per_day:
            free_at_ms = max(free_at_ms, self._day_free_at_ms(hour))
        return free_at_ms

    def _day_free_at_ms(self, hour: int) -> int:
        """When enough calls of the last 24 hours are older than that."""
        for old in [one for one in self._by_hour if one <= hour - DAY_HOURS]:
            del self._by_hour[old]
        too_many = sum(self._by_hour.values()) - self.owned.per_day + 1
        for one in sorted(self._by_hour):
            if too_many <= 0:
                break
            too_many -= self._by_hour[one]
            if too_many <= 0:
                return (one + DAY_HOURS) * HOUR_MS
        return 0


class CallerIdBook:
    """All numbers of the admin's, and the choice among them."""

    __slots__ = ("_uses",)

    def __init__(self) -> None:
        self._uses: dict[str, NumberUse] = {}

    def set(self, owned: Iterable[OwnedNumber], shown: Mapping[str, Mapping[int, int]]) -> None:
        """The numbers there are from now on. What this process knows of a number's use is kept."""
        uses: dict[str, NumberUse] = {}
        for one in owned:
            use = self._uses.get(one.number) or NumberUse(one, shown.get(one.number, {}))
            use.owned = one
            uses[one.number] = use
        self._uses = uses

    def choose(self, campaign: Campaign, callee: Number, trunk: Trunk, now_ms: int) -> str | None:
        """The number a call shows now, empty for none at all; None: those it may show are not free."""
        for choice in self._choices(campaign, callee, trunk):
            free = [use for use in choice if (at := use.free_at_ms(now_ms)) is not None and at <= now_ms]
            if free:
                return min(free, key=lambda use: (use.last_at_ms, use.owned.number)).owned.number
            if choice and campaign.caller_ids.choice is CallerIdChoice.FIXED:
                return None
        fixed = campaign.caller_id or trunk.caller_id
        return None if self._is_bound(campaign, callee, trunk) else fixed

    def free_at_ms(self, campaign: Campaign, callee: Number, trunk: Trunk, now_ms: int) -> int | None:
        """When a call could show a number; None: not by time alone."""
        times = [use.free_at_ms(now_ms) for choice in self._choices(campaign, callee, trunk) for use in choice]
        if not times:
            return now_ms
        return min((at for at in times if at is not None), default=None)

    def take(self, shown: str, now_ms: int) -> None:
        """A call goes out with this number."""
        if (use := self._uses.get(shown)) is not None:
            use.take(now_ms)

    def is_spent(self, campaign: Campaign, trunks: Iterable[Trunk], now_ms: int) -> bool:
        """Whether no call of a campaign, to whomever, could show a number now over any of these trunks."""
        has_any = False
        for use in self._for_anybody(campaign, trunks):
            has_any = True
            at_ms = use.free_at_ms(now_ms)
            if at_ms is not None and at_ms <= now_ms:
                return False
        return has_any

    def next_free_ms(self, campaign: Campaign, trunks: Iterable[Trunk], now_ms: int) -> int | None:
        """When the first number of a campaign may be shown again; None: not by time alone."""
        times = [use.free_at_ms(now_ms) for use in self._for_anybody(campaign, trunks)]
        return min((at for at in times if at is not None), default=None)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _is_bound(self, campaign: Campaign, callee: Number, trunk: Trunk) -> bool:
        """Whether there are numbers with limits to choose from: what is not in the book has none."""
        return any(self._choices(campaign, callee, trunk))

    def _for_anybody(self, campaign: Campaign, trunks: Iterable[Trunk]) -> Iterator[NumberUse]:
        """The numbers a campaign may show to whomever, some twice."""
        for trunk in trunks:
            if (fixed := self._uses.get(campaign.caller_id or trunk.caller_id)) is not None:
                yield fixed
            if campaign.caller_ids.choice is not CallerIdChoice.FIXED:
                yield from self._mine(campaign, trunk)

    def _mine(self, campaign: Campaign, trunk: Trunk) -> Iterator[NumberUse]:
        wanted = campaign.caller_ids.numbers
        for use in self._uses.values():
            if (not wanted or use.owned.number in wanted) and (not use.owned.trunks or trunk.id in use.owned.trunks):
                yield use

    def _choices(self, campaign: Campaign, callee: Number, trunk: Trunk) -> list[list[NumberUse]]:
        """Numbers that serve equally well, the best first."""
        plan = campaign.caller_ids
        fixed = self._uses.get(campaign.caller_id or trunk.caller_id)
        last = [] if fixed is None else [[fixed]]
        if plan.choice is CallerIdChoice.FIXED:
            return last
        mine = list(self._mine(campaign, trunk))
        if plan.choice is CallerIdChoice.ROTATION:
            return [mine] if mine else last
        near: dict[int, list[NumberUse]] = {}
        for use in mine:
            shared = max((len(area) for area in use.owned.areas if callee.startswith(area)), default=0)
            if shared:
                near.setdefault(shared, []).append(use)
        if not near and mine and not campaign.caller_id:
            return [mine]
        return [near[length] for length in sorted(near, reverse=True)] or last
