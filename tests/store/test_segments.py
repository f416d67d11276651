"""Segments: read with line and mend, met as people mean it, the same in both databases, a piece at a time."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Connection, update

from app.outcomes import ContactStatus, Outcome
from app.plain_yaml import FileError
from app.segments.load import load_segment
from app.store import NotFound, SqlStore
from app.store.flows import list_flows
from app.store.lists import get_list, grow_list
from app.store.mixing import list_shares
from app.store.schema import campaign_contacts, contacts
from app.store.segments import (
    attach_segment_piece,
    get_segment,
    list_segments,
    remove_segment,
    requeue_segment_piece,
    save_segment,
    segment_piece,
)
from app.units import CampaignId, ListId
from tests.store.world import T0, build, claim, closing, new_campaign, phone

NAMES = ["City", "Age", 'Odd" name', "a'; DROP TABLE contacts; --"]


def text(*conditions: str, kind: str = "all", campaign: str = "") -> str:
    head = "title: Test\n" + (f"campaign: {campaign}\n" if campaign else "")
    return head + f"{kind}:\n" + "".join("  - '" + one.replace("'", "''") + "'\n" for one in conditions)


async def world(store: SqlStore, rows: list[dict[str, str]], campaigns: int = 1) -> list[CampaignId]:
    """Contacts with these columns, of one list, in campaigns."""

    def make(conn: Connection) -> list[CampaignId]:
        made = build(conn, [phone(place) for place in range(1, len(rows) + 1)], campaigns)
        grow_list(conn, ListId(1), 0, NAMES)
        for contact_id, fields in enumerate(rows, 1):
            conn.execute(update(contacts).where(contacts.c.id == contact_id).values(fields=fields))
        return made

    return await store.write(make)


async def met(store: SqlStore, source: str, size: int = 2, campaign_id: CampaignId | None = None) -> list[int]:
    found, after_id = load_segment(source, "test"), 0
    ids: list[int] = []
    while True:
        piece = await store.read(segment_piece, found, after_id, T0 + 10, campaign_id=campaign_id, size=size)
        ids += piece.met
        if piece.after_id is None:
            return ids
        after_id = piece.after_id


async def test_columns_are_compared_as_people_mean_them(store: SqlStore) -> None:
    await world(store, [{"City": "Москва", "Age": "30"}, {"City": " москва", "Age": "7,5"}, {"City": "Paris"}, {}])
    for condition, expected in {
        "City = МОСКВА": [1, 2],
        "City != Москва": [3, 4],
        "City in paris, berlin": [3],
        "City not in paris, Москва": [4],
        "City begins with мос": [1, 2],
        "City contains ари": [],
        "City contains ari": [3],
        "City is empty": [4],
        "Age is not empty": [1, 2],
        "Age < 10": [2],
        "Age >= 7.5": [1, 2],
        "Age = 30.0": [1],
        "phone begins with +4477009": [1, 2, 3, 4],
        "phones = 1": [1, 2, 3, 4],
        "name = person 3": [3],
        "language = ru": [1, 3],
    }.items():
        assert await met(store, text(condition)) == expected, condition
    assert await met(store, text("City = Paris", "Age = 30", kind="any")) == [1, 3]
    nested = "title: T\nall:\n  - language = ru\n  - any:\n    - Age = 30\n    - City = Paris\n"
    assert await met(store, nested) == [1, 3]


async def test_history_counts_in_all_campaigns_or_in_one(store: SqlStore) -> None:
    one, two = await world(store, [{}] * 4, campaigns=2)
    for campaign_id, outcome in ((one, Outcome.NO_ANSWER), (two, Outcome.BUSY)):
        event = await claim(store, campaign_id, 2, T0 + campaign_id)
        ends = [closing(row, outcome=outcome, status=ContactStatus.RETRIES_COMPLETED) for row in event.attempts]
        await store.commit(ends, T0)
    assert await met(store, text("tries = 2")) == [1, 2]
    assert await met(store, text("last outcome = busy")) == [1, 2]
    assert await met(store, text("last outcome = no answer", campaign="campaign 0")) == [1, 2]
    assert await met(store, text("last outcome = no answer", "tries < 2"), campaign_id=one) == [1, 2]
    assert await met(store, text("status = pending"), campaign_id=one) == [3, 4]
    assert await met(store, text("last outcome is empty")) == [3, 4]
    assert await met(store, text("days since last call < 1")) == [1, 2]


async def test_no_text_of_a_segment_is_sql(store: SqlStore) -> None:
    """Names and values that would break out of a statement are compared as they are."""
    evil = NAMES[3]
    await world(store, [{evil: "x' OR '1'='1"}, {'Odd" name': "7"}, {}])
    assert await met(store, text(f'"{evil}" is not empty')) == [1]
    assert await met(store, text("City = x' OR '1'='1")) == []
    assert await met(store, text("City = '; DELETE FROM contacts; --")) == []
    assert (await store.read(get_list, ListId(1))).contacts == 3


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("all:\n  - City = x\n", 1, "no title"),
        ("title: T\nall:\n  - City = x\n  - tries < many\n", 4, "is no number"),
        ("title: T\nall:\n  - last outcome = nonsense\n", 3, "it is one of"),
        ("title: T\nall:\n  - City < Moscow\n", 3, "has no order"),
        ("title: T\nall:\n  - City\n", 3, "is no condition"),
        ("title: T\nall:\n  - City =\n", 3, "nothing is compared"),
        ("title: T\nall: []\n", 2, "no conditions"),
        ("title: T\nall:\n  - City = x\nany:\n  - City = y\n", 2, "one list of conditions"),
        ("title: T\nwhere:\n  - City = x\n", 2, "has no 'where'"),
        ("title: T\nall:\n  - email is empty now\n", 3, "stands alone"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_mend(source: str, line: int, words: str) -> None:
    with pytest.raises(FileError, match=words) as told:
        load_segment(source, "test")
    assert told.value.line == line


async def test_a_segment_is_kept_changed_and_forgotten(store: SqlStore) -> None:
    await world(store, [{}])
    await store.write(save_segment, name="moscow", source=text("City = Moscow"), now_ms=T0)
    await store.write(save_segment, name="moscow", source=text("City = Paris"), now_ms=T0 + 1)
    kept = [[one.values for one in entry.segment.root.conditions()] for entry in await store.read(list_segments)]
    assert kept == [[("Paris",)]]
    with pytest.raises(FileError, match=r"no list has the column 'Citty'; there are: .*City"):
        await store.write(save_segment, name="bad", source=text("Citty = x"), now_ms=T0)
    with pytest.raises(NotFound):
        await store.write(save_segment, name="bad", source=text("tries = 1", campaign="nowhere"), now_ms=T0)
    await store.write(remove_segment, "moscow")
    with pytest.raises(NotFound):
        await store.read(get_segment, "moscow")


async def test_only_whom_it_means_joins_a_campaign_and_later_imports_do_not(store: SqlStore) -> None:
    await world(store, [{"City": "A" if place % 3 else "B"} for place in range(9)], campaigns=0)
    campaign_id = await store.write(_campaign)
    found = load_segment(text("City = B"), "b")
    piece, added = await store.write(attach_segment_piece, found, campaign_id, ListId(1), 0, T0)
    assert (piece.met, added) == ((1, 4, 7), 3)
    assert (await store.write(attach_segment_piece, found, campaign_id, ListId(1), 0, T0))[1] == 0
    [share] = await store.read(list_shares, campaign_id)
    assert not share.is_whole
    assert sorted(one.contact_id for one in (await claim(store, campaign_id, 9)).attempts) == [1, 4, 7]


async def test_a_list_in_which_it_means_nobody_is_not_taken_into_the_campaign(store: SqlStore) -> None:
    await world(store, [{"City": "A"}], campaigns=0)
    campaign_id = await store.write(_campaign)
    found = load_segment(text("City = B"), "b")
    assert (await store.write(attach_segment_piece, found, campaign_id, ListId(1), 0, T0))[1] == 0
    assert await store.read(list_shares, campaign_id) == []
    with pytest.raises(NotFound):
        await store.read(segment_piece, found, 0, T0, list_id=ListId(99))
    with pytest.raises(NotFound):
        await store.read(segment_piece, found, 0, T0, campaign_id=CampaignId(99))


async def test_who_has_no_number_does_not_keep_the_others_from_being_called_again(store: SqlStore) -> None:
    [campaign_id] = await world(store, [{"City": "A"}, {"City": "A"}])
    await store.write(Connection.execute, update(campaign_contacts).values(status="retries completed", due_at_ms=None))
    await store.write(Connection.execute, update(contacts).where(contacts.c.id == 1).values(phone1=""))
    found = load_segment(text("City = A"), "a")
    piece, returned = await store.write(requeue_segment_piece, found, campaign_id, 0, T0)
    assert (piece.met, returned) == ((1, 2), 1)


def _campaign(conn: Connection) -> CampaignId:
    return new_campaign(conn, "chosen", list_flows(conn)[0].id)


async def test_only_whom_it_means_is_called_again_and_never_who_opted_out(store: SqlStore) -> None:
    [campaign_id] = await world(store, [{"City": "A"}, {"City": "A"}, {"City": "B"}])
    done = update(campaign_contacts).values(status="retries completed", due_at_ms=None)
    barred = update(campaign_contacts).where(campaign_contacts.c.contact_id == 2).values(status="do-not-call")
    for change in (done, barred):
        await store.write(Connection.execute, change)
    found = load_segment(text("City = A"), "a")
    piece, returned = await store.write(requeue_segment_piece, found, campaign_id, 0, T0)
    assert (piece.met, returned) == ((1, 2), 1)


async def test_pieces_of_any_size_find_the_same(store: SqlStore) -> None:
    dice = random.Random(5)
    await world(store, [{"Age": str(dice.randrange(5))} for _ in range(40)])
    sizes = {size: await met(store, text("Age in 1, 3"), size) for size in (1, 3, 40, 500)}
    assert len(set(map(tuple, sizes.values()))) == 1
