"""Celery: prefork, late acks, confirmed publishing, quorum queues; PyMySQL with one connection a process."""

from __future__ import annotations

import os
import sys

from celery import Celery
from kombu import Queue

from tests.bench.peers import durable

app = Celery("peers", broker=durable.AMQP_URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue=durable.COMMANDS,
    task_default_queue_type="quorum",
    task_queues=[
        Queue(name, routing_key=name, queue_arguments=durable.QUORUM) for name in (durable.COMMANDS, durable.EVENTS)
    ],
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=64,  # the guide's advice for many short tasks is 50 to 150
)


@app.task(name="peer.joined", queue=durable.EVENTS)
def joined(type: str, causation_id: str, meeting_id: int, member_id: int) -> None:  # noqa: A002 - the event's field
    """Somebody else's: this worker does not consume its queue."""


@app.task(name="peer.join", queue=durable.COMMANDS)
def join(message_id: str, meeting_id: int, member_id: int, nickname: str) -> None:
    joined.apply_async(kwargs=durable.join(message_id, meeting_id, member_id, nickname))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        with app.producer_pool.acquire(block=True) as producer:
            for command in durable.joins():
                join.apply_async(kwargs=command, producer=producer)
    else:
        program = [sys.executable, "-m", "celery", "-A", "tests.bench.peers.celery", "worker"]
        program += ["--pool", "prefork", "--concurrency", str(durable.PROCESSES), "--queues", durable.COMMANDS]
        program += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        os.execv(sys.executable, program)
