"""What fuzzing found in the REST interface, a test each."""

from __future__ import annotations

import pytest

from app.panel.routing import PREFIX
from tests.unit.panel.site import Site

IMPORT = f"{PREFIX}/lists/1/import"
FORM = {"Content-Type": "multipart/form-data; boundary=X"}
FIELD = b'--X\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\nname,phone\n\r\n--X--\r\n'


@pytest.mark.parametrize(
    "body",
    [
        FIELD % b"a\x00b.csv",
        FIELD % "имя\x0b.csv".encode(),
        FIELD % (b"a" * 60_000),
        b"--X\r\n" + b"a: b\r\n" * 3_000 + b"\r\n",
    ],
)
@pytest.mark.parametrize("path", [IMPORT, "/lists/import?name=New&country=GB"])
async def test_a_form_that_breaks_the_rules_is_not_our_mistake(site: Site, path: str, body: bytes) -> None:
    await site.add_campaign()
    async with site.program() as http:
        answer = await http.post(path, data=body, headers=FORM)
        assert answer.status == 400, await answer.text()


@pytest.mark.parametrize("since_ms", [2**48 - 1, 2**48, 2**53])
async def test_figures_since_any_time_may_be_asked_for(site: Site, since_ms: int) -> None:
    user = await site.add_user("boris")
    async with site.program() as http:
        answer = await http.get(f"{PREFIX}/agents/{user.id}/figures?since_ms={since_ms}")
        assert (answer.status, (await answer.json())["calls"]) == (200, 0)


async def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(site: Site) -> None:
    async with site.program() as http:
        path, json = f"{PREFIX}/trunks/way", {"Content-Type": "application/json"}
        taken = await http.put(path, data=b'{"endpoint": "way", "lines": 3.0}', headers=json)
        assert (taken.status, (await taken.json())["lines"]) == (200, 3)
        for odd in (b"3.5", b"1e300", b"NaN", b'"3"', b"true", b"9007199254740994.0"):
            answer = await http.put(path, data=b'{"endpoint": "way", "lines": ' + odd + b"}", headers=json)
            assert answer.status in (400, 422), odd
        not_a_truth = await http.put(path, data=b'{"endpoint": "way", "lines": 3.0, "is_enabled": 1.0}', headers=json)
        assert not_a_truth.status == 422


async def test_a_name_too_long_is_nothings_name_and_not_its_beginnings(site: Site) -> None:
    name = "s" * 64
    source = "title: t\nafter: {busy: {wait: 5m}, anything else: close}\n"
    async with site.program() as http:
        assert (await http.put(f"{PREFIX}/strategies/{name}", json={"source": source})).status == 200
        assert (await http.delete(f"{PREFIX}/strategies/{name}s")).status == 404
        assert (await http.get(f"{PREFIX}/strategies/{name}")).status == 200
        assert (await http.delete(f"{PREFIX}/strategies/{name}")).status == 204


@pytest.mark.parametrize(("path", "can"), [("/users/me", {"GET", "HEAD"}), ("/dnc/check", {"GET", "HEAD"})])
async def test_an_address_with_a_name_of_its_own_has_only_its_own_methods(site: Site, path: str, can: set[str]) -> None:
    async with site.program() as http:
        answer = await http.options(PREFIX + path)
        assert answer.status == 405
        assert {one.strip() for one in answer.headers["Allow"].split(",")} <= can


@pytest.mark.parametrize("text", ["0", "9007199254740993", "999999999999999999"])
async def test_an_id_that_none_can_have_is_404(site: Site, text: str) -> None:
    async with site.program() as http:
        assert (await http.get(f"{PREFIX}/contacts/{text}/changes")).status == 404


async def test_a_caller_ids_label_has_64_letters_as_the_document_says(site: Site) -> None:
    async with site.program() as http:
        document = await (await http.get(f"{PREFIX}/openapi.json")).json()
        assert document["components"]["schemas"]["CallerIdBody"]["properties"]["label"]["maxLength"] == 64
        answer = await http.put(f"{PREFIX}/caller-ids/+447700900123", json={"label": "x" * 65})
        assert [one["place"] for one in (await answer.json())["errors"]] == ["label"]
