"""Every answer's outer coat: errors as problem+json or a friendly page, and the headers that keep browsers strict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from app.ivr.load import FlowError
from app.operations import NotNow, OperationError
from app.panel.problems import Problem
from app.panel.routing import PREFIX
from app.store.errors import Duplicate, InUse, LastAdmin, NotFound, StoreError

log = structlog.get_logger()

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorPage = Callable[[web.Request, Problem], web.Response]

HEADERS: Final = {
    "Server": "Outring",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HTTP_CODES: Final = {
    400: "bad_request", 404: "not_found", 405: "method_not_allowed", 411: "length_required", 413: "too_large",
    415: "unsupported_media_type", 416: "bad_range", 417: "expectation_failed",
}  # fmt: skip


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the strict headers on every answer. Pages and data are never kept by caches; static files are checked."""
    response.headers.update(HEADERS)
    if request.path.startswith("/static/"):
        for_good = "v" in request.query or request.path.startswith("/static/vendor/")
        lasting = "public, max-age=31536000, immutable" if for_good else "no-cache"
        response.headers.setdefault("Cache-Control", lasting)
    else:
        response.headers.setdefault("Cache-Control", "no-store")


def problem_of(error: Exception) -> Problem | None:
    """What a known error is for whoever asked; None for one nobody expected."""
    match error:
        case Problem():
            return error
        case NotFound():
            return Problem(404, "not_found", str(error))
        case Duplicate():
            return Problem(409, "duplicate", str(error))
        case InUse():
            return Problem(409, "in_use", str(error))
        case LastAdmin():
            return Problem(409, "last_admin", str(error))
        case StoreError():
            return Problem(503, "store_unavailable", str(error))
        case NotNow():
            return Problem(409, "not_now", str(error))
        case OperationError(__cause__=FlowError(problems=problems)):
            places = [{"place": f"line {one.line}", "problem": str(one)} for one in problems]
            return Problem(422, "bad_flow", str(error), errors=places)
        case OperationError():
            return Problem(422, "invalid", str(error))
        case HttpProcessingError() | web.RequestPayloadError():
            return Problem(400, "bad_request", "what was sent cannot be read: it breaks the rules of HTTP or of forms")
        case TimeoutError():
            return Problem(
                504, "timed_out", "the dialer did not confirm in time; look at the state before trying again"
            )
        case web.HTTPException():
            code = _HTTP_CODES.get(error.status, f"http_{error.status}")
            return Problem(error.status, code, _words(error))
        case _:
            return None


def _words(error: web.HTTPException) -> str:
    match error:
        case web.HTTPMethodNotAllowed():
            return f"{error.method} cannot be done here; what can: {', '.join(sorted(error.allowed_methods))}"
        case web.HTTPNotFound():
            return "there is nothing at this address"
        case _:
            return (error.text or error.reason).removeprefix(f"{error.status}: ")


def catching(error_page: ErrorPage) -> Middleware:
    """The outermost middleware: no error leaves without its coat."""

    @web.middleware
    async def catch(request: web.Request, handler: Answer) -> web.StreamResponse:
        headers: dict[str, str] = {}
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            if "Allow" in error.headers:
                headers["Allow"] = error.headers["Allow"]
            problem = problem_of(error)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                log.exception("request failed", method=request.method, path=request.path)
        if problem is None:
            problem = Problem(500, "internal", "something went wrong inside Outring; its log says what")
        if request.path.startswith(PREFIX.rsplit("/", 1)[0] + "/"):
            response = problem.response()
        else:
            response = error_page(request, problem)
        response.headers.update(headers)
        if response.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return catch
