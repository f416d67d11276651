"""Workbooks made badly, by accident or with intent: each is refused in words or read as people see it, never half."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter

from app.contacts.problems import LARGEST_SHEET_COLUMNS, Limits, SheetProblem
from app.contacts.sheets import open_sheet
from app.contacts.text_sheets import Cells

CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="People">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{secret}</manifest:file-entry>
</manifest:manifest>"""


def rows_of(path: Path, limits: Limits | None = None) -> list[Cells]:
    with open_sheet(path, limits=limits) as sheet:
        return [cells for batch in sheet.batches() for _, cells in batch.rows]


def xlsx(folder: Path, rows: int = 300, name: str = "list.xlsx") -> Path:
    path = folder / name
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("People")
    sheet.write_row(0, 0, ["name", "phone"])
    for at in range(rows):
        sheet.write_row(1 + at, 0, [f"Person {at}", f"+4477009{at:05d}"])
    book.close()
    return path


def ods(folder: Path, rows: int = 300, secret: str = "", name: str = "list.ods") -> Path:
    path = folder / name
    cells = "".join(
        "<table:table-row>"
        f'<table:table-cell office:value-type="string"><text:p>Person {at}</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="string"><text:p>+4477009{at:05d}</text:p></table:table-cell>'
        "</table:table-row>"
        for at in range(rows)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", CONTENT.format(rows=cells).replace("\n", " "))
        package.writestr("META-INF/manifest.xml", MANIFEST.format(secret=secret))
    return path


@pytest.mark.parametrize("make", [xlsx, ods])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.25, 0.5, 0.75, 0.98])
def test_a_workbook_cut_short_anywhere_is_refused(tmp_path: Path, make: object, share: float) -> None:
    assert callable(make)
    whole: Path = make(tmp_path)
    assert len(rows_of(whole)) >= 300
    content = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SheetProblem) as told:
        rows_of(cut)
    assert told.value.mend


@pytest.mark.parametrize("name", ["cut.csv", "cut.tsv"])
def test_a_text_cut_short_is_read_up_to_there_or_refused(tmp_path: Path, name: str) -> None:
    sign = "\t" if name.endswith("tsv") else ","
    content = "".join(f"Zoë {at}{sign}+4477009{at:05d}\n" for at in range(50)).encode()
    for end in range(1, len(content), 7):
        path = tmp_path / name
        path.write_bytes(content[:end])
        with suppress(SheetProblem):  # the header alone, or half a letter
            rows = rows_of(path)
            assert content.decode(errors="replace").startswith(sign.join(rows[0]))


def test_an_encrypted_ods_is_refused(tmp_path: Path) -> None:
    secret = '<manifest:encryption-data manifest:checksum="x"/>'
    path = ods(tmp_path, secret=secret)
    with pytest.raises(SheetProblem, match=r"password|broken"):
        rows_of(path)


def test_formulas_are_their_last_value_and_merged_cells_their_first(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.merge_range(0, 0, 0, 1, "phone")
    sheet.write_formula(1, 0, '="+44"&"7700900123"', None, "+447700900123")
    sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
    sheet.merge_range(2, 0, 3, 0, "+447700900124")
    book.close()
    rows = rows_of(path)
    assert rows[0] == ["phone", ""]
    assert rows[1][0] == "+447700900123"
    assert [row[0] for row in rows[2:] if any(row)] == ["+447700900124"]


def test_as_many_columns_as_a_spreadsheet_has_are_read_and_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f"c{at}" for at in range(LARGEST_SHEET_COLUMNS)])
    sheet.write(1, LARGEST_SHEET_COLUMNS - 1, "+447700900123")
    book.close()
    rows = rows_of(path)
    assert (len(rows[0]), rows[1][-1]) == (LARGEST_SHEET_COLUMNS, "+447700900123")
    text = tmp_path / "wide.csv"
    text.write_text(",".join(rows[0]) + "\n", encoding="utf-8")
    assert len(rows_of(text)[0]) == LARGEST_SHEET_COLUMNS


def test_a_bomb_that_lies_about_its_size_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(xlsx(tmp_path, rows=1, name="seed.xlsx")) as seed,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package,
    ):
        for part in seed.namelist():
            if part != "xl/worksheets/sheet1.xml":
                package.writestr(part, seed.read(part))
        head = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        row = b'<row><c t="inlineStr"><is><t>' + b"x" * 1_000 + b"</t></is></c></row>"
        package.writestr("xl/worksheets/sheet1.xml", head + row * 200_000)
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    true_size = struct.unpack_from("<I", content, at + 24)[0]
    assert true_size > 200_000_000
    struct.pack_into("<I", content, at + 24, 1_000)
    path.write_bytes(bytes(content))
    with pytest.raises(SheetProblem) as told:
        rows_of(path, Limits(reading_memory=512 * 1024**2))
    assert told.value.mend


def test_entities_in_a_workbook_are_not_blown_up(tmp_path: Path) -> None:
    path = tmp_path / "laughs.xlsx"
    entities = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    with zipfile.ZipFile(xlsx(tmp_path, rows=1, name="seed.xlsx")) as seed, zipfile.ZipFile(path, "w") as package:
        for part in seed.namelist():
            content = seed.read(part)
            if part == "xl/sharedStrings.xml":
                text = content.decode().replace("?>", f"?><!DOCTYPE sst [{entities}]>", 1)
                content = text.replace("Person 0", "&j;").encode()
            package.writestr(part, content)
    with suppress(SheetProblem):  # or refused
        rows = rows_of(path, Limits(reading_memory=512 * 1024**2))
        assert all(len(cell) < 1_000 for row in rows for cell in row)
