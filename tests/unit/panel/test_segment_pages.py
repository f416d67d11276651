"""The page of segments: made, counted, changed, removed, and whom it means as a file without formulas."""

from __future__ import annotations

import csv
import io

from sqlalchemy import Connection, update

from app.panel.routing import PREFIX
from app.panel.segment_sheet import OWN
from app.store import segments
from app.store.audit import audit_page
from app.store.people import Role
from app.store.schema import contacts, lists
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

SOURCE = "title: Young <b>\nall:\n  - name begins with Contact\n  - City = Ufa\n"


async def filled(site: Site) -> None:
    """Three contacts, two of them of Ufa, one with a name that a spreadsheet would run."""
    await site.add_campaign(contacts=3)

    def cities(conn: Connection) -> None:
        conn.execute(update(lists).values(columns=["City", "Note"]))
        note = '=HYPERLINK("http://x.example")'
        conn.execute(update(contacts).where(contacts.c.id < 3).values(fields={"City": "Ufa", "Note": note}))

    await site.store.write(cities)


async def test_a_segment_is_made_counted_changed_and_removed(site: Site) -> None:
    await filled(site)
    async with site.browser(role=Role.SUPERVISOR) as http:
        page = await (await http.get("/segments")).text()
        assert "No segment yet." in page
        form = {"csrf_token": token_of(page)}
        bad = await http.post("/segments", data=form | {"name": "ufa", "source": "title: x\nall:\n  - Town = Ufa\n"})
        page = await bad.text()
        assert (bad.status, "no list has the column" in page, "Town = Ufa" in page) == (422, True, True)
        assert (await http.post("/segments", data=form | {"name": "no name", "source": SOURCE})).status == 422
        made = await http.post("/segments", data=form | {"name": "ufa", "source": SOURCE})
        assert (made.status, made.url.path) == (200, "/segments/ufa")
        page = await made.text()
        assert "Young &lt;b&gt;" in page
        assert '<td class="num">2</td>' in page
        assert "already" in await (await http.post("/segments", data=form | {"name": "ufa", "source": SOURCE})).text()
        counted = await (await http.get("/segments/ufa?list=1&campaign=1")).text()
        assert "2 contacts" in counted
        assert "of 3 asked" in counted
        assert "there is no list 99" in await (await http.get("/segments/ufa?list=99")).text()
        await http.post("/segments/ufa", data=form | {"source": SOURCE.replace("Ufa", "Omsk")})
        assert (await site.store.read(segments.get_segment, "ufa")).source.endswith("City = Omsk\n")
        assert (await http.post("/segments/ufa/remove", data=form)).url.path == "/segments"
        assert (await http.get("/segments/ufa")).status == 404
    told = {one.what for one in (await site.store.read(audit_page)).entries}
    assert {"saved segment", "removed segment"} <= told


async def test_whom_it_means_as_a_file_without_formulas(site: Site) -> None:
    await filled(site)
    await site.store.write(segments.save_segment, name="ufa", source=SOURCE, now_ms=1)
    async with site.browser(role=Role.SUPERVISOR) as http:
        sent = await http.get("/segments/ufa/contacts.csv?list=1")
        assert (sent.status, sent.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        names, *rows = csv.reader(io.StringIO((await sent.read()).decode("utf-8-sig")))
        assert names == [*OWN, "City", "Note"]
        assert len(rows) == 2
        assert rows[0][3] == "+447700900000"
        assert rows[0][-1] == '\'=HYPERLINK("http://x.example")'
        assert (await http.get("/segments/ufa/contacts.csv?list=99")).status == 404
        assert (await http.get("/segments/nobody/contacts.csv")).status == 404
    async with site.program(Role.SUPERVISOR) as http:
        again = (await (await http.get(f"{PREFIX}/segments/ufa/contacts.csv")).read()).decode("utf-8-sig")
        assert again.splitlines()[1].startswith("List of Reminders,0,Contact 0,+447700900000")
    async with site.program(Role.AGENT) as http:
        assert (await http.get(f"{PREFIX}/segments/ufa/contacts.csv")).status == 403
    assert "exported segment" in {one.what for one in (await site.store.read(audit_page)).entries}
