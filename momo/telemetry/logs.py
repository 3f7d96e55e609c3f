"""Logs: one line a record on stderr, JSON for programs or pretty for people, whichever library it comes from."""

from __future__ import annotations

import atexit
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from momo.settings import Settings
from momo.telemetry.absent import absent
from momo.telemetry.stream import Stream

with absent("rich"):  # for tracebacks that show every variable it would load 3 MB into each process
    import structlog
    from structlog.dev import ConsoleRenderer, plain_traceback
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import Processor

QUIET = ("aiormq", "aio_pika", "aiomysql")
"""Libraries that tell of every lost connection, which MOMO does in its own words."""
LAST_WORDS_SECONDS = 2.0


class Lines:
    """Writes many lines at once, so that a message costs the line that tells of it and no more."""

    def __init__(self, stream: Stream, render: Processor | None = None) -> None:
        """Without `render` the lines are JSON."""
        self._stream = stream
        self._render = render

    def write(self, lines: Sequence[msgspec.Struct]) -> None:
        """Lines, as Structs with at least `timestamp`, `level`, `logger` and `event`."""
        if self._render is not None:
            texts = [str(self._render(None, "", msgspec.to_builtins(line))) for line in lines]
            self._stream.write(("\n".join(texts) + "\n").encode(errors="replace"))
            return
        try:
            self._stream.write(_encoder.encode_lines(lines))
        except UnicodeEncodeError:  # half of a surrogate pair, out of somebody's text
            texts = [json.dumps(msgspec.to_builtins(line)) for line in lines]
            self._stream.write(("\n".join(texts) + "\n").encode())


class _Handler(logging.Handler):
    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._stream.write(f"{self.format(record)}\n".encode(errors="replace"))
        except Exception:  # noqa: BLE001 - as in every handler of the standard library, a bad record stops nothing
            self.handleError(record)


def configure(settings: Settings) -> Lines:
    """From now on what this process logs, by structlog or by the standard library, goes to stderr; what is returned
    writes many lines there. The end of the process waits for what is not written yet, but not for long.
    """
    pretty = settings.log_format == "pretty" or (settings.log_format == "auto" and sys.stderr.isatty())
    stream = Stream(sys.stderr.fileno())
    atexit.register(stream.flush, LAST_WORDS_SECONDS)
    # a traceback is told without the variables of its frames: those hold passwords
    console = ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback, sort_keys=False)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [console] if pretty else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    )
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(foreign_pre_chain=shared, processors=[ProcessorFormatter.remove_processors_meta, *last])
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for library in QUIET:
        logging.getLogger(library).setLevel(max(logging.ERROR, logging.getLevelNamesMapping()[settings.log_level]))
    return Lines(stream, console if pretty else None)


_encoder = msgspec.json.Encoder()


def _json(fields: dict[str, Any], **_: Any) -> str:
    first = {name: fields.pop(name) for name in ("timestamp", "level", "logger", "event") if name in fields}
    try:
        return msgspec.json.encode({**first, **fields}, enc_hook=repr).decode()
    except UnicodeEncodeError:
        return json.dumps({**first, **fields}, default=repr)
