"""What is wrong with a flow as a whole: ways to nowhere, nodes nobody reaches, rounds without end, missing languages.

A flow must end by itself when nobody does anything: from every node, following only the ways that need no key pressed
and no agent, the call's end is reachable. That is the test for loops; keys may lead round as they like, for people hang
up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.ivr.flow import Flow
from app.ivr.nodes import Agents, AnyNode, OptOut, Path, Say, Way
from app.ivr.problems import FlowProblem, nearest
from app.ivr.source import Source
from app.ivr.wording import blanks, field_key

BUILT_IN_FIELDS = frozenset({"seller"})
"""Fields every text may use besides the list's columns and what the flow itself writes."""


def check(flow: Flow, source: Source, columns: Collection[str] | None) -> list[FlowProblem]:
    """All that is wrong or doubtful with a flow whose nodes are each right."""
    problems = list(unknown_targets(flow, source, flow.nodes))
    if not problems:
        reached = _reached(flow)
        problems.extend(_unreached(flow, source, reached))
        problems.extend(_endless(flow, source, reached))
        problems.extend(_no_opt_out(flow, source, reached))
    problems.extend(_languages(flow, source))
    problems.extend(_value_outside_say(flow, source))
    if columns is not None:
        problems.extend(_unknown_fields(flow, source, columns))
    return problems


def _problem(source: Source, name: str, path: Path, reason: str, mend: str, *, is_warning: bool = False) -> FlowProblem:
    line = source.line(("nodes", name, *path) if name else path)
    return FlowProblem(line=line, node=name, reason=reason, mend=mend, is_warning=is_warning)


def unknown_targets(flow: Flow, source: Source, names: Collection[str]) -> Iterator[FlowProblem]:
    """Ways to nodes that are not among `names`, which may hold more than the nodes that could be read."""
    if flow.start not in names:
        reason = f"the flow starts at `{flow.start}`, which is no node"
        yield _problem(source, "", ("start",), reason, "write `start: …`; " + nearest(flow.start, names))
    for name, node in flow.nodes.items():
        seen: set[Path] = set()
        for way in node.ways():
            written = ("nodes", name, *way.path) in source.lines
            if way.target is not None and way.target not in names and written and way.path not in seen:
                seen.add(way.path)
                reason = f"`{'.'.join(map(str, way.path))}` goes to `{way.target}`, which is no node"
                yield _problem(source, name, way.path, reason, nearest(way.target, names))


def _reached(flow: Flow) -> set[str]:
    reached = {flow.start}
    waiting = [flow.start]
    while waiting:
        for way in flow.nodes[waiting.pop()].ways():
            if way.target is not None and way.target not in reached:
                reached.add(way.target)
                waiting.append(way.target)
    return reached


def _unreached(flow: Flow, source: Source, reached: set[str]) -> Iterator[FlowProblem]:
    for name in flow.nodes:
        if name not in reached:
            mend = "lead some way to it, or take it out"
            yield _problem(source, name, (), "no way leads to this node", mend)


def _endless(flow: Flow, source: Source, reached: set[str]) -> Iterator[FlowProblem]:
    """Nodes from which a call where nobody presses a key never ends; told once for each round."""
    ending = {name for name in reached if any(way.target is None for way in _idle_ways(flow.nodes[name]))}
    while True:
        more = {name for name in reached - ending if any(way.target in ending for way in _idle_ways(flow.nodes[name]))}
        if not more:
            break
        ending |= more
    endless = [name for name in flow.nodes if name in reached - ending]
    while endless:
        round_ = _round(flow, endless[0])
        first = next(name for name in flow.nodes if name in round_)
        nobody = "no agent comes" if any(isinstance(flow.nodes[one], Agents) for one in round_) else ""
        nobody = nobody or "nobody presses a key"
        reason = f"if {nobody} the call goes round for ever: {' → '.join([*round_, round_[0]])}"
        yield _problem(source, first, (), reason, "lead one of these ways to the call's end (a node of type hangup)")
        endless = [name for name in endless if not _leads_to(flow, name, set(round_))]


def _idle_ways(node: AnyNode) -> list[Way]:
    return [way for way in node.ways() if not way.needs_person]


def _round(flow: Flow, name: str) -> list[str]:
    """The first round met when only the first idle way of each node is taken; from a node that never ends."""
    trail: list[str] = []
    while name not in trail:
        trail.append(name)
        target = _idle_ways(flow.nodes[name])[0].target
        assert target is not None, name
        name = target
    return trail[trail.index(name) :]


def _leads_to(flow: Flow, name: str, goals: set[str]) -> bool:
    seen, waiting = {name}, [name]
    while waiting:
        here = waiting.pop()
        if here in goals:
            return True
        for way in _idle_ways(flow.nodes[here]):
            if way.target is not None and way.target not in seen:
                seen.add(way.target)
                waiting.append(way.target)
    return False


def _no_opt_out(flow: Flow, source: Source, reached: set[str]) -> Iterator[FlowProblem]:
    """Who is connected at once can tell the agent."""
    if isinstance(flow.nodes[flow.start], Agents):
        return
    if not any(isinstance(flow.nodes[name], OptOut) for name in reached):
        yield _problem(
            source,
            "",
            ("nodes",),
            "people have no way to ask for no more calls",
            "let a key lead to a node of type opt_out; many countries demand it of broadcasts",
            is_warning=True,
        )


def _languages(flow: Flow, source: Source) -> Iterator[FlowProblem]:
    """Every text has the flow's own language; one that another text has is missed with a warning."""
    for name, node in flow.nodes.items():
        for part, words in node.utterances():
            texts = words.text or words.sound or {}
            kind = "text" if words.text is not None else "sound"
            path = (kind,) if part == "prompt" else (part,)
            has = {code or flow.language for code in texts}
            if flow.language not in has and words.text is not None:
                reason = f"`{path[-1]}` has no {flow.language}, the flow's own language"
                yield _problem(source, name, path, reason, f"add `{flow.language}: …` to it")
            missing = [code for code in flow.languages if code not in has and code != flow.language]
            if missing and words.text is not None:
                reason = f"`{path[-1]}` has no {', '.join(missing)}, which other texts have"
                mend = f"add it; until then such people hear it in {flow.language}"
                yield _problem(source, name, path, reason, mend, is_warning=True)


def _texts(node: AnyNode) -> Iterator[tuple[Path, str]]:
    """All texts with their place in the node."""
    for part, words in node.utterances():
        for code, text in (words.text or {}).items():
            yield ((_place(part), code) if code else (_place(part),)), text


def _place(part: str) -> str:
    return "text" if part == "prompt" else part


def _value_outside_say(flow: Flow, source: Source) -> Iterator[FlowProblem]:
    for name, node in flow.nodes.items():
        if not isinstance(node, Say):
            continue
        for path, text in _texts(node):
            if all(field_key(blank.field) != "value" for blank in blanks(text)):
                yield _problem(
                    source,
                    name,
                    path,
                    "the text of a `say` node does not say its value",
                    "put {value} where the words belong, such as: You owe {value}.",
                )


def _unknown_fields(flow: Flow, source: Source, columns: Collection[str]) -> Iterator[FlowProblem]:
    """Fields that neither the list nor the flow has; one with a default is a warning."""
    known = {field_key(name) for name in (*columns, *flow.written_fields(), *BUILT_IN_FIELDS)}
    names = [*columns, *sorted(flow.written_fields())]
    for name, node in flow.nodes.items():
        for path, field, has_default in _fields_read(node):
            if field_key(field) not in known:
                reason = f"the list has no column `{field}` (it has {', '.join(map(str, columns)) or 'none'})"
                yield _problem(source, name, path, reason, nearest(field, names), is_warning=has_default)


def _fields_read(node: AnyNode) -> Iterator[tuple[Path, str, bool]]:
    own = {"value"} if isinstance(node, Say) else set()
    for path, text in _texts(node):
        for blank in blanks(text):
            if field_key(blank.field) not in own:
                yield path, blank.field, blank.default is not None
    for path, field in node.reads():
        yield path, field, False
