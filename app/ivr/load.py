"""Reads a flow's file, YAML or JSON, and checks it as a whole before anybody is dialed.

`load_flow` gives a Flow or raises FlowError with every problem found, each with its line, its node, the reason and
what to do. Warnings do not stop a flow; they stay with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints, ValidationError

from app.ivr.checks import check, unknown_targets
from app.ivr.fields import Piece, Target, checked_language
from app.ivr.flow import Flow
from app.ivr.nodes import NODES, AnyNode
from app.ivr.problems import FlowProblem, nearest, problem_of
from app.ivr.source import Source, SourceError, read_source

MAX_NODES: Final = 200
_NODE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


class FlowError(ValueError):
    """The file is no usable flow. `problems` in the order of their lines; `name` is the file's."""

    def __init__(self, name: str, problems: tuple[FlowProblem, ...]) -> None:
        self.name = name
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{name}: {count}", *(f"  {problem}" for problem in problems)]))


class _Head(Piece):
    """What stands at the top of the file beside the nodes."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = ""
    language: Annotated[str, AfterValidator(checked_language)] = "en"
    seller: Annotated[str, StringConstraints(max_length=100)] = ""
    version: Annotated[str, StringConstraints(max_length=40)] = ""
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    start: Target = "start"
    nodes: dict[str, Any]


def load_flow(content: str | bytes, *, name: str = "flow", columns: Collection[str] | None = None) -> Flow:
    """Read and check a flow's file.

    name: the file's, for messages. columns: the list's columns, when known; texts and branches may use no others.
    Raises FlowError.
    """
    try:
        source = read_source(content)
    except SourceError as error:
        raise FlowError(name, (FlowProblem(line=error.line, reason=error.reason, mend=error.mend),)) from None
    problems = _doubles(source)
    head = _head(source, problems)
    if head is None:
        raise _error(name, problems)
    nodes = _nodes(source, problems)
    flow = Flow(
        name=head.name or name,
        language=head.language,
        start=head.start,
        nodes=nodes,
        seller=head.seller,
        version=head.version,
    )
    if problems:  # nodes are missing, so what hangs on the whole would be told wrongly
        problems.extend(unknown_targets(flow, source, head.nodes))
        raise _error(name, problems)
    problems.extend(check(flow, source, columns))
    if any(not problem.is_warning for problem in problems):
        raise _error(name, problems)
    return replace(flow, warnings=tuple(sorted(problems, key=lambda problem: problem.line)))


def _error(name: str, problems: list[FlowProblem]) -> FlowError:
    faults = [problem for problem in problems if not problem.is_warning]
    return FlowError(name, tuple(sorted(faults, key=lambda problem: problem.line)))


def _doubles(source: Source) -> list[FlowProblem]:
    return [
        FlowProblem(
            line=line,
            node=str(path[1]) if len(path) > 1 and path[0] == "nodes" else "",
            reason=f"`{path[-1]}` is given twice (first in line {source.line(path)})",
            mend="keep one of them, or rename it",
        )
        for line, path in source.doubles
    ]


def _head(source: Source, problems: list[FlowProblem]) -> _Head | None:
    if not isinstance(source.value, dict):
        problems.append(
            FlowProblem(line=1, reason="this is not a flow", mend="a flow has `start: …` and `nodes: …` at its top")
        )
        return None
    try:
        head = _Head.model_validate(source.value)
    except ValidationError as error:
        problems.extend(problem_of(one, source, _Head, ()) for one in error.errors(include_url=False))
        return None
    if not head.nodes:
        problems.append(FlowProblem(line=source.line(("nodes",)), reason="there are no nodes", mend="add one"))
    if len(head.nodes) > MAX_NODES:
        problems.append(
            FlowProblem(
                line=source.line(("nodes",)),
                reason=f"there are {len(head.nodes)} nodes",
                mend=f"a flow has at most {MAX_NODES}: split it",
            )
        )
        return None
    return head


def _nodes(source: Source, problems: list[FlowProblem]) -> dict[str, AnyNode]:
    nodes: dict[str, AnyNode] = {}
    for name, raw in source.value["nodes"].items():
        node = _node(name, raw, source, problems)
        if node is not None:
            nodes[name] = node
    return nodes


def _node(name: str, raw: Any, source: Source, problems: list[FlowProblem]) -> AnyNode | None:
    path = ("nodes", name)

    def fault(reason: str, mend: str, *inner: str) -> None:
        problems.append(FlowProblem(line=source.line((*path, *inner)), node=name[:40], reason=reason, mend=mend))

    if not _NODE_NAME.fullmatch(name):
        fault("not a name for a node", "begin with a latin letter; then letters, digits, `_`, `-`, at most 40")
        return None
    if not isinstance(raw, dict):
        fault("the node is empty or not a group of fields", "write `type: …` below it, indented")
        return None
    kind = raw.get("type")
    if not isinstance(kind, str):
        fault("the node has no `type`", f"add `type: …`, one of {', '.join(NODES)}")
        return None
    model = NODES.get(kind)
    if model is None:
        fault(f"there is no type `{kind[:40]}`", nearest(kind, NODES), "type")
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems.extend(problem_of(one, source, model, path) for one in error.errors(include_url=False))
        return None
