"""Imports run downwards, with no circle; the panel and Asterisk never know of each other; the program knows no test."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.source import Import, all_imports, circles, graph, parsed

FLOORS: tuple[tuple[str, ...], ...] = (
    ("units", "outcomes", "pacing", "plain_yaml", "phone_trials"),
    ("agents", "calling_order", "compliance", "ownership", "segments"),
    ("strategy",),
    ("model",),
    ("agent_events", "agent_commands"),
    ("events", "commands"),
    ("ports", "meter", "bell"),
    ("ivr",),
    ("dialing",),
    ("logs", "settings", "systemd"),
    ("store",),
    ("contacts",),
    ("sources", "webhooks"),
    ("asterisk",),
    ("duty", "journal", "runtime", "voices", "plan_checks"),
    ("sim", "study", "barring", "shown_numbers", "metrics"),
    ("operations", "doctor"),
    ("agent_operations", "contact_operations", "segment_operations", "callers", "rehearsal"),
    ("fix_operations", "reconciling"),
    ("panel",),
    ("service", "screen"),
    ("demo_floor",),
    ("demo", "bench"),
    ("cli",),
    ("__main__",),
)
"""The rooms of app/ from the ground up: each may know the floors below its own, none on its own floor or above."""

NOT_ACQUAINTED = (
    ("panel", "asterisk"),
    ("asterisk", "panel"),
    ("dialing", "store"),
    ("ivr", "store"),
    ("store", "dialing"),
)
"""Pairs that never know of each other, whatever the floors say: who imports, what is not imported."""

TREES = parsed("app")
FLOOR_OF = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def room(module: str) -> str:
    """`app.store.door` → `store`."""
    return module.split(".")[1] if "." in module else ""


def between_rooms(trees: Mapping[str, ast.Module]) -> Iterator[tuple[Import, str, str]]:
    """Every import that goes from one room to another."""
    for found in all_imports(trees):
        parts = [*found.module.split("."), found.name]
        if parts[0] == "app" and len(parts) > 1:
            ours, theirs = room(found.importer), parts[1]
            if ours and ours != theirs:
                yield found, ours, theirs


def upward(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Imports that do not run downwards, as sentences."""
    for found, ours, theirs in between_rooms(trees):
        if ours not in FLOOR_OF or theirs not in FLOOR_OF:
            yield f"{found}: give {theirs if ours in FLOOR_OF else ours} its floor in FLOORS"
        elif FLOOR_OF[theirs] >= FLOOR_OF[ours]:
            yield f"{found}, which is not below it"


def acquainted(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Imports between rooms that are not to know of each other."""
    for found, ours, theirs in between_rooms(trees):
        if (ours, theirs) in NOT_ACQUAINTED:
            yield str(found)


def strangers(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Imports of tests by the program."""
    for found in all_imports(trees):
        if found.module.split(".")[0] in ("tests", "pytest", "hypothesis"):
            yield str(found)


def test_imports_run_downwards() -> None:
    assert list(upward(TREES)) == []


def test_no_circles() -> None:
    assert circles(graph(TREES)) == []


def test_rooms_that_are_not_to_know_of_each_other_do_not() -> None:
    assert list(acquainted(TREES)) == []


def test_the_program_knows_no_test() -> None:
    assert list(strangers(TREES)) == []


def test_the_laboratory_knows_nothing_of_the_program() -> None:
    """A PBX admin can use it by itself, and the tests' far end shares no mistake with the dialer."""
    assert [str(found) for found in all_imports(parsed("asterisk")) if found.module.split(".")[0] == "app"] == []


def test_every_room_has_its_floor_and_every_floor_its_rooms() -> None:
    assert {room(module) for module in TREES if room(module)} == set(FLOOR_OF)


def planted(**sources: str) -> dict[str, ast.Module]:
    return {name.replace("__", "."): ast.parse(source) for name, source in sources.items()}


@pytest.mark.parametrize(
    "source",
    [
        "from app.runtime import Runtime",
        "import app.runtime",
        "from app import runtime",
        "from ..runtime import Runtime",
        "def f():\n    from app.panel import server\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.sim import wire\n",
        "from app.attic import junk",
    ],
)
def test_an_import_that_runs_upwards_is_found(source: str) -> None:
    assert list(upward(planted(app__dialing__planted=source)))


def test_an_import_that_runs_downwards_is_left_alone() -> None:
    assert list(upward(planted(app__dialing__planted="from app.units import Number\nfrom app.ivr import flow\n"))) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("app__panel__planted", "from app.asterisk.telephony import AsteriskTelephony"),
        ("app__panel__planted", "def f():\n    import app.asterisk.ari\n"),
        ("app__asterisk__planted", "from app import panel"),
        ("app__asterisk__ari__planted", "from ...panel import server"),
    ],
)
def test_an_acquaintance_that_must_not_be_is_found(importer: str, source: str) -> None:
    assert list(acquainted(planted(**{importer: source})))


def test_a_circle_is_found() -> None:
    trees = planted(
        app__a="from app.b import x",
        app__b="def f():\n    from app import c\n",
        app__c="import app.a",
        app__d="from app.a import y",
    )
    assert circles(graph(trees)) == [["app.a", "app.b", "app.c"]]
    del trees["app.c"]
    assert circles(graph(trees)) == []


def test_a_test_in_the_program_is_found() -> None:
    assert list(strangers(planted(app__dialing__planted="from tests.unit.dialing.build import T0")))
