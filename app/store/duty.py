"""Duty: which of several dialers on one database dials. One row, a number that only grows, and the database's clock.

Whoever is on duty renews the row; who stands by takes it over when it was not renewed for its lease. Each takeover
raises the epoch, and every transaction of a dialer asks for its own (`check_epoch`): one that was frozen while another
took over finds that it may write nothing any more, however long it slept and whatever it believes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from app.store.errors import StoreError
from app.store.sql import execute

NOBODY: Final = ""
PAGES_OF_NOTHING: Final = 32_768
"""As much as a claim of some contacts writes."""


class Relieved(StoreError):
    """Another dialer has taken over duty: nothing of the transaction was done, and nothing of this dialer's will be."""

    def __init__(self) -> None:
        super().__init__("another dialer has taken over on this database; this one does nothing any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyEntry:
    """Who is on duty. holder: the process, for programs; place: for people; url: where its panel is, or empty.

    epoch: how often duty was taken. Times in milliseconds of the database's clock, now_ms among them.
    """

    epoch: int
    holder: str
    place: str
    url: str
    taken_at_ms: int
    renewed_at_ms: int
    lease_ms: int
    now_ms: int

    @property
    def is_held(self) -> bool:
        """Whether somebody is on duty: renewed within its lease, and not in a future that a stepped clock left."""
        return self.holder != NOBODY and -self.lease_ms <= self.now_ms - self.renewed_at_ms <= self.lease_ms


def look_at_duty(conn: Connection) -> DutyEntry | None:
    """Who is, or was last, on duty; None: nobody ever was."""
    row = execute(conn, "look_at_duty").first()
    return None if row is None else DutyEntry(**row._mapping)


def take_duty(
    conn: Connection, *, holder: str, place: str, lease_ms: int, silent: DutyEntry | None = None
) -> int | None:
    """Go on duty unless somebody is; answers the epoch, None: somebody is.

    silent: who is known to be gone (its process has ended, or it renewed nothing for long by the asker's own clock);
    duty is taken from it though its lease has not run out, unless it has renewed it meanwhile.
    """
    parameters = {
        "holder": holder,
        "place": place,
        "lease_ms": lease_ms,
        "silent_epoch": -1 if silent is None else silent.epoch,
        "silent_renewed_at_ms": -1 if silent is None else silent.renewed_at_ms,
    }
    epoch: int | None = execute(conn, "take_duty", parameters).scalar()
    return epoch


def renew_duty(conn: Connection, epoch: int) -> None:
    """Stay on duty for another lease. Raises Relieved."""
    if execute(conn, "renew_duty", {"epoch": epoch}).rowcount == 0:
        raise Relieved


def tell_url(conn: Connection, epoch: int, url: str) -> None:
    """Say where the panel of who is on duty is."""
    execute(conn, "tell_duty_url", {"epoch": epoch, "url": url})


def try_writing(conn: Connection) -> None:
    """Write some pages of nothing: a full disk shows only when it is to give more. Whose duty it is does not matter."""
    execute(conn, "try_writing", {"nothing": "0" * PAGES_OF_NOTHING})


def leave_duty(conn: Connection, epoch: int) -> None:
    """Go off duty: who stands by need not wait for the lease to run out. Harmless for one who was relieved."""
    execute(conn, "leave_duty", {"epoch": epoch})


def check_epoch(conn: Connection, epoch: int) -> None:
    """Nobody takes over between here and the end of the transaction. Raises Relieved when somebody has.

    On PostgreSQL a dialer that freezes within the transaction is cut off after its lease, which frees the row.
    """
    if execute(conn, "check_epoch", {"epoch": epoch}).first() is None:
        raise Relieved
