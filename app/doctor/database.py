"""The database: whether a crash of its server forgets what it had taken."""

from __future__ import annotations

from app.doctor.finding import Finding, Step, bad, good
from app.store.durability import Durability


def kept(durability: Durability) -> Finding:
    """Whether a claim is on disk before its number is called, and an opt-out before it is confirmed."""
    off = [
        name
        for name, value in (("synchronous_commit", durability.synchronous_commit), ("fsync", durability.fsync))
        if value == "off"
    ]
    if not off:
        return good(Step.DATABASE, "The database: what it has taken is on disk, and survives a crash.")
    mends = {
        "synchronous_commit": "ALTER SYSTEM SET synchronous_commit = on; (or ALTER ROLE … / ALTER DATABASE … RESET "
        "synchronous_commit, where one of these sets it)",
        "fsync": "ALTER SYSTEM SET fsync = on;",
    }
    return bad(
        Step.DATABASE,
        f"The database: {' and '.join(f'{name} is off' for name in off)}. A crash of PostgreSQL would forget claims "
        "and opt-outs of the last moments: people are called twice, or though they asked not to be.",
        mend=f"In psql run: {' and '.join(mends[name] for name in off)} then SELECT pg_reload_conf(); restart Outring",
        place=", ".join(f"postgresql.conf, {name}" for name in off),
    )
