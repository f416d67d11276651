"""`outring simulate --benchmark`."""

from __future__ import annotations

import json

from click.testing import CliRunner

from app.cli.simulate import simulate


def test_rows_of_pacers_side_by_side() -> None:
    ran = CliRunner().invoke(simulate, ["--benchmark", "--agents", "3", "--hours", "0.1", "--json"])
    assert ran.exit_code == 0, ran.output
    rows = json.loads("[" + ran.output.strip().replace("\n}\n{", "\n},\n{").replace("}\n{", "},{") + "]")
    assert {(row["pacer"], row["answer_rate"]) for row in rows} == {
        (pacer, rate) for pacer in ("ours", "progressive") for rate in (0.15, 0.3, 0.6)
    }


def test_a_pacer_nobody_knows_is_refused_with_those_there_are() -> None:
    ran = CliRunner().invoke(simulate, ["--benchmark", "--pacer", "wishful"])
    assert ran.exit_code == 2
    assert "'wishful': there are ours" in ran.output
