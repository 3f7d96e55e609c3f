"""The rig in ninety seconds: a whole MOMO under load, faults of every group, and a ledger without a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from momo.chaos.run import chaos, chosen

KINDS = (
    "kill-worker,kill-relay,kill-gateway,roll,kill-rabbitmq,close-channels,kill-mariadb,lock-rows,flush-redis,"
    "cut-amqp,reset-mysql,hang-up-toss"
)


@pytest.mark.timeout(300)
async def test_minute_of_faults_under_load_loses_doubles_and_holds_up_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    report = await chaos(tmp_path, seconds=60, seed=20, kinds=chosen(KINDS), say=said.append, patience=90)
    assert report.differences == [], said
    assert report.ok
    assert report.commands > 1_500
    assert len(report.faults) >= 5
    assert report.poison > 0


def test_faults_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"no fault 'flood'; there are: all, kill-worker"):
        chosen("kill-worker,flood")
