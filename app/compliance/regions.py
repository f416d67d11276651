"""The time zones of states and provinces, where a country of several zones has them: by ISO 3166-2.

Where a border of zones crosses a region, all its zones are named. Read from the tz database's own commentary
(zone1970.tab, northamerica, australasia). Countries that are not here are taken whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_E: Final = "America/New_York"
_C: Final = "America/Chicago"
_M: Final = "America/Denver"
_P: Final = "America/Los_Angeles"

_US_OF_ONE: Final = {
    _E: "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
    _C: "AL AR IA IL LA MN MO MS OK WI",
    _M: "CO MT NM UT WY",
    _P: "CA WA",
    "Pacific/Honolulu": "HI",
}
_US_OF_SEVERAL: Final = {
    "AK": ("America/Anchorage", "America/Adak"),
    "AZ": ("America/Phoenix", _M),  # the Navajo Nation keeps summer time
    "FL": (_E, _C),
    "ID": (_M, _P),
    "IN": (_E, _C),
    "KS": (_C, _M),
    "KY": (_E, _C),
    "MI": (_E, _C),
    "ND": (_C, _M),
    "NE": (_C, _M),
    "NV": (_P, _M),
    "OR": (_P, _M),
    "SD": (_C, _M),
    "TN": (_E, _C),
    "TX": (_C, _M),
}
_CA: Final = {
    "AB": ("America/Edmonton",),
    "BC": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson", "America/Creston"),
    "MB": ("America/Winnipeg",),
    "NB": ("America/Moncton",),
    "NL": ("America/St_Johns", "America/Goose_Bay"),
    "NS": ("America/Halifax", "America/Glace_Bay"),
    "NT": ("America/Edmonton", "America/Inuvik"),
    "NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Resolute", "America/Cambridge_Bay", "America/Atikokan"),
    "ON": ("America/Toronto", "America/Winnipeg", "America/Atikokan"),
    "PE": ("America/Halifax",),
    "QC": ("America/Toronto", "America/Halifax", "America/Blanc-Sablon"),
    "SK": ("America/Regina", "America/Swift_Current", "America/Edmonton"),
    "YT": ("America/Whitehorse", "America/Dawson"),
}
_AU: Final = {
    "ACT": ("Australia/Sydney",),
    "NSW": ("Australia/Sydney", "Australia/Broken_Hill", "Australia/Lord_Howe"),
    "NT": ("Australia/Darwin",),
    "QLD": ("Australia/Brisbane", "Australia/Lindeman"),
    "SA": ("Australia/Adelaide",),
    "TAS": ("Australia/Hobart", "Antarctica/Macquarie"),
    "VIC": ("Australia/Melbourne",),
    "WA": ("Australia/Perth", "Australia/Eucla"),
}

ZONES_OF_REGION: Final[Mapping[str, tuple[str, ...]]] = {
    **{f"US-{state}": (zone,) for zone, states in _US_OF_ONE.items() for state in states.split()},
    **{f"US-{state}": zones for state, zones in _US_OF_SEVERAL.items()},
    **{f"CA-{province}": zones for province, zones in _CA.items()},
    **{f"AU-{state}": zones for state, zones in _AU.items()},
}
