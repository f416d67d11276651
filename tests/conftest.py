"""How thoroughly properties are tried: `ci` in every run, `deep` with HYPOTHESIS_PROFILE=deep."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)  # busy machines are slow, not wrong
settings.register_profile("deep", parent=settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
