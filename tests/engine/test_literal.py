"""SQL literals: what MariaDB reads back is the value that was written."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momo.settings import Settings
from momo.store.connection import connected
from momo.store.literal import bind, literal

AWKWARD = ["'", '"', "\\", "\\'", "';--", "%", "%s", "%%", "\0", "\n\r\t\x1a\b", "모모 🎉", "\u2028", "", " ", "\ufeff"]
FIRST, LAST = datetime(1000, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - Hypothesis adds the zone
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50) | st.lists(st.sampled_from(AWKWARD)).map("".join)


@pytest.fixture
def round_trip(engine_settings: Settings) -> Callable[[list[tuple[str, Any]]], list[Any]]:
    """`back` for tests that Hypothesis runs many times, outside the loop."""
    return lambda values: asyncio.run(back(engine_settings, values))


async def back(engine_settings: Settings, values: list[tuple[str, Any]]) -> list[Any]:
    """Each value, with the SQL type that it is read as, written and read once."""
    shown = ",".join(f"CAST({literal(value)} AS {kind})" if kind else literal(value) for kind, value in values)
    async with connected(engine_settings.meeting_db_url) as database:
        [row] = await database.rows(f"SELECT {shown}")
    return list(row)


@given(texts=st.lists(TEXT, min_size=1, max_size=30), blobs=st.lists(st.binary(max_size=50), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_bytes_come_back_as_they_were(round_trip: Any, texts: list[str], blobs: list[bytes]) -> None:
    values: list[tuple[str, Any]] = [("", text) for text in texts] + [("BINARY", blob) for blob in blobs]
    assert round_trip(values) == [value for _, value in values]


@given(
    moments=st.lists(st.datetimes(FIRST, LAST, timezones=st.just(UTC)), min_size=1, max_size=10),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=10),
    floats=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=10),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_moment_and_number_comes_back_as_it_was(
    round_trip: Any, moments: list[datetime], numbers: list[int], floats: list[float]
) -> None:
    values: list[tuple[str, Any]] = [("DATETIME(6)", m) for m in moments] + [("SIGNED", n) for n in numbers]
    got = round_trip([*values, *(("DOUBLE", x) for x in floats)])
    count = len(values)
    assert got[:count] == [v.replace(tzinfo=None) if isinstance(v, datetime) else v for _, v in values]
    assert got[count:] == floats


async def test_nothing_truth_and_structures_come_back(engine_settings: Settings) -> None:
    structure = {"a": [1, "'\\\0"], "b": None}
    got = await back(engine_settings, [("", None), ("SIGNED", True), ("SIGNED", False), ("", structure)])
    assert got[:3] == [None, 1, 0]
    assert msgspec.json.decode(got[3]) == structure


async def test_a_moment_elsewhere_is_kept_as_utc(engine_settings: Settings) -> None:
    seoul = timezone(timedelta(hours=9))
    [got] = await back(engine_settings, [("DATETIME(6)", datetime(2026, 1, 1, 8, 30, tzinfo=seoul))])
    assert got == datetime(2025, 12, 31, 23, 30)  # noqa: DTZ001 - the driver gives no zone


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        literal(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake in question


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_sql_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a number that SQL knows"):
        literal(value)


async def test_arguments_are_bound_whatever_they_hold(engine_settings: Settings) -> None:
    sql = bind("SELECT %s, %s, '100%%'", ("%s'; DROP TABLE inbox; --", "%(x)s"))
    async with connected(engine_settings.meeting_db_url) as database:
        assert await database.rows(sql) == [("%s'; DROP TABLE inbox; --", "%(x)s", "100%")]
