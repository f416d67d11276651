"""One laboratory for all tests on the real Asterisk. Tests that kill, freeze or reconfigure one start their own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from asterisk.lab import Lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """A running laboratory, shared: leave its processes alone."""
    async with Lab() as running:
        yield running
