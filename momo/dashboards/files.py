"""The dashboards as files: the same topology gives the same bytes."""

from __future__ import annotations

import json

from momo.dashboards.board import document
from momo.dashboards.money import money
from momo.dashboards.overview import overview
from momo.dashboards.queue import queue
from momo.dashboards.service import service


def files() -> dict[str, str]:
    """Each dashboard's JSON by its file's name."""
    return {
        f"{board.uid.removeprefix('momo-')}.json": json.dumps(document(board), indent=1, ensure_ascii=False) + "\n"
        for board in (overview(), queue(), service(), money())
    }
