"""REST: call strategies."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.panel.shapes import WORD_WORDS, In, is_word
from app.panel.strategy_view import StepRow, step_rows
from app.store import strategies
from app.store.strategies import StrategyVersion

routes = Routes()


class StrategyBody(In):
    """A strategy, as YAML text; see docs/strategies.md."""

    source: str = Field(max_length=262_144)


class StrategyRowAnswer(BaseModel):
    """What is done after some outcomes. steps: in words; none: the contact closes."""

    after: list[str]
    steps: list[str]

    @classmethod
    def of(cls, row: StepRow) -> StrategyRowAnswer:
        """For the wire."""
        return cls(after=list(row.after), steps=[step.words for step in row.steps])


class StrategyAnswer(BaseModel):
    """The newest version of a strategy. campaigns: the ids of those that follow it; 0 in a limit: none."""

    name: str
    version: int
    title: str
    source: str
    max_attempts: int
    per_phone: int
    per_day: int
    rows: list[StrategyRowAnswer]
    campaigns: list[int]
    created_at_ms: int

    @classmethod
    def of(cls, found: StrategyVersion, following: list[int]) -> StrategyAnswer:
        """For the wire."""
        strategy = found.strategy
        return cls(
            name=found.name,
            version=found.version,
            title=strategy.title,
            source=found.source,
            max_attempts=strategy.max_attempts,
            per_phone=strategy.per_phone,
            per_day=strategy.per_day,
            rows=[StrategyRowAnswer.of(row) for row in step_rows(strategy)],
            campaigns=following,
            created_at_ms=found.created_at_ms,
        )


async def _answer(call: Call, found: StrategyVersion) -> StrategyAnswer:
    return StrategyAnswer.of(found, list(await call.store.read(strategies.campaigns_of_strategy, found.name)))


@routes.add("GET", "/strategies", answer=list[StrategyAnswer])
async def list_strategies(call: Call) -> list[StrategyAnswer]:
    """The newest version of each call strategy."""
    return [await _answer(call, found) for found in await call.store.read(strategies.list_strategies)]


@routes.add("GET", "/strategies/{name}", answer=StrategyAnswer)
async def get_strategy(call: Call) -> StrategyAnswer:
    """The newest version of one call strategy."""
    return await _answer(call, await call.store.read(strategies.get_strategy, call.word("name")))


@routes.add("PUT", "/strategies/{name}", body=StrategyBody, answer=StrategyAnswer)
async def put_strategy(call: Call) -> StrategyAnswer:
    """Keep a call strategy as its newest version; campaigns follow it from the end of their next attempts on."""
    name = call.text("name")
    if not is_word(name):
        raise Problem(422, "invalid", f"{name[:40]!r} is no strategy's name: {WORD_WORDS}")
    return await _answer(call, await call.operations.save_strategy(name, call.body.source))


@routes.add("DELETE", "/strategies/{name}")
async def delete_strategy(call: Call) -> None:
    """Forget a strategy that no campaign follows."""
    await call.store.write(strategies.remove_strategy, call.word("name"))
