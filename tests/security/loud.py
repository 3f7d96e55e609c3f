"""`python -m tests.security.loud FILE COMMAND…`: momo with every logger at DEBUG and all output appended to FILE."""

from __future__ import annotations

import logging
import os
import sys

from momo.cli import main


def loud() -> None:
    file = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s %(args)s")
    logging.Logger.setLevel = _unless_fixed  # type: ignore[method-assign,assignment]
    for name in list(logging.Logger.manager.loggerDict):
        logging.getLogger(name).level = logging.NOTSET
    main()


def _unless_fixed(logger: logging.Logger, level: int | str) -> None:
    """Who makes a logger quieter does so in vain, but for uvicorn's: the gateway itself fixes its level, since below
    WARNING it writes the head of every socket's handshake."""
    if logger.name.startswith("uvicorn"):
        logger.level = logging._nameToLevel[level] if isinstance(level, str) else level


if __name__ == "__main__":
    loud()
