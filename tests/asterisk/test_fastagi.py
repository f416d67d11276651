"""The admin's dialplan asks who is calling, on the real one, and whatever is in a name or a number stays text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from app.asterisk.fastagi import FastAgi
from app.callers import Callers
from app.store.dnc import is_dnc
from app.units import Number
from asterisk.lab import Lab
from asterisk.lab.server import Server
from tests.asterisk.campaign import NOTICE, Person, Site, site

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]
NUMBER = "+447700900177"
EVIL = 'Ann" ]?evil,s,1) ${SHELL(touch /tmp/x)}\r\nSET VARIABLE PWNED "1'
DIALPLAN = """
[agi-test]
exten => _[a-z].,1,Set(CALLERID(num)=${{WHO}})
 same => n,AGI(agi://127.0.0.1:{port}/${{SCRIPT}})
 same => n,GotoIf($["${{OUTRING_NAME}}" = "nobody"]?skip)
 same => n,Set(DB(${{EXTEN}}/name)=${{OUTRING_NAME}})
 same => n(skip),Set(DB(${{EXTEN}}/found)=${{OUTRING_FOUND}})
 same => n,Set(DB(${{EXTEN}}/list)=${{OUTRING_LIST}})
 same => n,Set(DB(${{EXTEN}}/outcome)=${{OUTRING_OUTCOME}})
 same => n,Set(DB(${{EXTEN}}/plan)=${{OUTRING_FIELD_PLAN}})
 same => n,Set(DB(${{EXTEN}}/dnc)=${{OUTRING_DNC}})
 same => n,Set(DB(${{EXTEN}}/pwned)=${{PWNED}})
 same => n,Set(DB(${{EXTEN}}/status)=${{AGISTATUS}})
 same => n,Hangup()
"""


class Dialplan:
    """Runs the test's dialplan, and reads what it wrote down."""

    def __init__(self, pbx: Server, here: Site) -> None:
        self._pbx = pbx
        self._here = here
        self._calls = 0

    async def run(self, who: str, script: str = "lookup") -> Mapping[str, str]:
        """A call with this caller's number."""
        self._calls += 1
        name = f"call{chr(96 + self._calls)}"
        body = {"variables": {"__WHO": who, "__SCRIPT": script}}
        asked = {"endpoint": f"Local/{name}@agi-test/n", "extension": "wait", "context": "agi-test-nowhere"}
        async with (
            aiohttp.ClientSession(headers=self._pbx.ari_headers) as client,
            client.post(f"{self._pbx.ari_url}/channels", params=asked, json=body) as reply,
        ):
            assert reply.status == 200, await reply.text()

        async def is_done() -> bool:
            return "SUCCESS" in await self._get(name, "status") or "FAILURE" in await self._get(name, "status")

        await self._here.until(is_done, f"the dialplan of {name} came to its end")
        keys = ("name", "found", "list", "outcome", "plan", "dnc", "pwned", "status")
        return {key: await self._get(name, key) for key in keys}

    async def _get(self, name: str, key: str) -> str:
        return (await self._pbx.cli(f"database get {name} {key}")).partition("Value: ")[2].removesuffix("\n")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def here(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(lab.pbx, Path(tmp_path_factory.mktemp("agi"))) as here:
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dialplan(lab: Lab, here: Site) -> AsyncIterator[Dialplan]:
    agi = FastAgi(Callers(store=here.store, operations=here.operations).scripts, port=0)
    await agi.start()
    path = lab.pbx.config_dir / "extensions.conf"
    before = path.read_text()
    path.write_text(before + DIALPLAN.format(port=agi.port))
    await lab.pbx.cli("dialplan reload")
    people = [
        Person(number=NUMBER, name="Анна Łódź", fields={"Plan": "gold"}),
        Person(number="+447700900178", name=EVIL, fields={"Plan": EVIL}),
        Person(number="+447700900140", name="Busy"),
    ]
    list_id = await here.list_of(people)

    def name_columns(conn: object) -> None:
        from app.store.lists import grow_list

        grow_list(conn, list_id, 0, ["Plan"])  # type: ignore[arg-type]

    await here.store.write(name_columns)
    campaign_id = await here.start(NOTICE, [await here.trunk("network")], list_id)
    await here.finished(campaign_id)
    yield Dialplan(lab.pbx, here)
    path.write_text(before)
    await lab.pbx.cli("dialplan reload")
    await agi.stop()


async def test_a_known_caller(dialplan: Dialplan) -> None:
    told = await dialplan.run(NUMBER)
    assert (told["found"], told["name"], told["plan"], told["status"]) == ("1", "Анна Łódź", "gold", "SUCCESS")
    assert told["list"].startswith("list ")
    assert told["outcome"] == "connected to IVR"
    assert told["dnc"] == ""


async def test_a_number_as_trunks_and_people_write_it(dialplan: Dialplan) -> None:
    assert (await dialplan.run("447700900140"))["outcome"] == "busy"
    assert (await dialplan.run("07700900140", "lookup?country=GB"))["name"] == "Busy"


@pytest.mark.parametrize("who", ["+12025550123", "anonymous", "", "07700900177"])
async def test_of_a_stranger_nothing_is_told(dialplan: Dialplan, who: str) -> None:
    told = await dialplan.run(who)
    assert told == dict.fromkeys(told, "") | {"status": "SUCCESS"}


async def test_what_is_in_a_name_stays_text(dialplan: Dialplan) -> None:
    told = await dialplan.run("+447700900178")
    assert (told["found"], told["pwned"]) == ("1", "")
    assert told["name"] == "Ann' )?evil,s,1) (SHELL(touch /tmp/x)) SET VARIABLE PWNED '1"
    assert told["plan"] == told["name"]


@pytest.mark.parametrize(
    "who", [f'{NUMBER}"', f"{NUMBER}\nagi_network_script: dnc\n\n", f"{NUMBER}\r\nSET VARIABLE PWNED 1", "' OR 1=1 --"]
)
async def test_what_is_in_a_number_stays_text(dialplan: Dialplan, here: Site, who: str) -> None:
    told = await dialplan.run(who)
    assert (told["pwned"], told["dnc"]) == ("", "")
    assert not await here.store.read(is_dnc, Number(NUMBER))


async def test_a_number_is_barred_once_it_is_on_disk(dialplan: Dialplan, here: Site) -> None:
    told = await dialplan.run("+447700900199", "dnc")
    assert (told["dnc"], told["status"]) == ("1", "SUCCESS")
    assert await here.store.read(is_dnc, Number("+447700900199"))
    assert (await dialplan.run("anonymous", "dnc"))["dnc"] == ""


async def test_a_script_that_is_none(dialplan: Dialplan) -> None:
    told = await dialplan.run(NUMBER, "nothing")
    assert (told["found"], told["status"]) == ("", "SUCCESS")
