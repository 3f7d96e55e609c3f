"""Controls: with a guard of the engine taken away the rig must report the damage, else it proves nothing."""

from __future__ import annotations

from pathlib import Path

from momo.local.servers import Servers
from tests.chaos.broken import broken


async def test_sound_engine_whose_workers_are_killed_shows_no_damage(servers: Servers, tmp_path: Path) -> None:
    found = await broken(servers, tmp_path, "sound", seconds=5, kills=1, patience=30)
    assert not any(found.values()), found


async def test_control_without_the_inbox_effects_are_doubled(servers: Servers, tmp_path: Path) -> None:
    found = await broken(servers, tmp_path, "forgetful", seconds=5)
    assert found["doubled"] > 0


async def test_control_without_the_outbox_messages_are_lost_with_their_worker(servers: Servers, tmp_path: Path) -> None:
    found = await broken(servers, tmp_path, "unstored", seconds=5, kills=2)
    assert found["lost"] > 0


async def test_control_without_the_row_lock_meetings_are_oversold(servers: Servers, tmp_path: Path) -> None:
    found = await broken(servers, tmp_path, "unlocked", seconds=5)
    assert found["oversold"] > 0
