"""Files of bare numbers: what is read, what is told, and that memory does not grow with them."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from app.contacts.number_files import PIECE, Reading, read_numbers
from app.contacts.problems import SheetProblem


def read(path: Path, country: str = "GB", column: int = 0) -> tuple[list[str], Reading]:
    reading = Reading()
    found = [str(number) for piece in read_numbers(path, country, reading, column=column) for number in piece]
    return found, reading


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("country", "text", "expected"),
    [
        ("GB", "01632960001\n07700 900123\n+44 1632 960002\n", ["+441632960001", "+441632960002", "+447700900123"]),
        ("US", "201,5550123\n2025550124\n", ["+12015550123", "+12025550124"]),
        ("US", "area,number\n201,5550123\n", ["+12015550123"]),
        ("RU", "89161234567\r\n79161234568\r\n", ["+79161234567", "+79161234568"]),
        ("GB", 'phone;added\n"07700900123";2026-01-02\n', ["+447700900123"]),
        ("GB", "\n\n07700900123\n07700900123\n\n", ["+447700900123"]),
    ],
)
def test_numbers_are_read_as_the_country_writes_them(
    tmp_path: Path, country: str, text: str, expected: list[str]
) -> None:
    found, reading = read(written(tmp_path / "register.txt", text), country)
    assert found == expected
    assert reading.rejected == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_any_encoding_will_do(tmp_path: Path, encoding: str) -> None:
    found, _ = read(written(tmp_path / "register.csv", "номер\n07700900123\n", encoding))
    assert found == ["+447700900123"]


def test_a_named_column_is_the_number(tmp_path: Path) -> None:
    path = written(tmp_path / "register.csv", "02079460000,07700900123\n")
    assert read(path, column=2)[0] == ["+447700900123"]
    assert read(path)[0] == ["+442079460000"]
    assert read(path, column=3)[1].rejected == 1


def test_lines_that_are_no_number_are_counted_and_the_first_told(tmp_path: Path) -> None:
    text = "phone\n07700900123\n12\nabc\n" + "x\n" * 100
    found, reading = read(written(tmp_path / "register.txt", text))
    assert (len(found), reading.lines, reading.numbers, reading.rejected) == (1, 104, 1, 102)
    assert len(reading.problems) == 10
    assert reading.problems[0].startswith("line 3: ")


def test_packed_files_are_read_as_they_stream(tmp_path: Path) -> None:
    numbers = [f"077009{place:05}" for place in range(2 * PIECE + 7)]
    packed = tmp_path / "register.gz"
    with gzip.open(packed, "wt") as text:
        text.write("\n".join(numbers))
    zipped = tmp_path / "register.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.txt", "\n".join(numbers[:PIECE]))
        archive.writestr("a/two.csv", "\n".join(numbers[PIECE:]))
        archive.writestr("readme.pdf", b"%PDF")
    for path in (packed, zipped):
        pieces = list(read_numbers(path, "GB", Reading()))
        assert [len(piece) for piece in pieces][:2] == [PIECE, PIECE]
        assert len({number for piece in pieces for number in piece}) == len(numbers)


def test_broken_locked_and_foreign_files_are_refused_in_words(tmp_path: Path) -> None:
    whole = gzip.compress(b"07700900123\n" * 50_000)
    broken = tmp_path / "broken.gz"
    broken.write_bytes(whole[: len(whole) // 2])
    foreign = tmp_path / "picture.png"
    foreign.write_bytes(b"\x89PN\x00\x00\x00")
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("picture.png", b"x")
    for path, words in ((broken, "read to its end"), (foreign, "no text"), (empty, "no text in it")):
        with pytest.raises(SheetProblem, match=words):
            read(path)


def test_a_line_that_never_ends_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "register.txt", "9" * 3_000_000 + "\n07700900123\n")
    found, reading = read(path)
    assert (found, reading.rejected, reading.lines) == (["+447700900123"], 1, 2)
