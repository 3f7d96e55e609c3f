"""Dramatiq: processes of threads on RabbitMQ with confirmed delivery; PyMySQL with one connection a thread."""

from __future__ import annotations

import os
import sys
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from tests.bench.peers import durable


class QuorumBroker(RabbitmqBroker):  # type: ignore[misc]  # mypy does not see Dramatiq
    """Dramatiq declares classic queues; there is no setting for it, so its arguments are extended."""

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return {**super()._build_queue_arguments(queue_name), **durable.QUORUM}


broker = QuorumBroker(url=durable.AMQP_URL, confirm_delivery=True)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=durable.EVENTS)
def joined(type: str, causation_id: str, meeting_id: int, member_id: int) -> None:  # noqa: A002 - the event's field
    """Somebody else's: this worker does not consume its queue."""


@dramatiq.actor(queue_name=durable.COMMANDS)
def join(message_id: str, meeting_id: int, member_id: int, nickname: str) -> None:
    joined.send(**durable.join(message_id, meeting_id, member_id, nickname))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        for command in durable.joins():
            join.send(**command)
        broker.close()
    else:
        program = [sys.executable, "-m", "dramatiq", "tests.bench.peers.dramatiq", "--queues", durable.COMMANDS]
        program += ["--processes", str(durable.PROCESSES), "--threads", str(durable.CONCURRENCY)]
        os.execv(sys.executable, program)
