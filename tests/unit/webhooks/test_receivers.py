"""Where webhooks may go: https to the internet, and one's own networks only where the settings name them."""

from __future__ import annotations

import pytest

from app.webhooks.posting import Poster
from app.webhooks.receivers import CarefulResolver, ReceiverRefused, check_url, networks
from tests.unit.webhooks.receiver import LOOPBACK, receiving

GOOD = ["https://crm.example.com/hook?key=1", "https://8.8.8.8:8443/", "https://[2606:4700:4700::1111]/x"]
BAD = [
    "http://crm.example.com/hook", "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest", "ftp://x/",
    "https://user:pass@crm.example.com/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
    "https://", "crm.example.com", "https://crm.example.com:0/", "https://crm.example.com/#part", "https://100.64.0.1/",
    "https://[2002:7f00:1::]/", "https://0.0.0.0/", "https://224.0.0.1/", "https://a b/", "https://x/" + "y" * 2_000,
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_the_internet_is_reached_over_https(url: str) -> None:
    check_url(url, ())


@pytest.mark.parametrize("url", BAD)
def test_what_is_not_the_internet_is_refused(url: str) -> None:
    with pytest.raises(ReceiverRefused):
        check_url(url, ())


def test_networks_of_ones_own_are_allowed_by_name_and_over_http_too() -> None:
    allowed = networks(["127.0.0.0/8", "10.1.0.0/16"])
    for url in ("http://127.0.0.1:9/x", "https://10.1.2.3/", "http://crm.local/"):
        check_url(url, allowed)
    for url in ("http://10.2.0.1/", "https://10.2.0.1/", "http://8.8.8.8/"):
        with pytest.raises(ReceiverRefused):
            check_url(url, allowed)


@pytest.mark.parametrize("url", ["http://localhost:{port}/", "https://localhost:{port}/"])
async def test_a_name_that_leads_into_the_machine_is_refused_when_it_is_asked_for(url: str) -> None:
    async with receiving() as receiver, Poster(networks(["10.0.0.0/8"])) as poster:
        port = receiver.url.split(":")[2].split("/")[0]
        answer = await poster.post(url.format(port=port), "s", event_id="e", kind="k", body="{}")
        assert (answer.status, receiver.bodies) == (None, [])
        assert "not on the internet" in answer.problem


async def test_a_name_of_an_allowed_network_is_reached() -> None:
    async with receiving() as receiver, Poster(networks(["127.0.0.0/8", "::1/128"])) as poster:
        port = receiver.url.split(":")[2].split("/")[0]
        answer = await poster.post(f"http://localhost:{port}/", "s", event_id="e", kind="k", body="{}")
        assert (answer.status, answer.problem) == (204, "")


async def test_nobody_there_is_told_without_the_address() -> None:
    async with Poster(LOOPBACK) as poster:
        answer = await poster.post("http://127.0.0.1:9/?key=geheim", "s", event_id="e", kind="k", body="{}")
    assert answer.status is None
    assert answer.problem.startswith("could not be reached")
    assert "geheim" not in answer.problem


async def test_the_resolver_closes() -> None:
    await CarefulResolver((), is_private=False).close()
