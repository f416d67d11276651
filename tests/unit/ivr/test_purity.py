"""The flow and its session know no clock, no chance, no disk and no network: read from their syntax."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import app.ivr

FOLDER = Path(next(iter(app.ivr.__path__)))
TOUCHING_THE_WORLD = {"prompts", "speech", "sound", "uploads"}
FORBIDDEN = {
    "asyncio", "time", "random", "secrets", "uuid", "logging", "structlog", "os", "io", "pathlib", "subprocess",
    "socket", "threading", "tempfile", "shutil", "numpy", "soundfile",
}  # fmt: skip
CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "now", "today", "utcnow"}
PURE = sorted(path for path in FOLDER.glob("*.py") if path.stem not in TOUCHING_THE_WORLD)


def impurities(source: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [name.name for name in names if name.name.partition(".")[0] in FORBIDDEN]
            case ast.ImportFrom(module=str(module)):
                inner = module.removeprefix("app.ivr.")
                found += [module] if module.partition(".")[0] in FORBIDDEN or inner in TOUCHING_THE_WORLD else []
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)) if name in CALLS:
                is_pattern = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
                found += [] if is_pattern else [f"{name}()"]
    return found


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_pure(path: Path) -> None:
    assert impurities(path.read_text()) == []


def test_the_check_sees_what_it_looks_for() -> None:
    assert impurities(
        "import time\nfrom app.ivr.prompts import x\nimport datetime\ndatetime.datetime.now()\nopen('x')"
    ) == [
        "time",
        "app.ivr.prompts",
        "now()",
        "open()",
    ]
