"""Log lines: JSON by default, key=value for a person at a terminal (LOG_FORMAT=json or console).

Every line carries what is bound to its context: request, client, ticket, wave. Ids, never words of
a person: what an exception says may quote a customer, so only its kind and its place are written.
Our own lines go straight to the stream, at a quarter of what the standard library takes; those of
the packages take its way and come out the same.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter, add_logger_name
from structlog.typing import EventDict, Processor

#: The frames of an exception that are written, the innermost last.
MOST_FRAMES = 40
#: Loggers of packages whose messages quote an exception.
QUOTING = {"asyncio", "celery.app.trace", "concurrent.futures"}
#: What these say names code, not what somebody wrote.
OF_CODE = (AttributeError, ImportError, NameError)

SHARED: list[Processor] = [
    merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]


def configuration(*, level: str) -> dict[str, Any]:
    """The LOGGING of Django, and with it structlog's own."""
    _configure_own(level=level)
    # Servers that came with a form of their own are given ours.
    ours: dict[str, Any] = {"handlers": [], "propagate": True}
    names = ("django", "django.server", "_granian", "granian.access", "uvicorn", "uvicorn.error")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.logs.formatter"}},
        "handlers": {"line": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["line"], "level": level},
        "loggers": dict.fromkeys(names, ours),
    }


def for_a_terminal() -> bool:
    """Whether a person reads along."""
    return (os.environ.get("LOG_FORMAT") or ("console" if sys.stderr.isatty() else "")) == "console"


def formatter(**_given: Any) -> ProcessorFormatter:
    """What makes a line of a record of the standard library; granian's main process asks too."""
    return ProcessorFormatter(
        foreign_pre_chain=[*SHARED, add_logger_name],
        processors=[
            without_quotes,
            ProcessorFormatter.remove_processors_meta,
            places,
            structlog.dev.ConsoleRenderer() if for_a_terminal() else text,
        ],
    )


def text(_logger: Any, _method: str, event: EventDict) -> str:
    return line(_logger, _method, event).decode()


def line(_logger: Any, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str)


def encoded(_logger: Any, _method: str, event: Any) -> bytes:
    return str(event).encode()


def without_quotes(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """What these loggers say of an exception would quote it; `places` tells enough."""
    record = event["_record"]
    if record.name in QUOTING and record.levelno >= logging.WARNING:
        about = getattr(record, "data", {})
        words = [about.get("name"), about.get("id"), about.get("description")]
        event["event"] = " ".join(filter(None, words)) or event["event"].partition("\n")[0][:60]
    return event


def places(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """An exception as its kinds, constraints and frames, each cause after what it caused."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        chain = list(_chain(error))
        event["exception"] = " < ".join(_kind(one) for one in chain)
        event["frames"] = [frame for one in chain for frame in _frames(one.__traceback__)]
    return event


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _kind(error: BaseException) -> str:
    """Its type, and what the database says broke: names of ours, never a value."""
    told = getattr(error, "diag", None)
    names = [getattr(told, part, None) for part in ("sqlstate", "table_name", "constraint_name")]
    if isinstance(error, OF_CODE):
        names.append(f"({error})")
    return " ".join([type(error).__qualname__, *filter(None, names)])


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _configure_own(*, level: str) -> None:
    """Our own lines, and that of a thread that ends by an exception."""
    renderer = [structlog.dev.ConsoleRenderer(), encoded] if for_a_terminal() else [line]
    structlog.configure(
        processors=[*SHARED, add_logger_name, places, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_named,
        cache_logger_on_first_use=True,
    )
    threading.excepthook = _ended
    logging.captureWarnings(True)


def _named(name: str = "releve", *_given: Any) -> structlog.BytesLogger:
    return Named(name)


class Named(structlog.BytesLogger):
    """Writes to the stream, and knows what it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr.buffer)
        self.name = name


def _ended(fate: threading.ExceptHookArgs) -> None:
    structlog.get_logger().critical("a thread ended", exc_info=fate.exc_value)
