"""`python -m momo.bench.partitioned COUNT COMMAND…`: momo with the joins split among so many partitions."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from contracts import topology
from contracts.meeting import JoinMeeting
from contracts.topology import Partitions, Queue, queue_named

JOINS = "meeting.join.queue"


def joins_split(count: int) -> Queue:
    """The queue of joins with `count` partitions."""
    return replace(queue_named(JOINS), partitions=Partitions(by="meeting_id", count=count))


def main() -> None:
    split = joins_split(int(sys.argv.pop(1)))
    # before anything else has read the table
    topology.QUEUES = tuple(split if queue.name == JOINS else queue for queue in topology.QUEUES)
    topology.ACTORS[JoinMeeting] = "meeting_id"
    from momo.cli import main as momo  # noqa: PLC0415 - the same

    momo()


if __name__ == "__main__":
    main()
