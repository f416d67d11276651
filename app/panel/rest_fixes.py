"""REST: numbers to be mended."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.fix_operations import FixOperations
from app.panel.routing import Call, Routes
from app.panel.shapes import LINE, Id, In
from app.store.fixing import FixTask, fix_tasks_page
from app.units import FixTaskId

routes = Routes()


class FixQuery(In):
    """Which tasks, the newest first."""

    done: bool = Field(default=False, description="those that are done, in place of those that are open")
    before: Id | None = Field(default=None, description="next_before of the page before")
    limit: int = Field(default=50, ge=1, le=500)


class MendBody(In):
    """The right number. "": the contact was mended elsewhere."""

    number: str = Field(
        default="", max_length=64, pattern=LINE, description="E.164, or as people in the list's country write it"
    )


class FixAnswer(BaseModel):
    """A bad number of a contact. who: the agent who said so; "": the network did, by its outcome.

    is_there: the contact still has it. done: mended or closed; "": open.
    """

    id: int
    contact_id: int
    contact_name: str
    list: str
    campaign_id: int
    campaign: str
    number: str
    outcome: int
    outcome_label: str
    disposition: str
    who: str
    note: str
    attempt_id: str
    created_at_ms: int
    is_there: bool
    done: str
    done_at_ms: int | None
    done_by: str

    @classmethod
    def of(cls, task: FixTask) -> FixAnswer:
        """For the wire."""
        return cls(
            id=task.id, contact_id=task.contact_id, contact_name=task.contact_name, list=task.list_name,
            campaign_id=task.campaign_id, campaign=task.campaign_name, number=task.number, outcome=int(task.outcome),
            outcome_label=task.outcome.label, disposition=task.disposition, who=task.who, note=task.note,
            attempt_id=task.attempt_id, created_at_ms=task.created_at_ms, is_there=task.is_there, done=task.done,
            done_at_ms=task.done_at_ms, done_by=task.done_by,
        )  # fmt: skip


class FixesAnswer(BaseModel):
    """A page. next_before: what to ask for the next page with; null: the last."""

    tasks: list[FixAnswer]
    next_before: int | None


def _verbs(call: Call) -> FixOperations:
    return FixOperations(operations=call.operations, contacts=call.contacts, store=call.store)


@routes.add("GET", "/fix-tasks", query=FixQuery, answer=FixesAnswer)
async def list_fix_tasks(call: Call) -> FixesAnswer:
    """Numbers to be mended: agents said they are bad, or a contact has no good one left."""
    asked = call.query
    found = await call.store.read(fix_tasks_page, before=asked.before, limit=asked.limit + 1, is_done=asked.done)
    page = found[: asked.limit]
    return FixesAnswer(
        tasks=[FixAnswer.of(one) for one in page], next_before=page[-1].id if len(found) > asked.limit else None
    )


@routes.add("POST", "/fix-tasks/{task_id}/mend", body=MendBody, answer=FixAnswer)
async def mend_number(call: Call) -> FixAnswer:
    """Put the right number in place of the bad one: the contact waits again wherever it was given up for it."""
    task_id = FixTaskId(call.number("task_id"))
    return FixAnswer.of(await _verbs(call).mend(task_id, call.body.number, by=call.user.name))


@routes.add("POST", "/fix-tasks/{task_id}/close", answer=FixAnswer)
async def close_fix_task(call: Call) -> FixAnswer:
    """Say that there is no right number: the contact stays as it is."""
    return FixAnswer.of(await _verbs(call).close(FixTaskId(call.number("task_id")), by=call.user.name))
