"""A flow's file is either right as a whole, or every mistake is told with its line, its node and its mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ivr import samples
from app.ivr.load import MAX_NODES, FlowError, load_flow
from app.ivr.problems import FlowProblem
from app.ivr.source import MAX_BYTES

SAMPLES = sorted(Path(next(iter(samples.__path__))).glob("*.yaml"))

GOOD = """\
name: Test
language: en
start: ask
nodes:
  ask:
    type: menu
    text: {en: "Press 1.", ru: "Нажмите 1."}
    keys:
      1: bye
      "*": ask
      9: stop
    timeout_s: 3
    on_timeout: bye
  bye:
    type: hangup
    text: {en: "Goodbye.", ru: "До свидания."}
  stop:
    type: opt_out
    text: {en: "Done.", ru: "Готово."}
"""


def problems_of(content: str | bytes, columns: list[str] | None = None) -> tuple[FlowProblem, ...]:
    with pytest.raises(FlowError) as caught:
        load_flow(content, name="test.yaml", columns=columns)
    assert str(caught.value).startswith("test.yaml: ")
    return caught.value.problems


def test_a_good_flow_has_no_problems() -> None:
    flow = load_flow(GOOD)
    assert (flow.name, flow.start, set(flow.nodes), flow.languages) == (
        "Test",
        "ask",
        {"ask", "bye", "stop"},
        ("en", "ru"),
    )
    assert flow.warnings == ()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_flawless(path: Path) -> None:
    assert load_flow(path.read_bytes(), name=path.name).warnings == ()


def test_json_is_read_as_well() -> None:
    flow = load_flow(json.dumps({"nodes": {"start": {"type": "hangup", "text": {"en": "Bye"}}}}))
    assert set(flow.nodes) == {"start"}


# What is written, what replaces it, the line told, its node, and words of the message.
MISTAKES = [
    ("misspelt field", "timeout_s: 3", "timout_s: 3", 12, "ask", ["timout_s", "did you mean `timeout_s`"]),
    ("unknown type", "type: hangup", "type: hangupp", 15, "bye", ["hangupp", "did you mean `hangup`"]),
    ("no type", "    type: hangup\n", "", 14, "bye", ["no `type`", "menu"]),
    ("unknown target of a key", "1: bye", "1: by", 9, "ask", ["`by`, which is no node", "did you mean `bye`"]),
    ("unknown target", "on_timeout: bye", "on_timeout: by", 13, "ask", ["on_timeout", "did you mean `bye`"]),
    ("unknown start", "start: ask", "start: asks", 3, "", ["asks", "did you mean `ask`"]),
    ("node given twice", "  stop:", "  bye:", 17, "bye", ["given twice", "line 14"]),
    ("field given twice", "timeout_s: 3", "timeout_s: 3\n    timeout_s: 4", 13, "ask", ["given twice", "line 12"]),
    ("a tab", "    type: hangup", "\ttype: hangup", 15, "", ["tab", "spaces"]),
    ("key * without quotes", '"*": ask', "*: ask", 10, "", ["quotes"]),
    ("two keys in one", "1: bye", "12: bye", 9, "ask", ["'12' is not a key"]),
    ("not a number", "timeout_s: 3", "timeout_s: soon", 12, "ask", ["'soon', not a number"]),
    ("a number too large", "timeout_s: 3", "timeout_s: 300", 12, "ask", ["60 is the most"]),
    ("a number that is none", "timeout_s: 3", "timeout_s: nan", 12, "ask", ["timeout_s"]),
    ("neither yes nor no", "timeout_s: 3", "barge_in: maybe", 12, "ask", ["neither yes nor no"]),
    ("no text", '    text: {en: "Press 1.", ru: "Нажмите 1."}\n', "", 5, "ask", ["nothing to say", "text"]),
    ("an empty text", '"Goodbye."', '""', 16, "bye", ["empty"]),
    ("an open brace", '"Goodbye."', '"Goodbye {name."', 16, "bye", ["lone `{`", "{name}"]),
    ("a conversion", '"Goodbye."', '"Goodbye {name!r}."', 16, "bye", ["not a field"]),
    ("text and sound", "timeout_s: 3", "sound: hello", 5, "ask", ["both `text` and `sound`"]),
    ("a sound outside", 'text: {en: "Goodbye.", ru: "До свидания."}', "sound: ../../etc/passwd", 16, "bye", ["sound"]),
    ("a language that is none", 'ru: "До', 'russian: "До', 16, "bye", ["'russian' is not a language"]),
    ("own language missing", 'en: "Goodbye.", ', "", 16, "bye", ["no en", "own language"]),
    ("unreachable", "9: stop", "9: bye", 17, "stop", ["no way leads"]),
    ("round without end", "on_timeout: bye", "on_timeout: ask", 5, "ask", ["for ever", "ask → ask"]),
    ("colon in a text", 'text: {en: "Goodbye.", ru: "До свидания."}', "text: Goodbye: now", 16, "", ["colon"]),
    ("text begins with a brace", 'text: {en: "Goodbye.", ru: "До свидания."}', "text: {name} bye", 16, "", ["quotes"]),
    ("only a brace", 'text: {en: "Goodbye.", ru: "До свидания."}', "text: {name}", 16, "bye", ["quotes"]),
    ("an alias", "text: {en: \"Goodbye.\", ru: \"До свидания.\"}", "text: *x", 16, "", ["alias"]),
    ("an anchor", "  bye:", "  bye: &x", 14, "", ["anchor"]),
    ("a tag", "timeout_s: 3", "timeout_s: !!python/name:os.system 3", 12, "", ["tag"]),
    ("second document", "  stop:", "---\n  stop:", 17, "", ["second document"]),
    ("keys missing", '    keys:\n      1: bye\n      "*": ask\n      9: stop\n', "    keys:\n", 8, "ask", ["keys"]),
    ("node is a word", "  stop:\n", "  stop: opt_out\n  more:\n", 17, "stop", ["type:"]),
    ("a name no file can have", "  stop:", "  st/op:", 17, "st/op", ["not a name"]),
    ("an unknown head", "name: Test", "title: Test", 1, "", ["no field `title`", "name"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "node", "words"), [row[1:] for row in MISTAKES], ids=[str(row[0]) for row in MISTAKES]
)
def test_each_mistake_is_told_where_it_is(old: str, new: str, line: int, node: str, words: list[str]) -> None:
    content = GOOD.replace(old, new, 1)
    assert content != GOOD
    problems = problems_of(content)
    found = [problem for problem in problems if problem.line == line and problem.node == node]
    assert found, [str(problem) for problem in problems]
    assert all(any(word in str(problem) for problem in found) for word in words), [str(problem) for problem in found]
    assert all(problem.mend for problem in problems)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("type: transfer\ncontext: agents\nextension: 10@evil", "not an extension"),
        ("type: transfer\ncontext: agents\nextension: '{number}'", "not an extension"),
        ("type: transfer\ncontext: 'a,b'\nextension: 10", "not a context"),
        ("type: say\nkind: money\nfield: sum\nnext: start", "`currency`"),
        ("type: say\nkind: money\ncurrency: XXX\nfield: sum\nnext: start", "XXX"),
        ("type: say\nkind: date\nvalue: 31.02.2026\nnext: start", "not a date"),
        ("type: say\nkind: number\nnext: start", "exactly one of `field` and `value`"),
        ("type: say\nkind: number\nvalue: 3\ntext: Three\nnext: start", "{value}"),
        ("type: set\nfield: a\nnext: start", "exactly one of `value` and `from`"),
        (
            "type: branch\nfield: a\ncases:\n- {equals: x, empty: yes, next: start}\nelse: start",
            "exactly one comparison",
        ),
        ("type: branch\nfield: a\ncases: []\nelse: start", "empty"),
        ("type: branch\nfield: a\ncases:\n- {equals: x, next: start}", "`else` is missing"),
        ("type: digits\ntext: Digits\ninto: a\nmin_digits: 5\nmax_digits: 3\nnext: start", "above max_digits"),
        ("type: digits\ntext: Digits\nnext: start", "`into` is missing"),
        ("type: digits\ntext: Digits\ninto: '1 bad'\nnext: start", "not a field's name"),
        ("type: record\ninto: a\nmax_s: 0\nnext: start", "1 is the least"),
        ("type: detect\non_person: start", "`on_machine` is missing"),
    ],
)
def test_each_node_guards_its_fields(node: str, words: str) -> None:
    indented = "".join(f"    {row}\n" for row in node.splitlines())
    problems = problems_of(f"start: start\nnodes:\n  start:\n{indented}")
    assert any(words in str(problem) for problem in problems), [str(problem) for problem in problems]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    content = GOOD
    for old, new in (("timeout_s: 3", "timeout_s: x"), ("type: hangup", "type: hang"), ("start: ask", "start: asks")):
        content = content.replace(old, new)
    assert [problem.line for problem in problems_of(content)] == [3, 12, 15]


def test_columns_of_the_list_are_known() -> None:
    content = GOOD.replace('"Goodbye."', '"Goodbye {nmae}."').replace('"До свидания."', '"До свидания, {Name|}."')
    assert load_flow(content).warnings == ()
    (problem,) = problems_of(content, columns=["Name", "amount"])
    assert (problem.line, problem.node) == (16, "bye")
    assert "Name, amount" in problem.reason
    assert "did you mean `Name`" in problem.mend


def test_an_unknown_column_with_a_default_is_a_warning() -> None:
    flow = load_flow(GOOD.replace('"Goodbye."', '"Goodbye {nick|friend}."'), columns=["name"])
    assert [warning.line for warning in flow.warnings] == [16]


def test_a_branch_on_an_unknown_column() -> None:
    content = """\
nodes:
  start:
    type: branch
    field: sum
    cases: [{empty: yes, next: e}]
    else: e
  e: {type: hangup}
"""
    (problem,) = problems_of(content, columns=["amount"])
    assert problem.line == 4


def test_a_broadcast_without_opt_out_is_warned_of() -> None:
    flow = load_flow(GOOD.replace("type: opt_out", "type: hangup"))
    assert ["no more calls" in warning.reason for warning in flow.warnings] == [True]


def test_a_missing_other_language_is_warned_of() -> None:
    flow = load_flow(GOOD.replace(', ru: "До свидания."', ""))
    assert [(warning.line, warning.node, warning.is_warning) for warning in flow.warnings] == [(16, "bye", True)]


def test_values_stay_as_they_are_written() -> None:
    flow = load_flow(
        "nodes:\n"
        "  start: {type: set, field: a, value: 0123, next: e}\n"
        "  e: {type: set, field: b, value: 1.10, next: f}\n"
        "  f: {type: hangup}"
    )
    assert [node.model_dump()["value"] for node in flow.nodes.values() if node.type == "set"] == ["0123", "1.10"]


def laughs() -> str:
    rows = ["a0: &a0 lol"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8"),
        ("nodes: {}".encode("utf-16"), "UTF-16"),
        ("", "empty"),
        ("just words", "not a flow"),
        ("- 1", "not a flow"),
        ("nodes: {}", "no nodes"),
        ("nodes:\n  \x00", "character"),
        (laughs(), "anchor"),
        ("[" * 100_000, "deep"),
        ("nodes: " + "{a: " * 200 + "}" * 200, "deep"),
        ("# " + "x" * MAX_BYTES, f"{MAX_BYTES:,} bytes"),
        ("nodes:\n" + "".join(f"  n{n}: {{type: hangup}}\n" for n in range(MAX_NODES + 1)), f"at most {MAX_NODES}"),
        ("nodes:\n  start: {type: hangup, text: " + "x" * 2_001 + "}", "2,001 characters"),
        ('{"nodes": {"start": {"type": "hangup"', "expected"),
        ("? [a, b]\n: c", "key that is not a word"),
    ],
    ids=range(15),
)
def test_what_is_no_flow_at_all(content: str | bytes, words: str) -> None:
    assert any(words in str(problem) for problem in problems_of(content))


def test_a_long_chain_of_nodes_is_checked_without_running_out_of_stack() -> None:
    rows = [f"  n{n}: {{type: play, text: Hi, next: n{n + 1}}}" for n in range(MAX_NODES - 1)]
    flow = load_flow("start: n0\nnodes:\n" + "\n".join(rows) + f"\n  n{MAX_NODES - 1}: {{type: hangup}}")
    assert len(flow.nodes) == MAX_NODES


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.text(max_size=12), st.integers(0, 12))
def test_a_spoilt_file_is_a_flow_or_a_list_of_problems(place: int, spoil: str, cut: int) -> None:
    content = GOOD[:place] + spoil + GOOD[place + cut :]
    problems: tuple[FlowProblem, ...] = ()
    try:
        problems = load_flow(content).warnings
    except FlowError as error:
        problems = error.problems
    assert all(problem.line >= 1 and problem.mend for problem in problems)
