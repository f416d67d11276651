"""The core is pure: no clock, chance, disk, network or log in it. Read from the syntax trees, so nothing slips by.

Pure rooms may import the pure modules of the program and the libraries named here, and call nothing that reads the
world. What of app.ivr makes sound is named as touching the world; everything else in these rooms must be pure.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.source import all_imports, parsed

ROOMS = ("app.compliance", "app.dialing", "app.ivr", "app.pacing", "app.segments", "app.strategy")
MODULES = (
    "app.units",
    "app.calling_order",
    "app.ownership",
    "app.outcomes",
    "app.plain_yaml",
    "app.agents",
    "app.model",
    "app.agent_events",
    "app.agent_commands",
    "app.events",
    "app.commands",
)
TOUCHES_THE_WORLD = {
    "app.compliance.library": "reads the profiles that come with the program",
    "app.ivr.prompts": "renders prompts into files",
    "app.ivr.sound": "reads, levels and writes audio files",
    "app.ivr.speech": "runs the programs that speak",
    "app.ivr.uploads": "takes sounds from people's files",
}
LIBRARIES = {
    "__future__",
    "babel",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "heapq",
    "holidays",
    "itertools",
    "math",
    "num2words",
    "numpy",
    "phonenumbers",
    "pydantic",
    "pydantic_core",
    "re",
    "typing",
    "unicodedata",
    "yaml",
    "zoneinfo",
}
"""Libraries that compute and nothing else, from tables of their own (babel, holidays, phonenumbers, zoneinfo).

datetime, numpy and yaml can do more: see below.
"""
BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "globals", "input", "open", "print"}
METHODS = {"now", "open", "read_bytes", "read_text", "today", "utcnow", "write_bytes", "write_text"}
"""Functions, and methods of whatever, that no pure module calls: `open(…)`, `dt.datetime.now()`."""

TREES = parsed("app")


def is_pure(module: str) -> bool:
    if module in TOUCHES_THE_WORLD:
        return False
    return module in MODULES or any(module == room or module.startswith(room + ".") for room in ROOMS)


def pure_trees() -> dict[str, ast.Module]:
    return {module: tree for module, tree in TREES.items() if is_pure(module)}


def impurities(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Everything in these modules that a pure one must not have, as sentences."""
    for found in all_imports(trees):
        root = found.module.partition(".")[0]
        if root == "numpy" and "random" in f"{found.module}.{found.name}":
            yield f"{found}, which is chance"
        if root == "app":
            inner = f"{found.module}.{found.name}"
            if not is_pure(inner if inner in TREES else found.module):
                yield f"{found}, which is not pure"
        elif root not in LIBRARIES:
            yield f"{found}, which is not among the libraries of the core"
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
                yield f"{module}:{node.lineno} is asynchronous"
            elif isinstance(node, ast.Global):
                yield f"{module}:{node.lineno} changes a global"
            elif isinstance(node, ast.Attribute) and node.attr == "random":
                yield f"{module}:{node.lineno} draws by chance"
            elif isinstance(node, ast.Call) and reads_the_world(node.func):
                yield f"{module}:{node.lineno} calls {ast.unparse(node.func)}"


def reads_the_world(function: ast.expr) -> bool:
    match function:
        case ast.Name(id=name):
            return name in BUILTINS
        case ast.Attribute(attr=name):
            return name in METHODS
        case _:
            return False


def test_the_core_is_pure() -> None:
    assert list(impurities(pure_trees())) == []


def test_everything_that_is_said_to_touch_the_world_exists_and_does() -> None:
    """A module that has become pure, or is gone, leaves the list."""
    for module in TOUCHES_THE_WORLD:
        assert module in TREES, f"{module} is gone"
        assert list(impurities({module: TREES[module]})), f"{module} is pure: take it off the list"


def test_there_is_something_to_look_at() -> None:
    assert {"app.dialing.dialer", "app.dialing.attempt", "app.ivr.session", "app.ivr.flow", *MODULES} <= set(
        pure_trees()
    )


@pytest.mark.parametrize(
    "planted",
    [
        "import asyncio",
        "import time",
        "from time import monotonic",
        "import random",
        "import uuid",
        "import logging",
        "import structlog",
        "import os",
        "import os.path",
        "import socket",
        "import pathlib",
        "import secrets",
        "import importlib",
        "def f():\n    import time\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncio\n",
        "from app.store import SqlStore",
        "from app import runtime",
        "from app.runtime import Runtime",
        "from app.ivr import prompts",
        "from app.ivr.sound import level",
        "from ..store import door",
        "import datetime as dt\ndt.datetime.now()",
        "from datetime import datetime\ndatetime.utcnow()",
        "from datetime import date\ndate.today()",
        "open('x')",
        "print('x')",
        "eval('1')",
        "__import__('os')",
        "async def f(): ...",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy import random",
        "from numpy.random import default_rng",
        "x = 1\ndef f():\n    global x\n    x = 2\n",
    ],
)
def test_a_planted_impurity_is_found(planted: str) -> None:
    assert list(impurities({"app.dialing.planted": ast.parse(planted)}))


@pytest.mark.parametrize(
    "innocent",
    [
        "import datetime as dt\ndt.date(2026, 1, 2)",
        "import re\nre.compile('x')",
        "from app.dialing import trunk",
        "from app import units",
        "from collections.abc import Mapping",
        "import heapq",
    ],
)
def test_what_is_pure_is_left_alone(innocent: str) -> None:
    assert list(impurities({"app.dialing.planted": ast.parse(innocent)})) == []
