"""A file of rules as plain texts that remember their lines.

YAML, every scalar as it is written: neither `no` nor `08:00` turns into something else. What a list of rules never
needs is refused: aliases, a key given twice, depth without end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 8
MAX_LENGTH: Final = 256 * 1024
Path = tuple[str | int, ...]


class FileError(ValueError):
    """A file cannot be used; says which file, which line, what is wrong and what would be right."""

    def __init__(self, name: str, line: int, reason: str, mend: str) -> None:
        super().__init__(f"{name}: line {line}: {reason}; {mend}")
        self.name, self.line, self.reason, self.mend = name, line, reason, mend


@dataclass(slots=True)
class Text:
    """The file's values, and the line of each by its path."""

    name: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def error(self, path: Path, reason: str, mend: str) -> FileError:
        """An error at `path`, or at the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return FileError(self.name, self.lines.get(path, 1), reason, mend)


def read_text(content: str, name: str, *, what: str, begins: str) -> Text:
    """Read a file's content. what: it is (`profile`); begins: what stands at its top. Raises FileError."""
    if len(content) > MAX_LENGTH:
        raise FileError(name, 1, f"the file has {len(content):,} characters", f"at most {MAX_LENGTH:,} are read")
    text = Text(name=name)
    try:
        _refuse_aliases(content, name)
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError:
        raise FileError(name, 1, "a character that no text file has", "save it as plain text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise FileError(name, line, str(error.problem), "check indentation, quotes and colons") from None
    except RecursionError:
        raise FileError(name, 1, "nested without end", f"at most {MAX_DEPTH} levels are read") from None
    if not isinstance(node, yaml.MappingNode):
        raise FileError(name, 1, f"this is not a {what}", f"a {what} has {begins} at its top")
    text.value = _value(node, (), text)
    return text


def _refuse_aliases(content: str, name: str) -> None:
    for event in yaml.parse(content, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark
            raise FileError(name, mark.line + 1, "an alias (*)", "write it out, aliases are not taken")


def _value(node: yaml.Node, path: Path, text: Text) -> Any:
    text.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > MAX_DEPTH:
        raise text.error(path, "nested too deep", f"at most {MAX_DEPTH} levels are read")
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner, (*path, at), text) for at, inner in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, text)
    return node.value


def _mapping(node: yaml.MappingNode, path: Path, text: Text) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, inner in node.value:
        here = (*path, str(key.value))
        if not isinstance(key, yaml.ScalarNode):
            raise text.error(path, "a key that is no text", "write `name: value`")
        text.lines[here] = key.start_mark.line + 1
        if key.value in found:
            raise text.error(here, f"`{key.value}` is given twice", "keep one of them")
        found[key.value] = _value(inner, here, text)
    return found
