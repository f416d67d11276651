"""What goes in and out of the REST interface about how lists share a campaign's calls."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from app.panel.shapes import Id, In
from app.store.mixing import MAX_PRIORITY, MAX_WEIGHT, ListShare
from app.units import ListId


class ShareBody(In):
    """A list of a campaign and its share of the calls."""

    list_id: Id
    weight: int = Field(
        default=0, ge=0, le=MAX_WEIGHT, description="70 beside a list of 30: seven calls of ten; 0: what those leave"
    )
    priority: int = Field(
        default=0, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="lists of a higher one are called before all others"
    )
    is_active: bool = Field(default=True, description="false: nobody of it is called; callbacks are kept")


class SharesBody(In):
    """How lists of a campaign share its calls."""

    lists: list[ShareBody] = Field(max_length=1_000)

    def shares(self) -> list[ListShare]:
        """As the store has them."""
        return [ListShare(**one.model_dump() | {"list_id": ListId(one.list_id)}) for one in self.lists]


class ShareAnswer(BaseModel):
    """A list of a campaign. is_whole: contacts imported into it later join; not so where some of it were chosen."""

    list_id: int
    name: str
    weight: int
    priority: int
    is_active: bool
    is_whole: bool


class SharesAnswer(BaseModel):
    """The lists of a campaign, in the order they are called."""

    lists: list[ShareAnswer]

    @classmethod
    def of(cls, found: Iterable[ListShare]) -> SharesAnswer:
        """For the wire."""
        return cls(
            lists=[
                ShareAnswer(
                    list_id=one.list_id,
                    name=one.name,
                    weight=one.weight,
                    priority=one.priority,
                    is_active=one.is_active,
                    is_whole=one.is_whole,
                )
                for one in found
            ]
        )
