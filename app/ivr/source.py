"""A flow's file as plain values that remember their lines.

YAML (so JSON too) is read event by event: every scalar stays the text that was written, and what a data file never
needs is refused where it stands: aliases (a kilobyte of them can unfold to gigabytes), tags, a second document, a key
given twice, nesting without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 12
_BEGINS_WITH_BRACE: Final = re.compile(r":\s*\{[^}:]*\}\s*\S")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SourceError(ValueError):
    """The file cannot be read as data. line counts from 1."""

    def __init__(self, line: int, reason: str, mend: str) -> None:
        super().__init__(f"line {line}: {reason}; {mend}")
        self.line, self.reason, self.mend = line, reason, mend


@dataclass(slots=True)
class Source:
    """The file's values, and the line of each by its path; doubles: keys given twice as (line, path)."""

    value: Any = None
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    doubles: list[tuple[int, tuple[str | int, ...]]] = field(default_factory=list)

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_source(content: str | bytes) -> Source:
    """Read a file's content. Raises SourceError."""
    text = _decoded(content)
    source = Source()
    events = _checked_events(text)
    for event in events:
        if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            continue
        if isinstance(event, yaml.StreamEndEvent):
            raise SourceError(1, "the file is empty", "write a flow: `start: …` and `nodes: …`")
        source.value = _value(event, events, (), source)
        break
    for event in events:
        if not isinstance(event, (yaml.DocumentEndEvent, yaml.StreamEndEvent)):
            raise SourceError(_line(event), "a second document begins here", "keep one flow to a file: take out `---`")
    return source


def _decoded(content: str | bytes) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise SourceError(1, f"the file has {size:,} bytes", f"a flow is at most {MAX_BYTES:,} bytes: split it")
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(1, "the file is UTF-16", "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(line, "not UTF-8 text, or not text at all", "save the file as plain text in UTF-8") from None


def _checked_events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SourceError(line, "a character that no text file has", "take it out; is this a text file?") from None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line = min(mark.line + 1, len(text.splitlines())) if mark else 1
        raise SourceError(line, *_syntax_words(error, text, mark)) from None
    except RecursionError:
        raise SourceError(1, "nested without end", "a flow is at most a few levels deep") from None


def _syntax_words(error: yaml.MarkedYAMLError, text: str, mark: Any) -> tuple[str, str]:
    problem = str(error.problem or error)
    row = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    indent = row[: len(row) - len(row.lstrip())]
    if "\t" in indent or "'\\t'" in problem or "tab" in problem:
        return "a tab where spaces are needed", "indent with spaces; YAML allows no tabs there"
    if "character" in problem and row.lstrip()[:1] in ("*", "&", "@", "`", "%"):
        return problem, 'put it in quotes, such as "*": repeat'
    if "alias" in problem or "anchor" in problem:
        return problem, 'a key * must stand in quotes: "*"'
    if _BEGINS_WITH_BRACE.search(row):
        return problem, 'a text that begins with { must stand in quotes: "{name}, good day"'
    if "mapping values" in problem:
        return problem, "put a text with a colon into quotes, and check the indentation"
    return problem, "check the indentation, quotes and colons around this line"


def _line(event: yaml.Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


def _value(event: yaml.Event, events: Iterator[yaml.Event], path: tuple[str | int, ...], source: Source) -> Any:
    line = _line(event)
    source.lines.setdefault(path, line)
    if isinstance(event, yaml.AliasEvent):
        raise SourceError(line, "an alias (*)", 'write it out, aliases are not taken; the key * stands in quotes: "*"')
    if getattr(event, "anchor", None) is not None:
        raise SourceError(line, "an anchor (&)", "take it out: flows have no anchors and aliases")
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        raise SourceError(line, f"a tag ({str(tag)[:60]})", "take it out: a flow holds plain values")
    if len(path) > MAX_DEPTH:
        raise SourceError(line, "nested too deep", "check the indentation: a flow is at most a few levels deep")
    if isinstance(event, yaml.ScalarEvent):
        return None if event.implicit[0] and event.value in ("", "~", "null") else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        return _list(events, path, source)
    assert isinstance(event, yaml.MappingStartEvent), event
    return _mapping(events, path, source)


def _list(events: Iterator[yaml.Event], path: tuple[str | int, ...], source: Source) -> list[Any]:
    values: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        values.append(_value(event, events, (*path, len(values)), source))
    return values


def _mapping(events: Iterator[yaml.Event], path: tuple[str | int, ...], source: Source) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            raise SourceError(line, "a key * without quotes", 'write it in quotes: "*"')
        if not isinstance(event, yaml.ScalarEvent):
            raise SourceError(line, "a key that is not a word", "check the indentation, brackets and braces")
        key = event.value
        inner = (*path, key)
        if key in values:
            source.doubles.append((line, inner))
        else:
            source.lines[inner] = line
        values[key] = _value(next(events), events, inner, source)
    return values
