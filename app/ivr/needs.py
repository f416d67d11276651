"""Which prompts a flow will ask for: of a contact before their call, of anybody when the campaign starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from app.ivr.fields import Words
from app.ivr.flow import Flow
from app.ivr.nodes import AnyNode, Say
from app.ivr.wording import blanks, by_key, field_key, filled, spoken
from app.ivr.words import value_in_words
from app.model import Prompt

VALUE_ALONE: Final = Words(text={"": "{value}"})
"""What a `say` node without a text says."""


def spoken_language(flow: Flow, language: str) -> str:
    """The contact's language if the flow speaks it, else its base, else the flow's own."""
    for wanted in (language, language.partition("-")[0]):
        if wanted in flow.languages:
            return wanted
    return flow.language


def node_words(node: AnyNode) -> list[tuple[str, Words]]:
    """All parts a node may say."""
    said = list(node.utterances())
    if isinstance(node, Say) and not said:
        said.append(("prompt", VALUE_ALONE))
    return said


def prompt_of(flow: Flow, node: AnyNode, words: Words, fields: Mapping[str, str], language: str) -> Prompt | None:
    """One part as the prompt this contact hears; `fields` by key. None when nothing is left to be said.

    A value that is not of its kind (an amount of "n/a") is spoken as it stands.
    """
    text, chosen = flow.choose(words, language)
    if words is VALUE_ALONE:
        chosen = spoken_language(flow, language)
    if words.sound is not None:
        return Prompt(sound=text, language=chosen)
    if isinstance(node, Say):
        value = node.value if node.value is not None else fields.get(field_key(node.field or ""), "")
        if not value.strip():
            return None
        fields = {**fields, "value": value_in_words(node, value, chosen) or spoken(value)}
    said = filled(text, fields)
    return Prompt(text=said, language=chosen) if any(character.isalnum() for character in said) else None


def call_fields(flow: Flow, fields: Mapping[str, str]) -> dict[str, str]:
    """A contact's fields by key, with the flow's own beside them."""
    return {"seller": flow.seller} | by_key(fields)


def prompts_needed(flow: Flow, fields: Mapping[str, str], language: str) -> tuple[Prompt, ...]:
    """Every prompt this contact may hear, but those that hang on their answers; each once, in the file's order."""
    known = call_fields(flow, fields)
    answered = {field_key(name) for name in flow.written_fields()}
    found: dict[Prompt, None] = {}
    for node in flow.nodes.values():
        for _, words in node_words(node):
            if not _fields_of(flow, node, words, language) & answered:
                prompt = prompt_of(flow, node, words, known, language)
                if prompt is not None:
                    found[prompt] = None
    return tuple(found)


def static_prompts(flow: Flow, languages: Collection[str]) -> tuple[Prompt, ...]:
    """The prompts that are the same for every contact of these languages."""
    known = call_fields(flow, {})
    found: dict[Prompt, None] = {}
    for language in languages:
        for node in flow.nodes.values():
            for _, words in node_words(node):
                if not _fields_of(flow, node, words, language) - {"seller"}:
                    prompt = prompt_of(flow, node, words, known, language)
                    if prompt is not None:
                        found[prompt] = None
    return tuple(found)


def _fields_of(flow: Flow, node: AnyNode, words: Words, language: str) -> set[str]:
    """The fields one part reads, by key."""
    if words.sound is not None:
        return set()
    text, _ = flow.choose(words, language)
    read = {field_key(blank.field) for blank in blanks(text)}
    if isinstance(node, Say):
        read.discard("value")
        if node.field is not None:
            read.add(field_key(node.field))
    return read
