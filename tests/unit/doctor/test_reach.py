"""What else may answer at ARI's address: another web server, a proxy, an Asterisk that is starting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app.doctor import Step, examine, reported
from app.doctor.finding import Finding
from app.settings import Settings


@asynccontextmanager
async def answering(status: int, *, server: str = "", json: object = None, location: str = "") -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Server": server} if server else {}
        if location:
            headers["Location"] = location
        if json is not None:
            return web.json_response(json, status=status, headers=headers)
        return web.Response(status=status, text="<html></html>", content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
    finally:
        await runner.cleanup()


async def last_step(url: str, tmp_path: Path) -> Finding:
    known: dict[str, Any] = {"ari_url": url, "ari_password": "3f9a0c58d1e27b64", "data_dir": tmp_path / "data"}
    settings = Settings(**known)
    report = await reported(examine(settings, config_dir=tmp_path))
    return next(finding for finding in report.findings if finding.step is Step.ARI)


async def test_an_asterisk_that_is_still_starting(tmp_path: Path) -> None:
    async with answering(503, server="Asterisk/22.10.1", json={"message": "Asterisk not booted"}) as url:
        found = await last_step(url, tmp_path)
    assert found.ok is False
    assert "still starting" in found.what


@pytest.mark.parametrize(("status", "server"), [(200, "nginx"), (403, "Apache"), (502, "nginx"), (503, "nginx")])
async def test_a_web_server_that_is_not_asterisk(tmp_path: Path, status: int, server: str) -> None:
    async with answering(status, server=server) as url:
        found = await last_step(url, tmp_path)
    assert found.ok is False
    assert "this is not Asterisk's ARI" in found.what
    assert server in found.what


async def test_a_redirect_is_not_followed_with_the_password(tmp_path: Path) -> None:
    async with answering(301, server="nginx", location="https://elsewhere.invalid/") as url:
        found = await last_step(url, tmp_path)
    assert found.ok is False
    assert "redirect" in found.what


async def test_ari_without_the_module_that_answers_pings_is_ari_all_the_same(tmp_path: Path) -> None:
    async with answering(404, server="Asterisk/22.10.1", json={"message": "Resource not found"}) as url:
        assert (await last_step(url, tmp_path)).ok
