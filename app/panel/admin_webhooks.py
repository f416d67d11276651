"""The admin's pages about webhooks: who is told what, how that goes, and what could not be delivered."""

from __future__ import annotations

import re
from typing import Any, Final

from aiohttp import web

from app.operations import Operations
from app.panel.admin import AdminPages
from app.panel.forms import Form
from app.panel.pages import Pages
from app.panel.rest_webhooks import described
from app.store import campaigns, outbox, webhooks
from app.store.door import SqlStore
from app.store.webhooks import EventKind, Webhook, WebhookPlan
from app.units import CampaignId, WebhookId
from app.webhooks.courier import Courier
from app.webhooks.posting import Answer
from app.webhooks.receivers import MAX_URL, ReceiverRefused
from app.webhooks.signing import new_secret

SHOWN: Final = 50


class WebhookPages(AdminPages):
    """Webhooks."""

    def __init__(self, *, operations: Operations, store: SqlStore, pages: Pages, courier: Courier) -> None:
        super().__init__(operations=operations, store=store, pages=pages)
        self._courier = courier

    def routes(self) -> tuple[tuple[str, str, Any], ...]:
        """Method, path and what answers."""
        return (
            ("GET", "/admin/webhooks", self._all),
            ("POST", "/admin/webhooks", self._add),
            ("GET", "/admin/webhooks/{webhook_id:[0-9]{1,15}}", self._one),
            ("POST", "/admin/webhooks/{webhook_id:[0-9]{1,15}}", self._change),
            ("POST", "/admin/webhooks/{webhook_id:[0-9]{1,15}}/test", self._test),
            ("POST", "/admin/webhooks/{webhook_id:[0-9]{1,15}}/secret", self._renew),
            ("POST", "/admin/webhooks/{webhook_id:[0-9]{1,15}}/redeliver", self._redeliver),
            ("POST", "/admin/webhooks/{webhook_id:[0-9]{1,15}}/remove", self._remove),
        )

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form({"is_active": "yes"}))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        found = await self._store.read(webhooks.get_webhook, _id(request))
        return await self._page(request, _form(found), found)

    async def _page(
        self,
        request: web.Request,
        form: Form,
        found: Webhook | None = None,
        *,
        secret: str = "",
        tried: Answer | None = None,
        status: int = 200,
    ) -> web.StreamResponse:
        plans = await self._store.read(campaigns.list_campaigns)
        dead = []
        if found is not None:
            dead = await self._store.read(outbox.deliveries_page, found.id, is_dead=True, limit=SHOWN)
        return self._pages.page(
            request,
            "admin_webhooks.html",
            status=status,
            rows=await self._store.read(webhooks.list_webhooks),
            found=found,
            form=form,
            secret=secret,
            tried=tried,
            dead=dead,
            saved="",
            kinds=[(kind.value, kind.value, "") for kind in EventKind],
            campaigns={one.campaign.id: one.campaign.name for one in plans},
        )

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        plan = self._plan(form)
        if not form.is_good:
            return await self._page(request, form, status=422)
        secret = new_secret()
        made = await self._store.write(webhooks.create_webhook, plan, secret=secret, now_ms=self._operations.now_ms)
        await self._changed(request, "created webhook", made)
        return await self._page(request, _form(made), made, secret=secret)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        form = await Form.of(request)
        plan = self._plan(form)
        if not form.is_good:
            return await self._page(
                request, form, await self._store.read(webhooks.get_webhook, _id(request)), status=422
            )
        await self._changed(
            request, "changed webhook", await self._store.write(webhooks.change_webhook, _id(request), plan)
        )
        return self._back("/admin/webhooks")

    async def _test(self, request: web.Request) -> web.StreamResponse:
        tried = await self._courier.test(_id(request))
        found = await self._store.read(webhooks.get_webhook, _id(request))
        return await self._page(request, _form(found), found, tried=tried)

    async def _renew(self, request: web.Request) -> web.StreamResponse:
        secret, webhook_id = new_secret(), _id(request)
        await self._store.write(webhooks.set_secret, webhook_id, secret)
        await self._note(request, "renewed webhook secret", f"webhook {webhook_id}")
        found = await self._store.read(webhooks.get_webhook, webhook_id)
        return await self._page(request, _form(found), found, secret=secret)

    async def _redeliver(self, request: web.Request) -> web.StreamResponse:
        webhook_id = _id(request)
        await self._store.write(outbox.redeliver, webhook_id, self._operations.now_ms)
        await self._courier.changed()
        await self._note(request, "redelivered webhook", f"webhook {webhook_id}")
        return self._back(f"/admin/webhooks/{webhook_id}")

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        webhook_id = _id(request)
        await self._store.write(webhooks.remove_webhook, webhook_id)
        await self._courier.changed()
        await self._note(request, "removed webhook", f"webhook {webhook_id}")
        return self._back("/admin/webhooks")

    def _plan(self, form: Form) -> WebhookPlan:
        url = form.text("url", least=8, most=MAX_URL)
        try:
            self._courier.poster.check(url)
        except ReceiverRefused as error:
            form.wrong("url", str(error))
        known = {kind.value for kind in EventKind}
        campaign = form["campaign"]
        return WebhookPlan(
            url=url,
            kinds=tuple(EventKind(one) for one in form.all("kinds") if one in known),
            campaign_id=CampaignId(int(campaign)) if re.fullmatch(r"[0-9]{1,15}", campaign) else None,
            is_active=form.ticked("is_active"),
        )

    async def _changed(self, request: web.Request, what: str, found: Webhook) -> None:
        await self._note(request, what, f"webhook {found.id}", described(found))
        await self._courier.changed()


def _id(request: web.Request) -> WebhookId:
    return WebhookId(int(request.match_info["webhook_id"]))


def _form(found: Webhook) -> Form:
    given = {"url": found.url, "campaign": "" if found.campaign_id is None else str(found.campaign_id)}
    return Form(
        given | ({"is_active": "yes"} if found.is_active else {}), {"kinds": [one.value for one in found.kinds]}
    )
