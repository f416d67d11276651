"""The REST interface: every noun in the plural, under /api/v1. See docs/rest.md and /api/v1/openapi.json."""

from __future__ import annotations

from importlib.metadata import version

from app.panel import (
    rest_agents,
    rest_campaigns,
    rest_compliance,
    rest_contacts,
    rest_dnc,
    rest_duty,
    rest_fixes,
    rest_groups,
    rest_lists,
    rest_people,
    rest_segments,
    rest_sources,
    rest_strategies,
    rest_webhooks,
)
from app.panel.openapi import openapi
from app.panel.routing import Routes

routes = Routes(
    [
        *rest_lists.routes.rows,
        *rest_contacts.routes.rows,
        *rest_sources.routes.rows,
        *rest_campaigns.routes.rows,
        *rest_dnc.routes.rows,
        *rest_compliance.routes.rows,
        *rest_agents.routes.rows,
        *rest_people.routes.rows,
        *rest_groups.routes.rows,
        *rest_segments.routes.rows,
        *rest_fixes.routes.rows,
        *rest_strategies.routes.rows,
        *rest_webhooks.routes.rows,
        *rest_duty.routes.rows,
    ]
)


def document() -> dict[str, object]:
    """The OpenAPI document."""
    return openapi(routes, version("outring"))
