"""What is wrong with a flow's file, said so that its author can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from app.ivr.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowProblem:
    """One mistake. line: from 1. node: empty for the file's head. mend: what to write instead."""

    line: int
    reason: str
    mend: str
    node: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        at = f"line {self.line}" + (f", node `{self.node}`" if self.node else "")
        return f"{at}: {self.reason}; {self.mend}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where something known is close, otherwise all that is known (the first forty)."""
    names = [str(name) for name in known]
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word[:80].casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    if not names:
        return "there is nothing it could be: take it out"
    more = f" and {len(names) - 40} more" if len(names) > 40 else ""
    return f"use one of {', '.join(names[:40])}{more}"


def problem_of(error: ErrorDetails, source: Source, model: type[BaseModel], path: tuple[str | int, ...]) -> FlowProblem:
    """One of pydantic's findings in our words. path: where the validated thing stands in the file."""
    where = _in_file(error, path)
    reason, mend = _words(error, model)
    return FlowProblem(
        line=source.line(where), node=str(path[1])[:40] if len(path) > 1 else "", reason=reason, mend=mend
    )


def _in_file(error: ErrorDetails, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    inner = tuple(part for part in error["loc"] if part not in ("[key]", ""))
    return (*path, *inner)


def _words(error: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    context: dict[str, Any] = error.get("ctx") or {}
    place = _place(error)
    said = "`" + place + "`" if place else "it"
    given = repr(error["input"])[:60]
    match error["type"]:
        case "flow":
            return (f"{said}: {context['reason']}" if place else str(context["reason"])), str(context["mend"])
        case "missing":
            return f"{said} is missing", _hint(place)
        case "extra_forbidden":
            return f"there is no field {said} here", nearest(str(error["loc"][-1]), _field_names(model))
        case "int_parsing" | "int_type" | "int_from_float" | "float_parsing" | "float_type":
            return f"{said} is {given}, not a number", "write a number, such as 5"
        case "bool_parsing" | "bool_type":
            return f"{said} is {given}, neither yes nor no", "write yes or no"
        case "greater_than_equal":
            return f"{said} is {given}, below its least", f"{context['ge']:g} is the least"
        case "less_than_equal":
            return f"{said} is {given}, above its limit", f"{context['le']:g} is the most"
        case "string_pattern_mismatch" if "[key]" in error["loc"]:
            return f"{given} is not a key of the telephone", 'keys are 0 to 9, "*" and "#" (in quotes)'
        case "string_too_long":
            return f"{said} is too long", f"{context['max_length']} characters are the most"
        case "string_too_short":
            return f"{said} is empty", "write something, or take it out"
        case "too_long":
            return f"{said} has too many lines", f"{context['max_length']} are the most"
        case "too_short":
            return f"{said} is empty", "add at least one line to it"
        case "finite_number":
            return f"{said} is {given}, not a number to count with", "write a number, such as 5"
        case "literal_error":
            return f"{said} is {given}", f"use one of {context['expected']}"
        case "dict_type" if place == "keys":
            return f"{said} has no lines", 'write lines such as `1: confirm`; the keys * and # stand in quotes: "#"'
        case "dict_type" | "model_type" | "mapping_type" | "model_attributes_type":
            return f"{said} is {given}, not a group of fields", "write its fields below it, indented: `field: value`"
        case "list_type":
            return f"{said} is {given}, not a list", "write its lines below it, each beginning with `- `"
        case "string_type" if error["loc"][0] in ("text", "wrong_key", "failed"):
            return f"{said} is {given}, not a text", "a text that begins with { must stand in quotes"
        case "string_type":
            return f"{said} is {given}, not a text", _hint(place)
        case _:
            return f"{said}: {error['msg']}", "see the guide to flows"


def _place(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"] if part not in ("[key]", ""))


def _hint(place: str) -> str:
    match place.rpartition(".")[2]:
        case "next" | "on_person" | "on_machine" | "else":
            field = place.rpartition(".")[2]
            return f"add `{field}: …` with the name of the node to go to (to end, a node of type hangup)"
        case "keys":
            return "add `keys:` with lines such as `1: confirm`"
        case "nodes":
            return "add `nodes:` with the flow's nodes below it"
        case name:
            return f"add `{name}: …`"


def _field_names(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
