"""Duty: of several dialers on one database one dials, the others stand by.

Two things keep a dialer that lost its duty from doing anything. What it writes is checked by the database, within the
transaction (`app.store.duty.check_epoch`). What it asks of Asterisk is checked here, by a clock that cannot be stepped
and counts while the machine sleeps: a call is placed only while the lease is surely ours, and after this process stood
still for long, nothing at all is done before the database has said that duty is still ours. While the database does
not answer, nobody else can take duty either: conversations go on, and nothing new is dialed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import structlog

from app.store.door import SqlStore
from app.store.duty import NOBODY, DutyEntry, Relieved, leave_duty, look_at_duty, renew_duty, take_duty, tell_url
from app.store.errors import StoreError

log = structlog.get_logger()

RENEWALS: Final = 4
"""A lease is renewed so often in its length: two may fail."""
LOOKS: Final = 8
"""Who stands by looks so often in a lease."""
SILENCE: Final = 1.5
"""After so many leases without a renewal, by one's own clock, who is on duty is gone, whatever the database's says."""
MARGIN: Final = 0.2
"""The share of a lease at its end in which no call is placed any more: a request is on its way by then."""
STILL: Final = 0.5
"""A process that did nothing for this share of a lease may have been frozen, and asks before it does anything."""
BEATS: Final = 12
"""A process shows itself so often in a lease that it runs."""


class OnDutyElsewhere(StoreError):
    """Another dialer is on duty on this database, and this one is not to stand by."""

    def __init__(self, entry: DutyEntry) -> None:
        where = f", its panel at {entry.url}" if entry.url else ""
        super().__init__(
            f"another dialer is on duty on this database: {entry.place}{where}. Two would take each other's calls; end "
            "that one first, or let this one stand by and take over when it fails: outring run --standby"
        )
        self.entry = entry


def steady_ms() -> int:
    """Milliseconds of a clock that nobody can step and that goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


# --- who we are ------------------------------------------------------------------------------------------------------


@cache
def _machine() -> str:
    """This machine since it booted, and the room of process ids we are in; empty where that cannot be known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _began(pid: int) -> str | None:
    """When a process of this machine began, in the kernel's words; empty: it is gone or dead; None: hidden."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return "" if _is_absent(pid) else None
    return "" if fields[0] in ("Z", "X") else fields[19]


def _is_absent(pid: int) -> bool:
    """Whether there is surely no such process, also where /proc shows only one's own (hidepid, ProtectProc)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def our_name() -> str:
    """This process and this time of its being on duty, unlike any other."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid()) or ''} {secrets.token_hex(4)}"


def our_place() -> str:
    """This process for people."""
    return f"{socket.gethostname()}, process {os.getpid()}"


def is_gone(holder: str) -> bool:
    """Whether the process is surely dead: one of this machine that is not there any more. False when in doubt."""
    if (ours := _of_this_machine(holder)) is None:
        return False
    began = _began(ours[0])
    return began is not None and began != ours[1]


def process_of(holder: str) -> int | None:
    """The id of the process on this machine that it is; None: it is none, is dead, or cannot be known."""
    ours = _of_this_machine(holder)
    return ours[0] if ours is not None and _began(ours[0]) == ours[1] else None


def _of_this_machine(holder: str) -> tuple[int, str] | None:
    """The process' id, and when it began."""
    parts = holder.split(" ")
    if len(parts) != 4 or not parts[0] or parts[0] != _machine() or not parts[1].isdigit() or not parts[2]:
        return None
    return int(parts[1]), parts[2]


# --- duty ------------------------------------------------------------------------------------------------------------


class Duty:
    """One dialer's duty: taken, kept by renewing, left in order or lost.

    lease_ms: after so long without a renewal another may take over. relieved: done, with the reason, when one has.
    """

    def __init__(self, store: SqlStore, *, lease_ms: int, clock: Callable[[], int] = steady_ms) -> None:
        self._store = store
        self._lease_ms = lease_ms
        self._clock = clock
        self._epoch: int | None = None
        self._good_until_ms = 0  # the lease is ours until then, whatever happens
        self._awake_at_ms = 0  # when this process was last seen to run
        self._is_in_doubt = False  # it stood still: is duty still ours?
        self._trouble = ""
        self._is_ill = False  # while we stand by: the database refused us the last time, and perhaps whoever is on duty
        self._renewal: tuple[int, asyncio.Task[None]] | None = None
        self._asks = asyncio.Event()
        self._is_sure = asyncio.Event()
        self.relieved: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def trouble(self) -> str:
        """Why duty could not be renewed the last time; empty: it was."""
        return self._trouble

    @property
    def is_in_doubt(self) -> bool:
        """Whether this process stood still, and does nothing before the database has said that it is still on duty."""
        return self._is_in_doubt

    @property
    def epoch(self) -> int | None:
        """How often duty was taken on this database, this time included; None: not on duty."""
        return self._epoch

    # --- going on duty -----------------------------------------------------------------------------------------------

    async def obtain(self, *, stands_by: bool, waiting: Callable[[DutyEntry], None] = lambda entry: None) -> None:
        """Go on duty. stands_by: wait for it as long as another dialer is there; waiting is told of each such one.

        Otherwise waits a lease at the most, for one that may be dead. Who could renew nothing while the database was
        away is no more silent than the database: a lease from its return on is theirs, to bring what they kept beside
        it, opt-outs above all. Raises OnDutyElsewhere, StoreError.
        """
        seen: DutyEntry | None = None
        since_ms, told = self._clock(), -1
        while True:
            entry = await self._look(stands_by=stands_by)
            if entry is None or seen is None or (entry.epoch, entry.renewed_at_ms) != (seen.epoch, seen.renewed_at_ms):
                is_alive = seen is not None and entry is not None and entry.epoch == seen.epoch and entry.is_held
                if is_alive and not stands_by:
                    assert entry is not None
                    raise OnDutyElsewhere(entry)
                seen, since_ms = entry, self._clock()
            if self._is_ill:
                self._is_ill = not await self._may_write()
                since_ms = self._clock()
            is_silent = entry is not None and self._clock() - since_ms > SILENCE * entry.lease_ms
            may_be_free = entry is None or is_silent or is_gone(entry.holder) or self._has_run_out(entry, since_ms)
            if may_be_free and await self._take(entry, is_silent=is_silent, stands_by=stands_by):
                return
            if entry is not None and entry.is_held and entry.epoch != told:
                told = entry.epoch
                waiting(entry)
            await asyncio.sleep(self._lease_ms / LOOKS / 1_000)

    async def _may_write(self) -> bool:
        """Whether the database takes anything; whose duty it is does not matter."""
        try:
            await self._store.try_writing()
        except StoreError:
            return False
        return True

    def _has_run_out(self, entry: DutyEntry, since_ms: int) -> bool:
        """Nobody holds it by the database's clock; nor by ours, as that clock may have been stepped just now."""
        return entry.holder == NOBODY or (not entry.is_held and self._clock() - since_ms > entry.lease_ms)

    async def _look(self, *, stands_by: bool) -> DutyEntry | None:
        while True:
            try:
                return await self._store.read(look_at_duty)
            except StoreError as error:
                if not stands_by:
                    raise
                log.warning("duty cannot be looked at", error=str(error))
                self._is_ill = True
                await asyncio.sleep(self._lease_ms / 1_000)

    async def _take(self, entry: DutyEntry | None, *, is_silent: bool, stands_by: bool) -> bool:
        began_ms = self._clock()
        silent = entry if entry is not None and (is_silent or is_gone(entry.holder)) else None
        try:
            epoch = await self._store.write(
                take_duty, holder=our_name(), place=our_place(), lease_ms=self._lease_ms, silent=silent
            )
        except StoreError as error:
            if not stands_by:
                raise
            log.warning("duty cannot be taken", error=str(error))
            self._is_ill = True
            return False
        if epoch is None:
            return False
        self._epoch = epoch
        self._store.write_as(epoch)
        self._is_ours_since(began_ms)
        self._awake_at_ms = self._clock()
        log.info("on duty", epoch=epoch, after="" if entry is None else entry.place, lease_ms=self._lease_ms)
        return True

    # --- staying on duty ---------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Renew until relieved; then `relieved` is done."""
        assert self._epoch is not None, "duty is obtained before it is kept"
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            while not self.relieved.done():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._lease_ms / RENEWALS / 1_000):
                        await self._asks.wait()
                self._asks.clear()
                await self._renew(self._epoch)
        finally:
            beating.cancel()
            if self._renewal is not None:
                self._renewal[1].cancel()

    async def _beat(self) -> None:
        """Show that this process runs, also while it waits for a database that does not answer."""
        while not self.relieved.done():
            self.may_act()
            await asyncio.sleep(self._lease_ms / BEATS / 1_000)

    async def _renew(self, epoch: int) -> None:
        """One at a time, never taken back: what waits behind a long write of ours counts as soon as that is over."""
        if self._renewal is None:
            self._renewal = self._clock(), asyncio.create_task(self._store.write(renew_duty, epoch), name="renewal")
        began_ms, renewing = self._renewal
        try:
            done, _ = await asyncio.wait({renewing}, timeout=self._lease_ms / 1_000)
            if not done:
                self._asks.set()  # wait on at once
                raise TimeoutError
            self._renewal = None
            renewing.result()
        except Relieved as error:
            self._lose(str(error))
        except (StoreError, TimeoutError) as error:
            if not self._trouble:
                log.warning("duty is not renewed", error=str(error) or "the database does not answer")
            self._trouble = str(error) or "the database does not answer"
        else:
            if self._trouble:
                log.info("duty is renewed again")
            self._trouble = ""
            if self._stood_still():  # since the database said so, perhaps
                self._doubt()
            else:
                self._is_ours_since(began_ms)

    def _is_ours_since(self, asked_at_ms: int) -> None:
        self._good_until_ms = asked_at_ms + round(self._lease_ms * (1 - MARGIN))
        self._is_in_doubt = False
        self._is_sure.set()

    def _lose(self, reason: str) -> None:
        if not self.relieved.done():
            log.error("relieved of duty", epoch=self._epoch, reason=reason)
            self._end(reason)

    def _end(self, reason: str) -> None:
        self.relieved.set_result(reason)
        self._is_sure.set()

    async def tell_url(self, url: str) -> None:
        """Let others know where our panel is."""
        assert self._epoch is not None, "duty is obtained before its panel opens"
        await self._store.write(tell_url, self._epoch, url[:200])

    async def leave(self) -> None:
        """Go off duty, so that another may begin at once; calls are left to Asterisk before."""
        if self._epoch is None or self.relieved.done():
            return
        log.debug("off duty", epoch=self._epoch)
        self._end("off duty")
        try:
            await self._store.write(leave_duty, self._epoch)
        except StoreError as error:
            log.warning("duty is not left in order: who comes next waits for the lease to end", error=str(error))

    # --- asking ------------------------------------------------------------------------------------------------------

    def may_act(self) -> bool:
        """Whether anything may be asked of Asterisk now: not relieved, and this process did not stand still."""
        if self._stood_still():
            self._doubt()
        return not self._is_in_doubt and not self.relieved.done()

    def may_dial(self) -> bool:
        """Whether a call may be placed now: the lease is surely ours while the request is on its way."""
        return self.may_act() and self._clock() < self._good_until_ms

    async def admitted(self) -> bool:
        """Wait while it is in doubt whether we are on duty; False: we are not."""
        while not self.may_act():
            if self.relieved.done():
                return False
            await self._is_sure.wait()
        return True

    def _doubt(self) -> None:
        if not self._is_in_doubt:
            log.warning("this process stood still; nothing is done until the database says that duty is ours")
        self._is_in_doubt = True
        self._is_sure.clear()
        self._asks.set()

    def _stood_still(self) -> bool:
        now_ms = self._clock()
        did = now_ms - self._awake_at_ms > STILL * self._lease_ms
        self._awake_at_ms = now_ms
        return did
