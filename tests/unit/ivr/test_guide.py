"""The guide to flows is true: its examples load, and it names every field of every node."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app.ivr.load import load_flow
from app.ivr.nodes import NODES, Case

GUIDE = (Path(__file__).parents[3] / "docs" / "flows.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml node\n(.*?)```", GUIDE, re.S)
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", GUIDE, re.S | re.M))


def test_the_whole_flow_loads() -> None:
    (whole,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
    assert load_flow(whole).warnings == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition(":")[0])
def test_each_example_loads(example: str) -> None:
    """The nodes it leads to are made up; the field types are what is looked at."""
    name = example.partition(":")[0]
    rows = "".join(f"  {row}\n" for row in example.splitlines())
    targets = set(re.findall(r"(?:next|else|on_\w+|^ {4}\S+): (\w+)", example, re.M)) - {name}
    ends = "".join(f"  {target}: {{type: hangup}}\n" for target in sorted(targets) if not target.isdigit())
    try:
        load_flow(f"start: {name}\nnodes:\n{rows}{ends}")
    except ValueError as error:
        unreached = [row for row in str(error).splitlines()[1:] if "no way leads" not in row]
        assert unreached == []


@pytest.mark.parametrize("kind", NODES)
def test_each_node_and_field_is_explained(kind: str) -> None:
    section = SECTIONS[kind]
    fields = {info.alias or name for name, info in NODES[kind].model_fields.items()} - {"type", "note"}
    assert {name for name in fields if f"`{name}`" not in section} == set()
    examples = [yaml.safe_load(example) for example in re.findall(r"```yaml node\n(.*?)```", section, re.S)]
    assert {next(iter(example.values()))["type"] for example in examples} == {kind}


def test_each_comparison_is_explained() -> None:
    assert [name for name in Case.model_fields if f"`{name}`" not in SECTIONS["branch"]] == []
