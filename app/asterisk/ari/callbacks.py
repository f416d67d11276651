"""ari-py's way of listening: functions called with the events of a type. The program itself uses the sink."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import msgspec

from .events import UnknownEvent
from .models import AnyMessage, Bridge, Channel, DeviceState, Endpoint, LiveRecording, Playback

log = logging.getLogger(__name__)
Model = TypeVar("Model", bound=msgspec.Struct)
Callback = Callable[[AnyMessage | UnknownEvent], None]


class Subscription:
    """Returned by every ``on_…``; ``close()`` ends the calls."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


class Callbacks:
    """Functions by event type. They are called on the reader, so they must be quick and must not block."""

    def __init__(self) -> None:
        self._by_type: defaultdict[str, list[Callback]] = defaultdict(list)
        self.failures = 0

    def on_event(self, event_type: str, fn: Callback) -> Subscription:
        """Call ``fn(event)`` for every event of the type."""
        self._by_type[event_type].append(fn)

        def close() -> None:
            if fn in self._by_type[event_type]:
                self._by_type[event_type].remove(fn)

        return Subscription(close)

    def on_channel_event(self, event_type: str, fn: Callable[[Channel, AnyMessage], None]) -> Subscription:
        """Call ``fn(channel, event)``; for an event with several channels, its first that is there."""
        return self._on_model(Channel, event_type, fn)

    def on_bridge_event(self, event_type: str, fn: Callable[[Bridge, AnyMessage], None]) -> Subscription:
        return self._on_model(Bridge, event_type, fn)

    def on_playback_event(self, event_type: str, fn: Callable[[Playback, AnyMessage], None]) -> Subscription:
        return self._on_model(Playback, event_type, fn)

    def on_live_recording_event(self, event_type: str, fn: Callable[[LiveRecording, AnyMessage], None]) -> Subscription:
        return self._on_model(LiveRecording, event_type, fn)

    def on_endpoint_event(self, event_type: str, fn: Callable[[Endpoint, AnyMessage], None]) -> Subscription:
        return self._on_model(Endpoint, event_type, fn)

    def on_device_state_event(self, event_type: str, fn: Callable[[DeviceState, AnyMessage], None]) -> Subscription:
        return self._on_model(DeviceState, event_type, fn)

    def _on_model(self, model: type[Model], event_type: str, fn: Callable[[Model, AnyMessage], None]) -> Subscription:
        def call(event: AnyMessage | UnknownEvent) -> None:
            if isinstance(event, UnknownEvent):
                return
            for name in event.__struct_fields__:
                value = getattr(event, name)
                if isinstance(value, model):
                    fn(value, event)
                    return

        return self.on_event(event_type, call)

    def deliver(self, event: AnyMessage | UnknownEvent) -> None:
        """Call every function for this event. One that raises is logged and counted; the others are still called."""
        kind = event.type if isinstance(event, UnknownEvent) else type_name(type(event))
        for fn in tuple(self._by_type.get(kind, ())):
            try:
                fn(event)
            except Exception:
                self.failures += 1
                log.exception("callback for %s failed", kind)


@cache
def type_name(model: type[msgspec.Struct]) -> str:
    return str(model.__struct_config__.tag)
