"""The commands against a running dialer, as an admin types them; and those that need none."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.outcomes import Outcome
from app.panel.passwords import is_password
from app.store import people
from app.store.audit import record
from app.store.people import Role
from app.store.schema import sessions
from tests.unit.panel.site import Site, open_site
from tests.unit.panel.test_pages import closed_attempt

NOTICE = str(files("app.ivr") / "samples" / "notice.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A terminal in a folder of its own, beside a running dialer."""

    site: Site
    folder: Path

    async def run(self, *words: str, **env: str) -> Said:
        """`outring WORDS`."""
        settings = {
            "OUTRING_DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'outring.db'}",
            "OUTRING_URL": self.site.url,
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *words, cwd=self.folder, env=os.environ | settings | env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()
        return Said(code=process.returncode or 0, out=out.decode(), err=err.decode())

    async def good(self, *words: str) -> str:
        """A command that must work."""
        said = await self.run(*words)
        assert said.code == 0, said
        return said.out

    async def bad(self, *words: str, code: int = 1) -> str:
        """A command that must be refused, in one sentence."""
        said = await self.run(*words)
        assert said.code == code, said
        return said.err


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    """With an admin in the database, whom commands act for."""
    async with open_site(tmp_path) as site:
        await site.add_user("anna")
        yield Shell(site=site, folder=tmp_path)


async def test_from_nothing_to_a_running_campaign(shell: Shell) -> None:
    (shell.folder / "customers.csv").write_text("name,phone\nAnna,07700 900123\nBoris,07700 900124\n", encoding="utf-8")
    assert "No trunk yet" in await shell.good("trunk", "list")
    assert "carries no number yet" in await shell.good("trunk", "set", "way")
    assert "carries +44" in await shell.good("trunk", "set", "way", "--prefix", "+44", "--lines", "3", "--no-plus")
    (trunk,) = json.loads(await shell.good("trunk", "list", "--json"))
    assert (trunk["lines"], trunk["prefixes"], trunk["number_format"]["keep_plus"]) == (3, ["+44"], False)
    assert "good" in await shell.good("flow", "check", NOTICE)
    assert "notice, version 1" in await shell.good("flow", "add", "notice", NOTICE)
    assert "notice, version 1" in await shell.good("flow", "list")
    await shell.good("import", "--list", "Customers", "--country", "GB", "customers.csv")
    made = await shell.good(
        "campaign", "create", "Winter", "--flow", "notice", "--list", "Customers", "--trunk", "way", "--lines", "2"
    )
    assert made.startswith("Winter: draft, 0 of 2 contacts done")
    assert "Winter: running" in await shell.good("campaign", "start", "Winter")
    assert "Winter: paused" in await shell.good("campaign", "pause", "Winter")
    assert json.loads(await shell.good("campaign", "show", "Winter", "--json"))["status"] == "paused"
    assert "Winter: stopped" in await shell.good("campaign", "stop", "Winter")
    assert "Winter: stopped" in await shell.good("campaign", "watch", "Winter")
    assert "Winter: 0 contacts will be called again" in await shell.good("campaign", "requeue", "Winter")
    told = await shell.good("campaign", "requeue", "Winter", "--status", "connected", "--json")
    assert json.loads(told) == {"returned": 0}
    assert "there is no contact" in await shell.bad("campaign", "requeue", "Winter", "--contact", "77")
    assert "used by a campaign" in await shell.bad("trunk", "remove", "way")
    assert "this cannot be done to it" in await shell.bad("campaign", "pause", "Winter")
    left = await shell.site.store.read(lambda conn: conn.execute(select(func.count()).select_from(sessions)).scalar())
    assert left == 0, "a command left a session behind"


async def test_names_that_are_not_there_are_told_with_those_that_are(shell: Shell) -> None:
    await shell.site.add_campaign("Winter")
    assert "there are: 'Winter'" in await shell.bad("campaign", "start", "Summer")
    told = await shell.bad("campaign", "create", "X", "--flow", "nope", "--list", "L", "--trunk", "way")
    assert "there is no flow 'nope'; there are: 'hello'" in told


async def test_a_broken_flow_is_told_with_lines_and_without_a_dialer(shell: Shell) -> None:
    broken = shell.folder / "broken.yaml"
    broken.write_text("name: X\nnodes: [\n", encoding="utf-8")
    said = await shell.run("flow", "check", "broken.yaml", OUTRING_URL="http://127.0.0.1:9")
    assert (said.code, "line" in said.err) == (1, True)
    assert json.loads((await shell.run("flow", "check", "broken.yaml", "--json")).out)["ok"] is False
    broken.write_bytes(b"\x89PNG\xff\xfe")
    assert "not UTF-8" in await shell.bad("flow", "check", "broken.yaml", code=2)


async def test_do_not_call(shell: Shell) -> None:
    await shell.good("dnc", "add", "07700 900123", "--country", "GB")
    assert "+447700900123" in await shell.good("dnc", "list")
    assert (await shell.run("dnc", "check", "+447700900123")).code == 0
    assert (await shell.run("dnc", "check", "+447700900124")).code == 1
    assert "not a number" in await shell.bad("dnc", "check", "12-3", code=2)
    await shell.good("dnc", "remove", "+447700900123")
    assert "there is no do-not-call number" in await shell.bad("dnc", "remove", "+447700900123")


async def test_a_number_that_cannot_be_called_is_refused_before_anybody_is_asked(shell: Shell) -> None:
    fresh = {"OUTRING_DATABASE_URL": f"sqlite+aiosqlite:///{shell.folder / 'fresh.db'}"}
    for words in (("12-3",), ("+447700900123", "12-3"), ("07700900123", "--country", "Narnia"), ("07700900123",)):
        said = await shell.run("dnc", "add", *words, **fresh)
        assert (said.code, "not a" in said.err or "digits" in said.err) == (2, True), said
        assert "admin" not in said.err
    assert not (shell.folder / "fresh.db").exists()
    assert await shell.good("dnc", "list") == ""


async def test_people_are_shut_out_let_in_and_given_new_passwords(shell: Shell) -> None:
    await shell.good("user", "add", "boris", "--role", "agent", "--password", "long enough")
    async with shell.site.program(Role.AGENT) as http:
        assert (await http.get("/api/v1/users/me")).status == 200
        await shell.good("user", "disable", "agent of keys")
        assert (await http.get("/api/v1/users/me")).status == 401
        await shell.good("user", "enable", "agent of keys")
        assert (await http.get("/api/v1/users/me")).status == 200
    await shell.good("user", "disable", "boris")
    assert "boris\tagent (disabled)" in await shell.good("user", "list")
    await shell.good("user", "password", "boris", "--password", "another one")
    found = await shell.site.store.read(people.user_by_name, "boris")
    assert found is not None
    assert is_password("another one", found.password_hash)
    assert found.is_disabled, "a new password lets nobody in who is shut out"
    assert "'anna' is the last admin" in await shell.bad("user", "disable", "anna")
    assert "at least 8" in await shell.bad("user", "password", "boris", "--password", "short", code=2)
    for verb in ("disable", "enable", "password"):
        assert "there is no user 'nobody'" in await shell.bad("user", verb, "nobody")


async def test_api_keys_are_listed_and_revoked(shell: Shell) -> None:
    key = (await shell.good("apikey", "add", "anna", "crm")).strip()
    await shell.good("apikey", "add", "anna", "night import")
    assert (await shell.run("flow", "list", OUTRING_API_KEY=key)).code == 0
    listed = await shell.good("apikey", "list")
    assert [line.split("\t")[:2] for line in listed.splitlines()] == [["anna", "crm"], ["anna", "night import"]]
    assert key not in listed
    await shell.good("apikey", "revoke", "anna", "crm")
    assert (await shell.run("flow", "list", OUTRING_API_KEY=key)).code == 1
    crm, night = json.loads(await shell.good("apikey", "list", "anna", "--json"))
    assert (crm["revoked_at_ms"] is None, night["revoked_at_ms"] is None) == (False, True)
    assert "no API key 'nothing'" in await shell.bad("apikey", "revoke", "anna", "nothing")
    assert "there is no user 'nobody'" in await shell.bad("apikey", "list", "nobody")


async def test_what_keeps_the_program_from_starting_is_named_with_its_setting(shell: Shell) -> None:
    (shell.folder / "file").write_text("", encoding="utf-8")
    odd = [
        (1, {"OUTRING_DATA_DIR": str(shell.folder / "file" / "data")}, "OUTRING_DATA_DIR"),
        (1, {"OUTRING_DATABASE_URL": f"sqlite+aiosqlite:///{shell.folder}/no/where.db"}, "no/where.db"),
        (1, {"OUTRING_HTTP_PORT": shell.site.url.rsplit(":", 1)[1]}, "OUTRING_HTTP_PORT"),
        (2, {"OUTRING_CONFIG": "/no/such.toml"}, "/no/such.toml"),
    ]
    for code, env, named in odd:
        env = {"OUTRING_DATABASE_URL": f"sqlite+aiosqlite:///{shell.folder / 'second.db'}"} | env
        said = await shell.run("run", **env)
        assert (said.code, named in said.err) == (code, True), said
        assert "Errno" not in said.err


async def test_without_a_dialer_or_an_admin_or_a_right_key_the_mend_is_named(shell: Shell) -> None:
    nobody = await shell.run("flow", "list", OUTRING_URL="http://127.0.0.1:9")
    assert (nobody.code, "outring run" in nobody.err) == (1, True)
    stranger = await shell.run("flow", "list", OUTRING_API_KEY="wrong")
    assert (stranger.code, "API key" in stranger.err) == (1, True)
    fresh = f"sqlite+aiosqlite:///{shell.folder / 'fresh.db'}"
    first = await shell.run("flow", "list", OUTRING_DATABASE_URL=fresh)
    assert (first.code, "outring user add" in first.err) == (1, True)
    mine = await shell.run("flow", "list", OUTRING_API_KEY=await shell.site.add_key())
    assert mine.code == 0


async def test_a_backup_beside_a_running_dialer_and_back(shell: Shell) -> None:
    await shell.site.add_campaign(contacts=3)
    made = json.loads(await shell.good("backup", "kept.backup", "--json"))
    assert (made["kind"], made["rows"]["contacts"]) == ("sqlite", 3)
    assert "--force" in await shell.bad("backup", "kept.backup")
    assert "3 contacts" in await shell.good("backup", "kept.backup", "--force")
    assert "whole; 3 contacts" in await shell.good("restore", "--check", "kept.backup")
    assert "stop `outring run`" in await shell.bad("restore", "kept.backup", "--force")
    elsewhere = f"sqlite+aiosqlite:///{shell.folder / 'elsewhere.db'}"
    back = await shell.run("restore", "kept.backup", "--json", OUTRING_DATABASE_URL=elsewhere)
    assert (back.code, json.loads(back.out)["rows"]["contacts"]) == (0, 3)
    again = await shell.run("restore", "kept.backup", OUTRING_DATABASE_URL=elsewhere)
    assert (again.code, "--force" in again.err) == (1, True)
    forced = await shell.run("restore", "kept.backup", "--force", OUTRING_DATABASE_URL=elsewhere)
    assert (forced.code, "elsewhere.db.before-restore-" in forced.out) == (0, True)
    assert "No such file" in await shell.bad("backup", "no/such/folder/kept")


async def test_the_audit_trail_is_looked_through(shell: Shell) -> None:
    store = shell.site.store
    for place in range(3):
        await store.write(record, who="anna", what="did", subject=f"thing {place}", at_ms=place)
    whole = json.loads(await shell.good("audit", "check", "--json"))
    assert (whole["whole"], whole["problem"], whole["noted_found"]) == (True, "", None)
    assert whole["entries"] >= 3
    assert whole["head"] in await shell.good("audit", "check", "--noted", whole["head"])
    assert (await shell.run("audit", "check", "--noted", "f" * 64)).code == 1
    await store.write(lambda conn: conn.execute(text("UPDATE audit SET who = 'boris' WHERE subject = 'thing 1'")))
    broken = await shell.run("audit", "check")
    assert (broken.code, "is not what was written after" in broken.out) == (1, True)


async def test_an_export_has_every_attempt_once_and_no_formula(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    name = '=HYPERLINK("http://evil.example")'
    entry = await shell.site.add_campaign(name, contacts=7)
    ids = [await closed_attempt(shell.site, entry.campaign.id) for _ in range(5)]
    ids.append(await closed_attempt(shell.site, entry.campaign.id, Outcome.BUSY))
    assert "6 attempts" in await shell.good("export", "--campaign", name, "--out", "attempts.csv")
    with (shell.folder / "attempts.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["attempt"] for row in rows) == sorted(ids)
    assert not [cell for row in rows for column, cell in row.items() if cell[:1] in "=@-\t" and cell]
    first = rows[-1]
    assert first["campaign"] == "'" + name
    assert (first["outcome"], first["outcome_label"]) == ("35", "connected to IVR")
    assert rows[0]["outcome_label"] == "busy"
    assert first["number"].startswith("+4477009")
    assert (first["keys"], first["heard_s"], first["prompts_s"], first["heard_to_end"]) == ("9", "0.5", "1.0", "no")
    assert first["opened"].endswith("Z")
    assert first["opted_out"] == "yes"
    await shell.good("export", "--campaign", name, "--out", "attempts.xlsx")
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(str(shell.folder / "attempts.xlsx")).get_sheet_by_index(0).to_python()
    assert [row[0] for row in sheet[1:]] == [row["attempt"] for row in rows]
    assert sheet[1][1] == name
    assert sorted(path.name for path in shell.folder.glob("*attempts*")) == ["attempts.csv", "attempts.xlsx"]


async def test_an_export_that_makes_no_sense_says_so(shell: Shell) -> None:
    await shell.site.add_campaign("Winter")
    assert ".csv or .xlsx" in await shell.bad("export", "--campaign", "Winter", "--out", "attempts.pdf", code=2)
    assert "there are: 'Winter'" in await shell.bad("export", "--campaign", "Summer", "--out", "attempts.csv")
    assert "No such file" in await shell.bad("export", "--campaign", "Winter", "--out", "no/where/attempts.csv")
    assert not list(shell.folder.glob("*attempts*"))
