"""What can go wrong with one ARI request, sorted by the question dialing asks: was it carried out?

At-most-once dialing is built on :attr:`AriError.is_certainly_not_done`. True: Asterisk did nothing and the request may
be made again under the same id. False: nobody knows; treat it as done until events or reconciliation say otherwise.
The client itself never repeats a request.
"""

from __future__ import annotations


class AriError(Exception):
    """One ARI request failed. ``status`` is the HTTP status, or 0 where there was no answer."""

    is_certainly_not_done: bool = False

    def __init__(self, message: str, *, status: int = 0, method: str = "", path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.method = method
        self.path = path

    def __str__(self) -> str:
        if not self.method:
            return self.message
        answered = f" answered {self.status}" if self.status else ""
        return f"{self.method} {self.path}{answered}: {self.message}"


class AriUnavailable(AriError):
    """Not carried out, for certain: no connection, still booting (HTML 404, JSON 503), or no such resource loaded."""

    is_certainly_not_done = True


class AriUnknown(AriError):
    """Sent, but no readable answer came (timeout, connection lost): it may or may not have been carried out."""


class AriRefused(AriError):
    """Asterisk understood and said no (4xx); ``message`` is its reason."""

    is_certainly_not_done = True


class AriNotFound(AriRefused):
    """A JSON 404: the channel, bridge, playback or recording named is gone or never was."""


class AriConflict(AriRefused):
    """409: the id is taken by a live object, or the object is not in a state to do this."""


class AriUnauthorized(AriRefused):
    """401 or 403 for our user: no request will work until the settings are mended."""


class AriServerError(AriError):
    """5xx. ``Allocation failed`` (unknown or unregistered endpoint) and 501 are certain; other ones are not."""

    def __init__(self, message: str, *, status: int = 0, method: str = "", path: str = "") -> None:
        super().__init__(message, status=status, method=method, path=path)
        self.is_certainly_not_done = status == 501 or message == "Allocation failed"
