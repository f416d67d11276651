"""Projects: campaigns that belong together, and share a do-not-call list. There is always the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.store.errors import InUse, NotFound, unique
from app.store.schema import campaigns, dnc, dnc_people, projects
from app.units import CampaignId, ProjectId

DEFAULT_PROJECT: Final = ProjectId(1)
"""The project of campaigns that were put into no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project. campaigns: how many are in it."""

    id: ProjectId
    name: str
    created_at_ms: int
    campaigns: int = 0


def create_project(conn: Connection, *, name: str, now_ms: int) -> Project:
    """Raises Duplicate for its name."""
    with unique("project", name):
        new = insert(projects).values(name=name, created_at_ms=now_ms).returning(projects.c.id)
        made = conn.execute(new).scalar_one()
    return get_project(conn, ProjectId(made))


def rename_project(conn: Connection, project_id: ProjectId, name: str) -> Project:
    """Raises NotFound, Duplicate."""
    with unique("project", name):
        conn.execute(update(projects).where(projects.c.id == project_id).values(name=name))
    return get_project(conn, project_id)


def list_projects(conn: Connection) -> list[Project]:
    """In the order they were made."""
    return [_project(row) for row in conn.execute(_found().order_by(projects.c.id))]


def get_project(conn: Connection, project_id: ProjectId) -> Project:
    """Raises NotFound."""
    row = conn.execute(_found().where(projects.c.id == project_id)).first()
    if row is None:
        raise NotFound("project", project_id)
    return _project(row)


def remove_project(conn: Connection, project_id: ProjectId) -> Project:
    """Remove a project without campaigns, its do-not-call entries with it. Raises NotFound, InUse."""
    found = get_project(conn, project_id)
    if project_id == DEFAULT_PROJECT:
        raise InUse("the first project stays: campaigns without another are in it")
    if found.campaigns:
        raise InUse(f"project {found.name!r} has {found.campaigns} campaigns; move them into another first")
    for table in (dnc, dnc_people):
        conn.execute(delete(table).where(table.c.project_id == project_id))
    conn.execute(delete(projects).where(projects.c.id == project_id))
    return found


def move_campaign(conn: Connection, campaign_id: CampaignId, project_id: ProjectId) -> None:
    """Put a campaign into a project; that project's do-not-call list is its own from now on. Raises NotFound."""
    get_project(conn, project_id)
    moved = update(campaigns).where(campaigns.c.id == campaign_id).values(project_id=project_id)
    if conn.execute(moved).rowcount == 0:
        raise NotFound("campaign", campaign_id)


def project_of(conn: Connection, campaign_id: CampaignId) -> Project:
    """The project a campaign is in. Raises NotFound."""
    project_id = conn.execute(select(campaigns.c.project_id).where(campaigns.c.id == campaign_id)).scalar()
    if project_id is None:
        raise NotFound("campaign", campaign_id)
    return get_project(conn, ProjectId(project_id))


def _found() -> Any:
    counted = select(func.count()).where(campaigns.c.project_id == projects.c.id).scalar_subquery()
    return select(projects, counted.label("campaigns"))


def _project(row: Row[Any]) -> Project:
    return Project(id=ProjectId(row.id), name=row.name, created_at_ms=row.created_at_ms, campaigns=row.campaigns)
