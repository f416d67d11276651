"""Files as they come: what they are is told from their content, and what cannot be a list is refused in clear words."""

from __future__ import annotations

import datetime as dt
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.contacts.problems import Limits, RowProblem, SheetProblem
from app.contacts.sheets import SheetFacts, open_sheet
from app.contacts.text_sheets import Cells

RUSSIAN = "ФИО;Телефон;Сумма\r\nИванов Иван;8 (916) 123-45-67;1500,50\r\nПетрова Анна;+7 916 765-43-21;99,90\r\n"
ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.2"
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:spreadsheet>
<table:table table:name="One"><table:table-row><table:table-cell office:value-type="string"><text:p>phone</text:p>
</table:table-cell></table:table-row><table:table-row>
<table:table-cell office:value-type="float" office:value="447700900123">
<text:p>4.47700900123E+11</text:p></table:table-cell></table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""

MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry
 manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"""


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(
    path: Path, limits: Limits | None = None, **how: str
) -> tuple[SheetFacts, list[tuple[int, Cells]], list[RowProblem]]:
    rows: list[tuple[int, Cells]] = []
    broken: list[RowProblem] = []
    with open_sheet(path, limits=limits, encoding=how.get("encoding"), sheet=how.get("sheet", "")) as sheet:
        for batch in sheet.batches(len(sheet.sample[0][1])):
            rows += [(line, cells) for line, cells in batch.rows if any(cells)]
            broken += [problem for _, problem in batch.broken]
    return sheet.facts, rows, broken


def refusal(path: Path, limits: Limits | None = None, **how: str) -> SheetProblem:
    with pytest.raises(SheetProblem) as caught:
        read(path, limits, **how)
    assert path.name in str(caught.value)
    assert caught.value.mend
    return caught.value


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_russian_sheets_are_read_in_whatever_encoding(tmp_path: Path, encoding: str) -> None:
    facts, rows, _ = read(write(tmp_path, "list.csv", RUSSIAN.encode(encoding)))
    assert facts.encoding == encoding
    assert facts.delimiter == ";"
    assert rows[1] == (2, ["Иванов Иван", "8 (916) 123-45-67", "1500,50"])


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter", "last"),
    [
        ("name,phone\nJosé Muñoz,+34612345678\nZoë,+31612345678\n".encode("cp1252"), "cp1252", ",", "+31612345678"),
        ("name\tphone\nIvan\t+79161234567\n".encode("utf-16-le"), "utf-16-le", "\t", "+79161234567"),
        ("name\tphone\nIvan\t+79161234567\n".encode("utf-16-be"), "utf-16-be", "\t", "+79161234567"),
        (b"sep=|\r\nname|phone\r\na|1\r\n", "utf-8", "|", "1"),
        (b"name,phone\ra,1\rb,2\r", "utf-8", ",", "2"),
        (b"+447700900101\n+447700900102", "utf-8", ",", "+447700900102"),
        ("имя;сумма;телефон\nа;1,5;1\nб;2,5;2\n".encode(), "utf-8", ";", "2"),
        ('name,note,phone\nа,"one; two; three",1\n'.encode(), "utf-8", ",", "1"),
    ],
)
def test_encoding_and_delimiter_are_seen(
    tmp_path: Path, content: bytes, encoding: str, delimiter: str, last: str
) -> None:
    facts, rows, _ = read(write(tmp_path, "list.csv", content))
    assert (facts.encoding, facts.delimiter, rows[-1][1][-1]) == (encoding, delimiter, last)


def test_an_encoding_that_was_told_is_taken(tmp_path: Path) -> None:
    _, rows, _ = read(write(tmp_path, "list.csv", "имя,тел\nĄ,1\n".encode("cp1251", "ignore")), encoding="cp1251")
    assert rows[0][1] == ["имя", "тел"]
    assert "utf-9" in refusal(write(tmp_path, "list.csv", "a,b"), encoding="utf-9").why


def test_one_damaged_byte_in_utf8_is_told_with_its_place(tmp_path: Path) -> None:
    good = "имя,телефон\n" + "Иван Петров,+79161234567\n" * 40_000
    path = write(tmp_path, "list.csv", good.encode() + b"x\xff,1\n")
    problem = refusal(path)
    assert problem.place == f"line 40,002, byte {len(good.encode()) + 1:,}"
    assert "0xFF" in problem.why


def test_a_byte_that_is_no_text_in_the_guessed_encoding_is_told_with_its_place(tmp_path: Path) -> None:
    problem = refusal(write(tmp_path, "list.csv", "name,phone\ncafé,1\n".encode("cp1252") + b"x\x81y,2\n"))
    assert problem.place == "line 3, byte 19"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n  \n\n", "empty"),
        ("commas.csv", b",,,\n,,,\n", "no row"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG picture"),
        ("document.csv", b"%PDF-1.7 ...", "PDF"),
        ("packed.csv", b"\x1f\x8b\x08" + bytes(50), "gzip"),
        ("noise.csv", bytes(range(1, 256)) * 20, "not text"),
        ("zero.csv", b"name,phone\na,1\nb\0,2\n", "zero byte"),
        ("page.xls", b"<html><table><tr><td>phone", "web page"),
        ("text.xlsx", b"name,phone\na,1\n", "text, not a workbook"),
        ("noise.xlsx", bytes(range(1, 256)) * 20, "neither"),
        ("long.csv", b"name,phone\n" + b"x" * 2_000_000, "1,000,000 characters"),
        ("wide.csv", b",".join(b"c%d" % at for at in range(16_385)) + b"\n", "16,385 columns"),
        ("archive.zip", b"PK\x03\x04" + bytes(50), "not what its name says"),
        ("old.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
        ("secret.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("broken.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "broken"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    assert why in refusal(write(tmp_path, name, content)).why


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not a file" in refusal(tmp_path / "pipe.csv").why
    assert "not a file" in refusal(tmp_path).why
    assert "no such file" in refusal(tmp_path / "nowhere.csv").why


def test_the_line_of_a_zero_byte_is_told(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "zero.csv", b"name,phone\na,1\nb\0,2\n")).place == "line 3"


def test_quotes_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    content = (
        'name,note,phone\n"Bob ""B"" Lee","two\nlines, one cell",1\nAl "the" Ox,,2\n"=HYPERLINK(""x"")",{{ 7*7 }},3\n'
    )
    _, rows, broken = read(write(tmp_path, "list.csv", content))
    assert not broken
    assert rows[1:] == [
        (2, ['Bob "B" Lee', "two\nlines, one cell", "1"]),
        (4, ['Al "the" Ox', "", "2"]),
        (5, ['=HYPERLINK("x")', "{{ 7*7 }}", "3"]),
    ]


@pytest.mark.parametrize(
    ("lines", "broken_line", "read_lines"),
    [
        (['"Bob,1', "Al,2", "Cy,3"], 2, [3, 4]),  # never closed
        (['"Bob,+447700900101', '"Al",+447700900102', "Cy,+447700900103"], 2, [3, 4]),  # the next quote closes it
        (['"Bob" Lee,1', "Al,2"], 2, [3]),  # goes on after its end
        (["Di,1", '"Bob,+447700900101', "Al,+447700900102", 'Cy",+447700900103'], 3, [2, 4, 5]),  # swallows a row
    ],
)
def test_a_broken_quote_costs_its_own_row_alone(
    tmp_path: Path, lines: list[str], broken_line: int, read_lines: list[int]
) -> None:
    _, rows, broken = read(write(tmp_path, "list.csv", "\n".join(["name,phone", *lines, ""])))
    assert [problem.line for problem in broken] == [broken_line]
    assert [line for line, _ in rows[1:]] == read_lines


def test_a_quote_never_closed_does_not_swallow_a_long_file(tmp_path: Path) -> None:
    rows_before, rows_after = 7_000, 30_000
    lines = [f"name {at},+4477009{at:05d}" for at in range(rows_before)]
    more = [f"later {at},+4477009{at:05d}" for at in range(rows_after)]
    path = write(tmp_path, "list.csv", "\n".join(["name,phone", *lines, '"open,+447700900000', *more]))
    _, rows, broken = read(path)
    assert [problem.line for problem in broken] == [rows_before + 2]
    assert len(rows) == 1 + rows_before + rows_after
    assert rows[-1] == (2 + rows_before + rows_after, more[-1].split(","))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(['a,"', '"', "a,b", '"a","b"', '"a', 'b"', '""', 'a"b,c', '"a\nb",c']), max_size=40))
def test_every_line_is_read_or_reported_whatever_its_quotes(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = write(tmp_path_factory.mktemp("quotes"), "list.csv", "\n".join(["name,phone", *lines]) + "\n")
    _, rows, broken = read(path, Limits(cell_lines=5))
    numbers = sorted([line for line, _ in rows] + [problem.line for problem in broken])
    assert numbers[0] == 1
    assert len(set(numbers)) == len(numbers)


def _book(path: Path, rows: int = 0) -> Path:
    book = xlsxwriter.Workbook(path)
    hidden, sheet, second = (book.add_worksheet(name) for name in ("Hidden", "People", "More"))
    sheet.activate()
    sheet.set_first_sheet()
    hidden.hide()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(2, 0, ["name", "phone", "day", "sum", "agreed", "note"])
    for at in range(rows):
        sheet.write_row(3 + at, 0, [f"Имя {at} 😀", 447700900000 + at])
        sheet.write_datetime(3 + at, 2, dt.date(2031, 5, 1), day)
        sheet.write_row(3 + at, 3, [12.5, True])
        sheet.write_string(3 + at, 5, '=HYPERLINK("x")')
    second.write_row(0, 0, ["phone"])
    book.close()
    return path


def test_a_workbook_is_read_with_its_lines_and_values_as_people_see_them(tmp_path: Path) -> None:
    facts, rows, _ = read(_book(tmp_path / "list.xlsx", rows=2_500))
    assert (facts.format, facts.sheet, facts.sheets) == ("xlsx", "People", ("People", "More"))
    assert rows[0] == (3, ["name", "phone", "day", "sum", "agreed", "note"])
    assert rows[1] == (4, ["Имя 0 😀", "447700900000", "2031-05-01", "12.5", "TRUE", '=HYPERLINK("x")'])
    assert (len(rows), rows[-1][0]) == (2_501, 2_503)


def test_a_sheet_of_a_workbook_can_be_chosen(tmp_path: Path) -> None:
    path = _book(tmp_path / "list.xlsx")
    assert read(path, sheet="More")[1] == [(1, ["phone"])]
    problem = refusal(path, sheet="Less")
    assert "Less" in problem.why
    assert "People, More" in problem.mend


def test_an_ods_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.ods"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", ODS.replace("\n", ""))
        package.writestr("META-INF/manifest.xml", MANIFEST)
    facts, rows, _ = read(path)
    assert (facts.format, rows[-1]) == ("ods", (2, ["447700900123"]))


def test_a_workbook_cut_short_or_damaged_is_refused(tmp_path: Path) -> None:
    whole = _book(tmp_path / "list.xlsx", rows=50).read_bytes()
    assert "cut short" in refusal(write(tmp_path, "cut.xlsx", whole[: len(whole) // 2])).why
    damaged = bytearray(whole)
    damaged[len(whole) // 3 : len(whole) // 3 + 200] = bytes(200)
    assert refusal(write(tmp_path, "damaged.xlsx", bytes(damaged))).why
    assert "not what its name says" in refusal(write(tmp_path, "list.csv", whole)).why


def test_a_workbook_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", b" " * 120_000_000)
    assert "unpacks to 120,000,000 bytes" in refusal(path).why
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("notes.txt", "hello")
    assert "ZIP archive" in refusal(path).why


def test_two_cells_far_apart_do_not_take_all_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "phone")
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    assert "memory" in refusal(path, Limits(reading_memory=1024**3)).why


def test_a_long_text_is_read_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as stream:
        stream.write("name,phone\n")
        stream.writelines(f"Person {at},+4477009{at % 100_000:05d}\n" for at in range(300_000))
    tracemalloc.start()
    try:
        with open_sheet(path) as sheet:
            count = sum(len(batch.rows) for batch in sheet.batches(2))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 300_001
    assert most < 12_000_000  # the file is 8 MB, its rows as Python objects 60 MB
