"""Logs: one line an event, for people on a terminal and as JSON otherwise. Only the shell logs."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog


def set_up(level: str = "INFO", *, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Send the log to `stream` (standard error when None), readable when that is a terminal, JSON otherwise."""
    target = stream or sys.stderr
    for_machines = not target.isatty() if as_json is None else as_json
    renderer: Any = structlog.processors.JSONRenderer() if for_machines else structlog.dev.ConsoleRenderer()
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=target, force=True)
