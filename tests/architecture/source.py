"""The program's source as syntax trees: which module imports which, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import as written: who, what, and at which line. name: what is taken from the module, if anything."""

    importer: str
    module: str
    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module}{'.' + self.name if self.name else ''}"


def parsed(package: str) -> dict[str, ast.Module]:
    """Every module of a package, by its dotted name."""
    found: dict[str, ast.Module] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts)] = ast.parse(path.read_text(), filename=str(path))
    return found


def imports_of(module: str, tree: ast.Module, *, is_package: bool = False) -> Iterator[Import]:
    """All imports of a module, also those inside functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer=module, module=alias.name, line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node, is_package=is_package)
            for alias in node.names:
                yield Import(importer=module, module=base, name=alias.name, line=node.lineno)


def _absolute(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = len(parts) - node.level + is_package
    return ".".join(parts[:kept] + ([node.module] if node.module else []))


def all_imports(trees: Mapping[str, ast.Module]) -> Iterator[Import]:
    """The imports of many modules; a module is a package when others are inside it."""
    for module, tree in trees.items():
        is_package = any(other.startswith(module + ".") for other in trees)
        yield from imports_of(module, tree, is_package=is_package)


def graph(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Which of these modules imports which; `from a import b` leads to a.b where that is a module.

    A package's __init__ runs before its modules, but a module that asks for its neighbour does not depend on what the
    __init__ gathers: such edges lead to the neighbour alone.
    """
    edges: dict[str, set[str]] = {module: set() for module in trees}
    for found in all_imports(trees):
        inner = f"{found.module}.{found.name}"
        target = inner if inner in trees else found.module
        if target in trees and target != found.importer:
            edges[found.importer].add(target)
    return edges


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Every group of modules that reach each other (Tarjan's strongly connected components of more than one)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(edges[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found
