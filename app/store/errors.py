"""What the store raises: four kinds, each with a message for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError


class StoreError(Exception):
    """The database refused or cannot be reached; nothing of the transaction was done."""


class Misfit(StoreError):
    """The database can never take this (a constraint, a value out of range); nothing of the transaction was done."""


class NotFound(StoreError):
    """What was asked for is not there. `noun` and `key` name it: `campaign 7`."""

    def __init__(self, noun: str, key: object) -> None:
        super().__init__(f"there is no {noun} {key}")
        self.noun = noun
        self.key = key


class Duplicate(StoreError):
    """A name that must be the only one of its kind is taken already."""

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"there is a {noun} named {name!r} already; choose another name")
        self.noun = noun
        self.name = name


class InUse(StoreError):
    """What was to be removed is still used by something else."""


class Conflict(StoreError):
    """Somebody else changed a value since the editor saw it. Nothing was written.

    saw: what the editor saw; found: what it is now; by, at_ms: who changed it and when (empty, None: not known: an
    import, say).
    """

    def __init__(self, field: str, *, saw: str, found: str, by: str, at_ms: int | None) -> None:
        super().__init__(
            f"{field!r} was changed by {by or 'an import'} meanwhile: you saw {saw!r}, it is {found!r} now; look at it "
            "and save again"
        )
        self.field = field
        self.saw = saw
        self.found = found
        self.by = by
        self.at_ms = at_ms


class LastAdmin(StoreError):
    """Without this admin nobody could let anybody in."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is the last admin who may sign in; add or enable another admin first")
        self.name = name


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what drivers raise (refused, locked, unreachable, full) into StoreError; other errors pass as they are."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise Misfit(f"the database can never take this: {error.orig}") from error
    except DBAPIError as error:
        raise StoreError(f"the database refused: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database refused: {error}") from error
    except OverflowError as error:  # SQLite's driver lets a number beyond 64 bits through as it is
        raise StoreError(f"the database refused: {error}") from error
    except OSError as error:  # asyncpg lets a refused connection through as it is; TimeoutError is one too
        raise StoreError(f"the database cannot be reached: {error}") from error


@contextmanager
def unique(noun: str, name: str) -> Iterator[None]:
    """Turn the database's refusal of a second `name` into Duplicate; the transaction is lost, as with any error."""
    try:
        yield
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():  # both databases say so
            raise Duplicate(noun, name) from error
        raise
