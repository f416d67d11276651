"""A panel for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.panel.site import Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A panel on a fresh database: nobody can sign in yet."""
    async with open_site(tmp_path) as opened:
        yield opened
