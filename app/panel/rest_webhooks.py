"""REST: results read on from a cursor, and webhooks that tell what happens."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from app.panel import trail
from app.panel.campaign_shapes import AttemptAnswer
from app.panel.problems import Problem
from app.panel.routing import Call, Routes
from app.panel.shapes import LINE, Id, In
from app.store import outbox, results, webhooks
from app.store.outbox import Delivery
from app.store.people import Role
from app.store.webhooks import EventKind, Webhook, WebhookPlan
from app.units import CampaignId, WebhookId
from app.webhooks.posting import Answer
from app.webhooks.receivers import MAX_URL, ReceiverRefused
from app.webhooks.signing import new_secret

routes = Routes()
MOST: Final = 1_000
Kind = Literal[
    "attempt.ended", "disposition.set", "lead.hot", "contact.settled", "dnc.added", "campaign.started",
    "campaign.paused", "campaign.stopped", "campaign.finished",
]  # fmt: skip


# --- results ---------------------------------------------------------------------------------------------------------


class ResultsQuery(In):
    """Which results, in the order in which attempts ended."""

    since: int = Field(default=0, ge=0, le=2**53, description="next_cursor of the answer before; 0: from the first")
    campaign: Id | None = None
    limit: int = Field(default=100, ge=1, le=MOST)


class ResultAnswer(AttemptAnswer):
    """An attempt that ended, with whom it was to. recordings: all of them, see /recordings."""

    campaign: str
    contact_key: str = Field(description="what makes a contact the same one again in its list")
    contact_fields: dict[str, Any]
    list_id: int
    list_name: str
    recordings: list[str]


class ResultsAnswer(BaseModel):
    """Some results. next_cursor: what to ask for next as `since`, also when there is nothing new."""

    results: list[ResultAnswer]
    next_cursor: int
    has_more: bool = Field(description="there is more right now")


@routes.add("GET", "/results", query=ResultsQuery, answer=ResultsAnswer)
async def list_results(call: Call) -> ResultsAnswer:
    """Attempts that ended, in order, from a cursor on: none is missed; one whose result is changed is told again."""
    until = await call.store.read(results.settled_to)
    page = await call.store.read(
        results.results_page,
        since=call.query.since,
        until=until,
        campaign_id=call.query.campaign,
        limit=call.query.limit,
    )
    found = [ResultAnswer.model_validate(one) for one in page.results]
    return ResultsAnswer(results=found, next_cursor=page.next_cursor, has_more=page.has_more)


# --- webhooks --------------------------------------------------------------------------------------------------------


class WebhookBody(In):
    """Where to tell of what. The secret that deliveries are signed with is made here, and told once."""

    url: str = Field(
        min_length=8, max_length=MAX_URL, pattern=LINE, description="https, unless webhook_networks allows"
    )
    kinds: list[Kind] = Field(default_factory=list, max_length=len(EventKind), description="none: all")
    campaign_id: Id | None = Field(default=None, description="only about this campaign; null: about all")
    is_active: bool = True

    def plan(self) -> WebhookPlan:
        """As the store has it."""
        return WebhookPlan(
            url=self.url,
            kinds=tuple(EventKind(kind) for kind in self.kinds),
            campaign_id=None if self.campaign_id is None else CampaignId(self.campaign_id),
            is_active=self.is_active,
        )


class WebhookAnswer(BaseModel):
    """A webhook as it stands. is_failing: it took nothing for a while, problem says why."""

    id: int
    url: str
    kinds: list[str]
    campaign_id: int | None
    is_active: bool
    is_failing: bool
    created_at_ms: int
    delivered: int
    delivered_at_ms: int | None
    failures: int = Field(description="since the last delivery")
    failing_since_ms: int | None
    problem: str
    waiting: int = Field(description="deliveries to be made yet")
    dead: int = Field(description="deliveries that were given up")

    @classmethod
    def of(cls, found: Webhook) -> WebhookAnswer:
        """A webhook for the wire."""
        told = {name: getattr(found, name) for name in cls.model_fields if name != "kinds"}
        return cls(kinds=[kind.value for kind in found.kinds], **told)


class NewWebhookAnswer(BaseModel):
    """A webhook and its secret, which is told this once."""

    webhook: WebhookAnswer
    secret: str


class SecretAnswer(BaseModel):
    """A new secret, told this once; the one before does not count any more."""

    secret: str


class TriedAnswer(BaseModel):
    """What came of a test event. status: of the answer; problem: empty when it was taken."""

    status: int | None
    problem: str
    took_ms: int

    @classmethod
    def of(cls, answer: Answer) -> TriedAnswer:
        """For the wire."""
        return cls(status=answer.status, problem=answer.problem, took_ms=answer.took_ms)


class DeliveriesQuery(In):
    """Which deliveries, the oldest first."""

    state: Literal["waiting", "dead"] = "dead"
    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=MOST)


class DeliveryAnswer(BaseModel):
    """An event that was not delivered yet. next_at_ms: when it is tried; null: it was given up. body: as it is sent."""

    id: int
    event_id: str
    kind: str
    at_ms: int
    next_at_ms: int | None
    tries: int
    problem: str
    body: str

    @classmethod
    def of(cls, found: Delivery) -> DeliveryAnswer:
        """A delivery for the wire."""
        told = {name: getattr(found, name) for name in cls.model_fields if name != "kind"}
        return cls(kind=found.kind.value, **told)


class RedeliverBody(In):
    """Which dead letters are tried again."""

    deliveries: list[Id] = Field(default_factory=list, max_length=MOST, description="their ids; none: all")


class RedeliverAnswer(BaseModel):
    """How many are tried again."""

    redelivered: int


@routes.add("GET", "/webhooks", answer=list[WebhookAnswer])
async def list_webhooks(call: Call) -> list[WebhookAnswer]:
    """All webhooks, with how they stand."""
    return [WebhookAnswer.of(found) for found in await call.store.read(webhooks.list_webhooks)]


@routes.add("POST", "/webhooks", role=Role.ADMIN, body=WebhookBody, answer=NewWebhookAnswer, status=201, is_noted=False)
async def create_webhook(call: Call) -> NewWebhookAnswer:
    """Have an address told of what happens from now on; the answer has the secret, this once."""
    _check(call, call.body.url)
    secret, now_ms = new_secret(), call.operations.now_ms
    made = await call.store.write(webhooks.create_webhook, call.body.plan(), secret=secret, now_ms=now_ms)
    await _changed(call, "created webhook", made)
    return NewWebhookAnswer(webhook=WebhookAnswer.of(made), secret=secret)


@routes.add("GET", "/webhooks/{webhook_id}", answer=WebhookAnswer)
async def get_webhook(call: Call) -> WebhookAnswer:
    """One webhook."""
    return WebhookAnswer.of(await call.store.read(webhooks.get_webhook, _id(call)))


@routes.add("PUT", "/webhooks/{webhook_id}", role=Role.ADMIN, body=WebhookBody, answer=WebhookAnswer, is_noted=False)
async def change_webhook(call: Call) -> WebhookAnswer:
    """Change a webhook, or switch it on again; its secret stays."""
    _check(call, call.body.url)
    found = await call.store.write(webhooks.change_webhook, _id(call), call.body.plan())
    await _changed(call, "changed webhook", found)
    return WebhookAnswer.of(found)


@routes.add("DELETE", "/webhooks/{webhook_id}", role=Role.ADMIN)
async def delete_webhook(call: Call) -> None:
    """Forget a webhook, with what it was to be told yet."""
    await call.store.write(webhooks.remove_webhook, _id(call))
    await call.courier.changed()


@routes.add("POST", "/webhooks/{webhook_id}/secret", role=Role.ADMIN, answer=SecretAnswer)
async def renew_webhook_secret(call: Call) -> SecretAnswer:
    """Sign with a new secret from now on."""
    secret = new_secret()
    await call.store.write(webhooks.set_secret, _id(call), secret)
    return SecretAnswer(secret=secret)


@routes.add("POST", "/webhooks/{webhook_id}/test", role=Role.ADMIN, answer=TriedAnswer)
async def test_webhook(call: Call) -> TriedAnswer:
    """Send a test event now, once, and say what came of it."""
    return TriedAnswer.of(await call.courier.test(_id(call)))


@routes.add("GET", "/webhooks/{webhook_id}/deliveries", query=DeliveriesQuery, answer=list[DeliveryAnswer])
async def list_webhook_deliveries(call: Call) -> list[DeliveryAnswer]:
    """Events that were given up (dead), or wait to be delivered."""
    query = call.query
    page = await call.store.read(
        outbox.deliveries_page, _id(call), is_dead=query.state == "dead", after=query.after, limit=query.limit
    )
    return [DeliveryAnswer.of(found) for found in page]


@routes.add("POST", "/webhooks/{webhook_id}/redeliver", role=Role.ADMIN, body=RedeliverBody, answer=RedeliverAnswer)
async def redeliver_webhook(call: Call) -> RedeliverAnswer:
    """Try dead letters again, these or all."""
    now_ms = call.operations.now_ms
    count = await call.store.write(outbox.redeliver, _id(call), now_ms, call.body.deliveries)
    await call.courier.changed()
    return RedeliverAnswer(redelivered=count)


def _id(call: Call) -> WebhookId:
    return WebhookId(call.number("webhook_id"))


def _check(call: Call, url: str) -> None:
    try:
        call.courier.poster.check(url)
    except ReceiverRefused as error:
        raise Problem(422, "invalid", f"url: {error}") from error


async def _changed(call: Call, what: str, found: Webhook) -> None:
    note = trail.note(call.user, what, f"webhook {found.id}", call.operations.now_ms, {"by": "REST"} | described(found))
    await trail.write(call.store, note)
    await call.courier.changed()


def described(found: Webhook) -> dict[str, str]:
    """A webhook for the audit trail: its address without what comes after a question mark, which may be a key."""
    parts = urlsplit(found.url)
    return {
        "url": f"{parts.scheme}://{parts.netloc}{parts.path}"[:200],
        "kinds": ", ".join(kind.value for kind in found.kinds) or "all",
        "campaign": "all" if found.campaign_id is None else str(found.campaign_id),
        "is_active": str(found.is_active),
    }
