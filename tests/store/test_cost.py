"""The cost of a call does not grow with a list: every statement on the dialing path goes along an index.

Asked of the databases' own planners, on tables of a size where reading through one would be worth avoiding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, bindparam, insert, text

from app.store import SqlStore
from app.store.dnc import add_dnc_numbers
from app.store.people import Role, add_user
from app.store.schema import agent_sessions
from app.store.sql import queries, to_json
from tests.store.world import T0, build, claim, closing, phone

TABLES = "campaign_contacts|contacts|attempts|dnc|tallies|agent_stints|agent_sessions|mine|owned"
ROWS = 20_000
ENDED = {"id": "a" * 26, "outcome": 9, "is_charged": True, "flow": {}}
MOVED = {
    "campaign_id": 1,
    "contact_id": 5,
    "number": phone(5),
    "status": "pending",
    "due_at_ms": T0,
    "attempts": 1,
    "faults": 0,
}
CLAIM = {
    "campaign_id": 1,
    "now_ms": T0,
    "back_at_ms": T0 + 1,
    "look": 20,
    "wanted": 20,
    "shut_json": to_json(["+1"]),
    "open_json": to_json(["+1202"]),
    "shut_until_ms": T0 + 2,
    "agents_json": to_json([1, 2]),
}
PATH: dict[str, dict[str, Any]] = {
    "claim_contacts": CLAIM | {"list_id": 1},
    "claim_from_lanes": CLAIM
    | {"lanes_json": "[[1,1,2],[0,1060,0],[0,0,0],[5,5,3],[1,1,2],[0,1,0],[2,2,1]]", "deep": 20},
    "escalate_contacts": {"campaign_id": 1, "before_ms": T0, "size": 200},
    "give_contacts": {"rows_json": to_json([[1, 5, 1, 0], [1, 6, None, 1060]])},
    "add_zones": {"rows_json": to_json([[1, 1, 1060]])},
    "hold_owned": {
        "campaign_id": 1,
        "agents_json": to_json([1, 2]),
        "lists_json": to_json([2]),
        "now_ms": T0,
        "off_at_ms": T0 + 1,
        "size": 1_000,
    },
    "open_attempts": {
        "campaign_id": 1,
        "now_ms": T0,
        "rows_json": to_json([["a" * 26, 5, phone(5), None, False, "{}"]]),
    },
    "campaign_settings": {"campaign_id": 1},
    "callees": {"contacts_json": to_json([5, 6])},
    "call_history": {
        "numbers_json": to_json([[5, phone(5)], [6, phone(6)]]),
        "contacts_json": to_json([5, 6]),
        "since_ms": T0 - 1,
    },
    "hold_contacts": {"rows_json": to_json([[1, 5, T0 + 1], [1, 6, T0 + 1]])},
    "forbid_contacts": {"rows_json": to_json([[1, 5, "needs consent"]])},
    "profile_is_known": {"name": "uk", "sha256": "a"},
    "add_profile_version": {"name": "uk", "sha256": "a", "source": "x", "now_ms": T0},
    "return_contacts": {"campaign_id": 1, "back_at_ms": T0, "contacts_json": to_json([5, 6])},
    "next_due": {"campaign_id": 1, "agents_json": to_json([1, 2]), "back_at_ms": T0 + 1},
    "contact_in_campaign": {"campaign_id": 1, "contact_id": 5, "number": phone(5)},
    "close_attempts": {"now_ms": T0, "rows_json": to_json([ENDED])},
    "move_contacts": {"rows_json": to_json([MOVED | {"outcome": 9}])},
    "write_conversations": {"rows_json": to_json([{"id": "a" * 26, "recordings": []}])},
    "mark_connected": {"rows_json": to_json([["a" * 26, 1, "session001", T0, T0 + 1]])},
    "add_stints": {"rows_json": to_json([{"agent_id": 1, "from_ms": T0, "until_ms": T0, "state": "paused"}])},
    "set_presence": {"rows_json": to_json([{"id": "session001", "state": "paused"}])},
    "add_tallies": {"rows_json": to_json([[1, "status", "pending", 1]])},
    "add_dnc": {"now_ms": T0, "rows_json": to_json([[phone(5), "keypress", None]])},
    "open_attempts_on_disk": {},
    "next_piece": {"list_id": 1, "after_id": 5_000, "size": 1_000},
    "attach_waiting": {"campaign_id": 2, "list_id": 1, "first_id": 5_000, "last_id": 6_000, "from_at_ms": T0},
    "attach_invalid": {"campaign_id": 2, "list_id": 1, "first_id": 5_000, "last_id": 6_000},
}


def fill(conn: Connection) -> None:
    """A large list, half of it on the do-not-call list, and the sessions of a year of work."""
    build(conn, [phone(place) for place in range(ROWS)])
    add_dnc_numbers(conn, [phone(place) for place in range(0, ROWS, 2)], source="import", now_ms=T0)
    agent = add_user(conn, name="ann", password_hash="x", role=Role.AGENT, now_ms=T0)
    session = {
        "agent_id": agent.id, "endpoint": "phone1", "phone_mode": "nailed up", "has_auto_answer": True, "name": "ann",
        "skill": 0, "language": "en", "campaigns": [1], "signed_in_at_ms": T0, "signed_out_at_ms": T0 + 1,
        "state": "signed out", "since_ms": T0, "reason": "", "is_paid": True,
    }  # fmt: skip
    conn.execute(insert(agent_sessions), [session | {"id": f"session{place:05}"} for place in range(3_000)])


def plan(conn: Connection, name: str, parameters: dict[str, Any]) -> list[str]:
    """How the database would carry out a query, a step a line."""
    explain = "EXPLAIN QUERY PLAN " if conn.dialect.name == "sqlite" else "EXPLAIN "
    query = queries().get((name, conn.dialect.name)) or queries()[name, ""]
    times = [bindparam(key, type_=BigInteger()) for key in parameters if key.endswith("_ms")]
    return [str(row[-1]) for row in conn.execute(text(explain + query.sql).bindparams(*times), parameters)]


def readings(steps: Sequence[str]) -> list[str]:
    """The steps that read through a table, or through all of a campaign's contacts.

    The index of live numbers holds live attempts only and may be read so, and a campaign's zones are some dozens.
    """
    through = [step for step in steps if re.search(rf"(SCAN|Seq Scan on) ({TABLES})\b", step)]
    through += [step for step in steps if re.search(r"(?<!campaign_zones) USING PRIMARY KEY \(campaign_id=\?\)$", step)]
    for step, then in pairwise(steps):
        if "pk_campaign_contacts" in step and "Index Cond" in then and "contact_id" not in then:
            through.append(then)
    return [step for step in through if "uq_attempts_live_number" not in step]


@pytest.mark.parametrize("is_analysed", [False, True], ids=["fresh", "analysed"])
async def test_no_statement_on_the_dialing_path_reads_through_a_table(store: SqlStore, is_analysed: bool) -> None:
    await store.write(fill)
    for turn in range(30):  # some hundred attempts, most of them closed
        event = await claim(store, (await store.read(_first_campaign)), 20, T0 + turn)
        await store.commit([closing(attempt) for attempt in event.attempts[1:]], T0 + turn)
    if is_analysed:
        await store.write(lambda conn: conn.execute(text("ANALYZE")))
    for name, parameters in PATH.items():
        steps = await store.write(plan, name, parameters)
        assert not readings(steps), (name, steps)


async def test_the_claim_goes_along_the_waiting_line_without_sorting_it(store: SqlStore) -> None:
    await store.write(fill)
    await store.write(lambda conn: conn.execute(text("ANALYZE")))
    steps = await store.write(plan, "claim_contacts", PATH["claim_contacts"])
    [head] = [place for place, step in enumerate(steps) if "ix_campaign_contacts_waiting" in step]
    assert "due_at_ms" in steps[head] + steps[head + 1]
    around = " ".join(steps[head - 1 : head + 2])
    assert "Sort" not in around
    assert "TEMP B-TREE" not in around


async def test_the_planted_mistake_is_seen(store: SqlStore) -> None:
    """Without its index the claim would read the line through: the check above must notice."""
    await store.write(fill)
    await store.write(lambda conn: conn.execute(text("DROP INDEX ix_campaign_contacts_waiting")))
    steps = await store.write(plan, "claim_contacts", PATH["claim_contacts"])
    assert not [step for step in steps if "ix_campaign_contacts_waiting" in step]


def _first_campaign(conn: Connection) -> Any:
    return conn.execute(text("SELECT MIN(id) FROM campaigns")).scalar_one()
