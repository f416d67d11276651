"""The OpenAPI document is true to the code: Schemathesis finds nothing. Long: `make fuzz`."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.rest import held


async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    tried = await held("--phases", "fuzzing", "--generation-deterministic", "--max-examples", "4", folder=tmp_path)
    assert tried.is_true, tried.told
