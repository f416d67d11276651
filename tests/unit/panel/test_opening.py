"""The panel opens where it is told, says why when it cannot, and can be closed at any time."""

from __future__ import annotations

import aiohttp
import pytest

from app.model import NumberFormat
from app.panel.server import Panel
from app.panel.view import last_ended
from app.settings import load
from app.store import attempts
from tests.unit.panel.site import Site
from tests.unit.panel.test_pages import closed_attempt


async def test_a_port_that_is_taken_is_told_with_the_setting(site: Site) -> None:
    second = Panel(operations=site.operations, agents=site.agents, store=site.store, settings=load())
    port = int(site.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=rf"port {port} .*OUTRING_HTTP_PORT"):
        await second.start("127.0.0.1", port)
    await second.stop()


async def test_an_address_that_is_not_ours_is_told(site: Site) -> None:
    second = Panel(operations=site.operations, agents=site.agents, store=site.store, settings=load())
    with pytest.raises(OSError, match="OUTRING_HTTP_HOST"):
        await second.start("198.51.100.1", 0)


async def test_everywhere_is_shown_as_an_address_one_can_open(site: Site) -> None:
    second = Panel(operations=site.operations, agents=site.agents, store=site.store, settings=load())
    url = await second.start("0.0.0.0", 0)
    try:
        assert url.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as http:
            assert (await http.get(f"{url}/health")).status == 200
    finally:
        await second.stop()
        await second.stop()


async def test_the_last_to_end_are_on_top_and_open_ones_below(site: Site) -> None:
    entry = await site.add_campaign(contacts=4)
    first = await closed_attempt(site, entry.campaign.id)
    await closed_attempt(site, entry.campaign.id)
    page = await site.store.read(attempts.attempts_page)
    assert [one.attempt_id for one in last_ended(page.attempts)][-1] == first


def test_a_trunks_number_format_has_the_same_fields_at_the_door() -> None:
    from app.panel.shapes import NumberFormatBody

    assert set(NumberFormatBody.model_fields) == set(NumberFormat.__dataclass_fields__)
