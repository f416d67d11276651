"""How thoroughly properties are tried: `ci` always, `deep` with HYPOTHESIS_PROFILE=deep; and what hangs says where."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
from hypothesis import settings

settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)  # busy machines are slow, not wrong
settings.register_profile("deep", parent=settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

SLOW_AFTER_S = 240.0
"""Before the timeouts of pyproject.toml: first a test is failed, and one that hangs even then ends the run."""
_TERMINAL = pytest.StashKey[TextIO]()
"""What pytest captures would be lost with a run that is ended."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the way to the terminal, as long as nothing is captured."""
    config.stash[_TERMINAL] = os.fdopen(os.dup(2), "w")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test that takes too long shows where each of its asyncio tasks waits: stacks of threads do not tell."""
    watch = threading.Timer(SLOW_AFTER_S, _tell_tasks, [item])
    watch.daemon = True
    watch.start()
    try:
        return (yield)
    finally:
        watch.cancel()


def _tell_tasks(test: pytest.Item) -> None:
    terminal = test.config.stash[_TERMINAL]
    print(f"\n{test.nodeid} takes over {SLOW_AFTER_S:g} s; its tasks wait for:", file=terminal)
    for found in gc.get_objects():
        if isinstance(found, asyncio.Task) and not found.done():
            print(found, file=terminal)
            found.print_stack(file=terminal)
    terminal.flush()
