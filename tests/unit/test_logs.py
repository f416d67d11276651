"""Logs: numbers and secrets never get out; one form for all; a file that is bounded and cannot stop the program."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app import logs
from app.logs import HIDDEN, BoundedFile, Masking

SECRET = "s3cret-of-the-pbx"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    kept = structlog.get_config()
    root, ours = logging.getLogger(), logging.getLogger("app")
    before = (root.handlers[:], root.level, ours.level)
    yield
    structlog.configure(**kept)
    root.handlers[:], ours_level = before[0], before[2]
    root.setLevel(before[1])
    ours.setLevel(ours_level)


def logged(level: str = "DEBUG") -> tuple[Any, io.StringIO]:
    stream = io.StringIO()
    logs.set_up(level, stream=stream, form="json", secrets=[SECRET, "", "abc"])
    return structlog.get_logger(), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("+447700900123", "+44********23"),
        ("calling %2B447700900123 now", "calling %2B**********23 now"),
        ("PJSIP/447700900123@way", "PJSIP/447*******23@way"),
        ("07700900123", "077******23"),
        ("two: +447700900123, +447700900124", "two: +44********23, +44********24"),
        ('{"number":"+447700900123"}', '{"number":"+44********23"}'),
        ("Bearer abcdefghijklmnop", f"Bearer {HIDDEN}"),
        ("key outring_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", f"key outring_{HIDDEN}"),
        ("postgresql://me:pw12@db/outring", f"postgresql://me:{HIDDEN}@db/outring"),
        ("ws://pbx/ari/events?app=x&api_key=me:pw12", f"ws://pbx/ari/events?app=x&api_key={HIDDEN}"),
        (f"wrong password {SECRET}!", f"wrong password {HIDDEN}!"),
    ],
)
def test_what_is_hidden(said: str, shown: str) -> None:
    assert Masking([SECRET]).text(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "06q1m2n3p4q5r6s7t8v9w0x1y2", "attempt 1234567 of 12345678", "2026-11-23T01:02:03.123456Z", "phone 1001",
        "127.0.0.1:8088", "asterisk 22.10.1", "took 0.123456789 s", "outring_campaigns", "http://127.0.0.1:8080/a",
    ],
)  # fmt: skip
def test_what_is_not(said: str) -> None:
    assert Masking([SECRET]).text(said) == said


def test_every_place_of_a_line_is_looked_at() -> None:
    log, stream = logged()
    try:
        raise ValueError(f"no such number: +447700900123 with {SECRET}")
    except ValueError:
        log.exception("lost", number="+447700900124", deep={"of": ["+447700900125"]}, what=KeyError("+447700900126"))
    log.debug("contact +447700900127", count=447700900123, length_ms=1_790_000_000_000)
    text = stream.getvalue()
    assert "77009001" not in text.replace("447700900123,", ""), text
    assert SECRET not in text
    first, second = lines(stream)
    assert "+44********23" in first["exception"]
    assert (first["deep"], first["number"]) == ({"of": ["+44********25"]}, "+44********24")
    assert (second["event"], second["length_ms"]) == ("contact +44********27", 1_790_000_000_000)


def test_libraries_speak_the_same_way() -> None:
    _log, stream = logged("INFO")
    logging.getLogger("some.library").warning("sent %s with %s", "+447700900123", SECRET)
    logging.getLogger("some.library").info("not told")
    try:
        raise OSError("at +447700900123")
    except OSError:
        logging.getLogger("some.library").exception("broken")
    first, second = lines(stream)
    assert first["event"] == f"sent +44********23 with {HIDDEN}"
    assert (first["logger"], first["level"]) == ("some.library", "warning")
    assert "at +44********23" in second["exception"]


def test_ours_speak_at_debug_where_it_is_wanted() -> None:
    for level, count in (("DEBUG", 1), ("INFO", 0)):
        _log, stream = logged(level)
        logging.getLogger("app.asterisk.ari.client").debug("a detail")
        assert len(lines(stream)) == count


def test_text_for_people_is_masked_too() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", stream=stream, form="text")
    structlog.get_logger().info("calling", number="+447700900123")
    assert "+44********23" in stream.getvalue()


def test_a_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "outring.log"
    file = BoundedFile(path, max_bytes=1_000, keep=2)
    for count in range(100):
        file.write(f"{count:03d} {'x' * 95}\n")
    file.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["outring.log", "outring.log.1", "outring.log.2"]
    assert all(one.stat().st_size <= 1_000 for one in tmp_path.iterdir())
    kept = "".join((tmp_path / name).read_text() for name in ("outring.log.2", "outring.log.1", "outring.log"))
    assert [line[:3] for line in kept.splitlines()] == [f"{count:03d}" for count in range(70, 100)]


def test_a_file_goes_on_where_it_was_and_may_keep_none(tmp_path: Path) -> None:
    path = tmp_path / "outring.log"
    for count in range(3):
        file = BoundedFile(path, max_bytes=20, keep=0)
        file.write(f"line {count}\n")
        file.close()
    assert path.read_text() == "line 2\n"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o007 == 0, "not for everybody"


def test_a_full_disk_loses_lines_and_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BoundedFile(tmp_path / "outring.log", max_bytes=10_000, keep=1)

    class Full:
        def write(self, _line: bytes) -> int:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(file, "_file", Full())
        file.write("one\n")
        file.write("two\n")
    file.write("three\n")
    assert (tmp_path / "outring.log").read_text() == '{"event": "log lines lost", "lines": 2}\nthree\n'
    assert file.lost == 0


def numbered(file: BoundedFile, first: int, last: int) -> None:
    for count in range(first, last):
        file.write(f"{count:03d} {'x' * 95}\n")


def test_a_folder_closed_to_us_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file goes on past its share; a new one is begun when that can be done again."""
    path = tmp_path / "outring.log"
    file = BoundedFile(path, max_bytes=1_000, keep=2)

    def refused(self: Path, _target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refused)
        numbered(file, 0, 25)
    assert [line[:3] for line in path.read_text().splitlines()] == [f"{count:03d}" for count in range(25)]
    assert [one.name for one in tmp_path.iterdir()] == ["outring.log"]
    numbered(file, 25, 30)
    assert file.lost == 0
    assert len((tmp_path / "outring.log.1").read_text().splitlines()) >= 25
    assert path.stat().st_size <= 1_000


def test_a_new_file_that_cannot_be_opened_costs_no_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outring.log"
    file = BoundedFile(path, max_bytes=1_000, keep=3)
    numbered(file, 0, 40)

    def refused(*_given: object) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("app.logs.os.open", refused)
        numbered(file, 40, 60)
    names = ("outring.log.3", "outring.log.2", "outring.log.1", "outring.log")
    kept = "".join((tmp_path / name).read_text() for name in names)
    assert [line[:3] for line in kept.splitlines()] == [f"{count:03d}" for count in range(60)]


def test_a_move_that_fails_halfway_again_and_again_costs_no_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outring.log"
    file = BoundedFile(path, max_bytes=1_000, keep=3)
    numbered(file, 0, 30)
    really = Path.replace

    def of_others(self: Path, target: Path) -> Path:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return really(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", of_others)
        numbered(file, 30, 60)
    kept = "".join(one.read_text() for one in sorted(tmp_path.iterdir(), reverse=True))
    assert [line[:3] for line in kept.splitlines()] == [f"{count:03d}" for count in range(60)]


def test_a_line_after_the_end_is_counted_and_never_raises(tmp_path: Path) -> None:
    file = BoundedFile(tmp_path / "outring.log", max_bytes=1_000, keep=1)
    file.close()
    file.write("late\n")
    assert file.lost == 1
