"""Errors of the REST interface as problem+json (RFC 9457), each with a stable code."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_ERRORS: Final = 50


class Problem(Exception):
    """Something a request cannot have. code: stable, for programs; detail: a sentence for people, with the mend.

    errors: where in the request, for a body or query that does not fit.
    """

    def __init__(self, status: int, code: str, detail: str, *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors

    def response(self) -> web.Response:
        """As it goes over the wire."""
        body: dict[str, Any] = {"type": "about:blank", "status": self.status, "code": self.code, "detail": self.detail}
        if self.errors is not None:
            body["errors"] = self.errors
        return web.Response(
            status=self.status, text=json.dumps(body, ensure_ascii=False), content_type="application/problem+json"
        )


EXPECTED: Final[dict[str, str]] = {}
"""What a pattern means, in words for people."""


def pattern(regex: str, words: str) -> str:
    """A pattern whose misfits are told in these words."""
    EXPECTED[regex] = words
    return regex


def misfit(error: ValidationError, where: str) -> Problem:
    """A body or query that does not fit its model; a body that is not JSON at all is 400."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(400, "bad_json", f"the body is not JSON: {found[0]['msg'].removeprefix('Invalid JSON: ')}")
    errors = [
        {
            "place": ".".join(str(part) for part in item["loc"]) or where,
            "problem": _words(item),
        }
        for item in found[:MAX_ERRORS]
    ]
    first = errors[0]
    return Problem(422, "invalid", f"{where}, {first['place']}: {first['problem']}", errors=errors)


def _words(item: ErrorDetails) -> str:
    if item["type"] == "string_pattern_mismatch":
        regex = str(item["ctx"]["pattern"])
        return "expected " + EXPECTED.get(regex, f"something like {regex}")
    return item["msg"].removeprefix("Value error, ")
