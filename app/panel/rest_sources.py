"""REST: lists that come from somebody's own database, by a schedule or live."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.contacts.mapping import ROLES
from app.panel.problems import Problem, pattern
from app.panel.routing import Call, Routes
from app.panel.shapes import LINE, Country, In, Line, Name, ShortName
from app.sources.database import SourceProblem
from app.sources.syncing import RESULTS
from app.store import sources
from app.store.people import Role
from app.store.sources import Source, SourceConflict, SourcePlan
from app.units import DAY_MS, SECOND_MS

routes = Routes()
LEAST_EVERY_MS: Final = 5 * SECOND_MS
_RELATION: Final = pattern(
    r"^[A-Za-z0-9_$-]{1,63}(\.[A-Za-z0-9_$-]{1,63})?$", "the name of a table or view, with its schema or not"
)
Column = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=LINE)]


class SourceBody(In):
    """A table or view of your own that is a list here."""

    name: ShortName
    list: Name = Field(description="made where there is none; a list has one source at most")
    database: Line = Field(min_length=1, description="the name of an address under [databases] in the settings")
    relation: str = Field(max_length=127, pattern=_RELATION)
    key: Column = Field(description="the column that tells rows apart")
    country: Country = Field(description="how numbers without a country code are read")
    mapping: dict[str, Column] = Field(
        default_factory=dict, max_length=30, description="role to column, over the guess"
    )
    every_ms: int = Field(default=300_000, ge=0, le=30 * DAY_MS, description="how often it is read; 0: when asked")
    is_live: bool = Field(
        default=False, description="results and edits are written back, and who is gone there is gone here"
    )
    results: dict[str, Column] = Field(
        default_factory=dict, max_length=10, description="fact of an attempt to column: " + ", ".join(RESULTS)
    )


class SourceAnswer(BaseModel):
    """A source as it stands. Nothing of its database's address is told."""

    id: int
    name: str
    list_id: int
    database: str
    relation: str
    key: str
    country: str
    mapping: dict[str, str]
    every_ms: int
    is_live: bool
    results: dict[str, str]
    status: str = Field(description="waiting, unreachable, failed")
    problem: str
    is_held: bool = Field(description="its list is not dialed until its database can be reached again")
    ran_at_ms: int | None
    next_at_ms: int | None
    counts: dict[str, int] = Field(description="of the last run without a problem")

    @classmethod
    def of(cls, found: Source) -> SourceAnswer:
        """A source for the wire."""
        plan = found.plan
        return cls(
            id=found.id, name=found.name, list_id=found.list_id, database=plan.database, relation=plan.relation,
            key=plan.key, country=plan.country, mapping=dict(plan.mapping), every_ms=plan.every_ms,
            is_live=plan.is_live, results=dict(plan.results), status=found.status.value, problem=found.problem,
            is_held=found.is_held, ran_at_ms=found.ran_at_ms, next_at_ms=found.next_at_ms, counts=dict(found.counts),
        )  # fmt: skip


class ConflictAnswer(BaseModel):
    """An edit made here of what was changed in the database meanwhile. taken: ours, theirs; empty: it is open."""

    id: int
    contact_id: int
    key: str
    field: str
    seen: str
    ours: str
    theirs: str
    by: str
    at_ms: int
    taken: str

    @classmethod
    def of(cls, found: SourceConflict) -> ConflictAnswer:
        """A conflict for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ConflictsQuery(In):
    """Which conflicts, the oldest first."""

    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=1_000)
    settled: bool = Field(default=False, description="the settled ones too")


class TakeBody(In):
    """Whose value it is to be."""

    take: Literal["ours", "theirs"]


@routes.add("GET", "/sources", answer=list[SourceAnswer])
async def list_sources(call: Call) -> list[SourceAnswer]:
    """All sources, with how they stand."""
    return [SourceAnswer.of(found) for found in await call.store.read(sources.list_sources)]


@routes.add("POST", "/sources", role=Role.ADMIN, body=SourceBody, answer=SourceAnswer, status=201)
async def create_source(call: Call) -> SourceAnswer:
    """Make a table or view a list: it is looked at now, and read in a moment."""
    body = call.body
    if 0 < body.every_ms < LEAST_EVERY_MS:
        raise Problem(422, "invalid", f"every_ms: at least {LEAST_EVERY_MS}, or 0 for when asked")
    for role in body.mapping:
        if role not in (*ROLES, "phone"):
            raise Problem(422, "invalid", f"mapping: there is no role {role[:40]!r}; choose of {', '.join(ROLES)}")
    for fact in body.results:
        if fact not in RESULTS:
            raise Problem(422, "invalid", f"results: there is no {fact[:40]!r}; choose of {', '.join(RESULTS)}")
    plan = SourcePlan(**body.model_dump(exclude={"name", "list"}))
    try:
        await call.sources.check(plan)
    except SourceProblem as error:
        raise Problem(422, "bad_source", str(error)) from error
    made = await call.store.write(
        sources.create_source, name=body.name, list_name=body.list, plan=plan, now_ms=call.operations.now_ms
    )
    return SourceAnswer.of(made)


@routes.add("GET", "/sources/{source_id}", answer=SourceAnswer)
async def get_source(call: Call) -> SourceAnswer:
    """One source."""
    return SourceAnswer.of(await call.store.read(sources.get_source, call.number("source_id")))


@routes.add("DELETE", "/sources/{source_id}", role=Role.ADMIN)
async def delete_source(call: Call) -> None:
    """Forget a source; its list and contacts stay."""
    await call.sources.remove(call.number("source_id"))


@routes.add("POST", "/sources/{source_id}/run", answer=SourceAnswer)
async def run_source(call: Call) -> SourceAnswer:
    """Read it now; what went wrong is in the answer's problem."""
    return SourceAnswer.of(await call.sources.sync(call.number("source_id")))


@routes.add("GET", "/sources/{source_id}/conflicts", query=ConflictsQuery, answer=list[ConflictAnswer])
async def list_source_conflicts(call: Call) -> list[ConflictAnswer]:
    """Edits made here of what was changed in the database meanwhile."""
    source_id = call.number("source_id")
    await call.store.read(sources.get_source, source_id)
    page = await call.store.read(
        sources.conflicts_page,
        source_id,
        after=call.query.after,
        limit=call.query.limit,
        with_settled=call.query.settled,
    )
    return [ConflictAnswer.of(found) for found in page]


@routes.add("POST", "/sources/{source_id}/conflicts/{conflict_id}", body=TakeBody, answer=ConflictAnswer)
async def settle_source_conflict(call: Call) -> ConflictAnswer:
    """Take one of the two values: ours is written into the database."""
    try:
        settled = await call.sources.settle(call.number("source_id"), call.number("conflict_id"), call.body.take)
    except SourceProblem as error:
        raise Problem(409, "bad_source", str(error)) from error
    return ConflictAnswer.of(settled)
