"""`outring demo` as a stranger runs it: a process of its own, to its end or interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.asterisk

CONTACTS = """name,language,phone
Ann Example,en,+447700900111
Иван Пример,ru,+447700900240
Mary "Molly" O'Neil,en,+447700900341
José {{ 7*7 }},en,+447700900444
"""


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "app", "demo", "--port", "0", *options]
    with suppress(ValueError):  # a run in the background ignores the interrupt, and so would what it starts
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Everything the program has started."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def leftovers(started: set[psutil.Process], patience_s: float = 5.0) -> list[psutil.Process]:
    """Which of these processes are still there after a while."""
    _, alive = psutil.wait_procs(list(started), timeout=patience_s)
    return [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_the_demo_calls_a_list_and_accounts_for_everybody(tmp_path: Path) -> None:
    sheet = tmp_path / "four.csv"
    sheet.write_text(CONTACTS, encoding="utf-8")
    process = start("--exit-when-done", "--json", "--list", str(sheet), "--country", "GB")
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["contacts"] == 4
    assert told["unaccounted"] == 0
    assert told["attempts"] == sum(told["outcomes"].values())
    assert told["outcomes"]["invalid number"] == 1
    assert told["outcomes"]["busy"] == 2, "busy is tried twice"
    assert "Traceback" not in err


def test_the_demo_of_its_own_connects_people_with_ten_agents() -> None:
    process = start("--exit-when-done", "--json")
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert (told["contacts"], told["unaccounted"]) == (124, 0)
    assert told["attempts"] == sum(told["outcomes"].values())
    assert told["connected"] > 20
    assert told["outcomes"]["connected to IVR"] > 10
    assert "Traceback" not in err


@pytest.mark.parametrize("children", [0, 1, 4])
def test_interrupted_at_any_moment_it_leaves_nothing_running(children: int) -> None:
    """children: how many processes it has started when it is interrupted; 4: the campaigns are about to begin."""
    process = start()
    started: set[psutil.Process] = set()
    deadline = time.monotonic() + 60
    while len(started) < children and process.poll() is None:
        started.update(family(process))
        assert time.monotonic() < deadline, f"only {len(started)} processes after a minute"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    started.update(family(process))
    is_python_starting = children == 0 and "init_import_site" in err  # ours has not begun: Python says 1 by itself
    assert process.returncode in (130, -signal.SIGINT) or is_python_starting, err
    assert not leftovers(started)
    assert "Traceback" not in err or children == 0, err
