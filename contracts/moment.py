"""Points in time as they travel: RFC 3339 with an offset, so that nobody has to guess a time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
