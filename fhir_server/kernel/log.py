"""Structured logs: one line an event, with the request's id, and nothing of what resources hold.

A fault is logged by the classes of its exceptions and the places they passed through, never by
their messages: those quote values. The same holds for the lines of libraries (`logging`).
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from structlog.typing import Processor

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being served, for every line written on its behalf."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MAX_FRAMES, _MAX_CAUSES = 12, 5
_ROOT = Path(__file__).resolve().parent.parent.parent
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "(.+)", line (\d+)')
_encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure(level: str = "info", form: Literal["console", "json"] = "json") -> None:
    """Set up structlog and `logging` to write lines of one form to standard error."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level if form == "console" else structlog.processors.add_log_level,
        _add_time,
        _add_request_id,
        _drop_exception_messages,
    ]
    last: Processor = _for_people() if form == "console" else structlog.processors.JSONRenderer(_json)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_logger_factory(form),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:1], *shared[1:]],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last if form == "console" else structlog.processors.JSONRenderer(_json_text),
            ],
        )
    )
    handler.addFilter(_first_line_only)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING if level != "error" else logging.ERROR)


def describe_fault(fault: BaseException) -> dict[str, Any]:
    """Return what may be logged of an exception: classes and places, its causes too, no messages.

    >>> describe_fault(ValueError("secret"))
    {'exception': 'ValueError', 'at': []}
    """
    described: dict[str, Any] = {"exception": _class_name(fault), "at": _places(fault.__traceback__)}
    causes: list[str] = []
    cause = fault.__cause__ or fault.__context__
    while cause is not None and len(causes) < _MAX_CAUSES:
        causes.append(f"{_class_name(cause)} at {(_places(cause.__traceback__) or ['?'])[-1]}")
        cause = cause.__cause__ or cause.__context__
    if causes:
        described["because"] = causes
    return described


def _class_name(fault: BaseException) -> str:
    kind = type(fault)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _places(traceback: TracebackType | None) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-_MAX_FRAMES:]


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-2:])


def _add_time(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    event["timestamp"] = f"{_second(seconds)}.{rest // 1_000_000:03}Z"
    return event


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Formatting a time costs more than the rest of a line, and most lines share their second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _add_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id:
        event["request_id"] = request_id
    return event


def _drop_exception_messages(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    fault = info[1] if isinstance(info, tuple) else info
    if isinstance(fault, BaseException):
        event.update(describe_fault(fault))
    return event


def _first_line_only(record: logging.LogRecord) -> bool:
    """Cut what `asyncio` and its like append: the repr of a task shows the exception's message."""
    message = record.getMessage()
    first = message.partition("\n")[0]
    record.msg, record.args = _class_and_place(message) if first == _TRACEBACK else first, None
    return True


def _class_and_place(text: str) -> str:
    """Return what may be said of a traceback in text, as uvicorn logs a failed start.

    Frames are indented; the line that is not begins with the class, and what follows is the message.
    """
    place = "?"
    for line in text.splitlines()[1:]:
        frame = _FRAME.match(line)
        if frame:
            place = f"{_short(frame[1])}:{frame[2]}"
        elif not line.startswith(" "):
            return f"{line.partition(':')[0]} at {place}"
    return f"a fault at {place}"


def _for_people() -> structlog.dev.ConsoleRenderer:
    """Lines in the order they were written in; colours only where a terminal shows them."""
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, sort_keys=False)


def _json(event: Any, **_: Any) -> bytes:
    return _encode(event)


def _json_text(event: Any, **_: Any) -> str:
    return _encode(event).decode()


def _logger_factory(form: str) -> Any:
    if form == "console":
        return structlog.PrintLoggerFactory(sys.stderr)
    return structlog.BytesLoggerFactory(sys.stderr.buffer)
