"""The REST interface held against its own OpenAPI document by Schemathesis: a real panel on a real database.

The dialer's telephone network is a drawer and its webhooks go nowhere: whatever is asked for, nobody is called.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy import Connection

from app.panel.routing import PREFIX
from app.webhooks.posting import Answer, Poster
from tests.fuzz.hooks import ASKER, THERE
from tests.unit.panel.site import FLOW, Site, open_site

FOLDER = Path(__file__).parent
STRATEGY = "title: t\nafter: {busy: {wait: 5m}, anything else: close}\n"
SEGMENT = "title: t\nall:\n  - tries < 3\n"


class Mute(Poster):
    """Posts nothing."""

    async def post(self, url: str, secret: str, *, event_id: str, kind: str, body: str) -> Answer:
        """Nobody answers."""
        return Answer(status=None, problem="nothing is posted here", took_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a run. told: what Schemathesis said; is_true: it found nothing."""

    is_true: bool
    told: str


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[tuple[Site, str]]:
    """A panel with one of everything, and a key to it."""
    async with open_site(folder) as site:
        site.panel.courier.poster = Mute()
        key = await site.add_key()

        def rename(conn: Connection) -> None:
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            conn.exec_driver_sql(f"UPDATE api_keys SET id = {ASKER}, user_id = {ASKER}")
            conn.exec_driver_sql(f"UPDATE users SET id = {ASKER}")

        await site.store.write(rename)
        await site.add_campaign(contacts=3)
        await furnish(site, key)
        yield site, key


async def furnish(site: Site, key: str) -> None:
    """One of everything that REST can make, under the names of `hooks.THERE` or the id 1."""
    made = {
        "POST /users": {"name": "boris", "password": "long enough", "role": "agent"},
        f"PUT /phones/{THERE['endpoint']}": {"label": "Window", "phone_mode": "per call"},
        f"PUT /pause-reasons/{THERE['code']}": {"label": "Fire drill", "limit_ms": 600_000},
        "POST /dnc": {"number": THERE["number"]},
        f"PUT /caller-ids/{THERE['number']}": {"label": "London"},
        "POST /projects": {"name": "Charity"},
        f"PUT /segments/{THERE['name']}": {"source": SEGMENT},
        f"PUT /strategies/{THERE['name']}": {"source": STRATEGY},
        "POST /webhooks": {"url": "https://crm.example.com/outring"},
        "POST /agent-groups": {"name": "North"},
        "POST /flows": {"name": "hello again", "source": FLOW},
    }
    async with aiohttp.ClientSession(site.url, headers={"Authorization": f"Bearer {key}"}) as http:
        for what, body in made.items():
            method, path = what.split(" ")
            answer = await http.request(method, PREFIX + path, json=body)
            assert answer.status < 300, (what, await answer.text())

    def rename(conn: Connection) -> None:
        conn.exec_driver_sql("UPDATE users SET id = 1 WHERE name = 'boris'")

    await site.store.write(rename)


async def held(*options: str, folder: Path) -> Tried:
    """Let Schemathesis ask whatever it will. options: as its `run` takes them."""
    async with furnished(folder) as (site, key):
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(FOLDER / "schemathesis.toml"),
            "run", f"{site.url}{PREFIX}/openapi.json", "--header", f"Authorization: Bearer {key}", *options,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
            env=os.environ | {"PYTHONPATH": str(FOLDER.parents[1])},
        )  # fmt: skip
        try:
            told, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
            me = await http.get(f"{site.url}{PREFIX}/users/me")
            assert me.status == 200, "who asked was shut out on the way: what came after proves nothing"
            assert (await me.json())["role"] == "admin"
    return Tried(is_true=running.returncode == 0, told=told.decode(errors="replace"))


async def _main(options: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tried = await held(*options, folder=Path(folder))
    print(tried.told)
    return 0 if tried.is_true else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
