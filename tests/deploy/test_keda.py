"""Each queue is scaled by the age of its oldest message."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from contracts.topology import QUEUES, Partitions, queue_named
from momo.deploy.keda import MOST, scaled_object
from momo.deploy.processes import queue_workers
from momo.lag.metrics import LagCollector
from tests.deploy.built import of_kind

OBJECTS = {manifest["metadata"]["name"]: manifest["spec"] for manifest in of_kind("ScaledObject")}
_QUERY = re.compile(r'max\((?P<metric>\w+)\{queue="(?P<queue>[^"]+)",kind="work"\}\)')


def trigger(name: str) -> dict[str, Any]:
    [found] = OBJECTS[name]["triggers"]
    return dict(found)


def test_every_queue_has_one_object_and_a_deployment_of_its_own_that_consumes_it_alone() -> None:
    words = {
        m["metadata"]["name"]: m["spec"]["template"]["spec"]["containers"][0]["args"] for m in of_kind("Deployment")
    }
    consumed = [words[spec["scaleTargetRef"]["name"]] for spec in OBJECTS.values()]
    assert sorted(consumed) == sorted(["work", queue.name] for queue in QUEUES)


def test_the_query_is_the_age_of_what_the_deployment_consumes_as_relays_show_it() -> None:
    for name in OBJECTS:
        match = _QUERY.fullmatch(trigger(name)["metadata"]["query"])
        assert match
        assert f"{match['queue'].removesuffix('.queue').replace('.', '-')}-queue" == name
        [family] = [family for family in LagCollector().describe() if family.name == match["metric"]]
        assert set(family._labelnames) == {"queue", "kind"}


def test_an_object_has_what_keda_requires() -> None:
    for name, spec in OBJECTS.items():
        asked = trigger(name)
        assert asked["type"] == "prometheus"
        assert {"serverAddress", "query", "threshold"} <= asked["metadata"].keys()
        assert all(isinstance(value, str) for value in asked["metadata"].values()), "KEDA's metadata are strings"
        assert float(asked["metadata"]["threshold"]) > 0
        assert 0 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
        # a fallback needs both numbers, an average, and errors instead of empty answers
        assert {"failureThreshold", "replicas"} <= spec["fallback"].keys()
        assert asked["metricType"] == "AverageValue"
        assert asked["metadata"]["ignoreNullValues"] == "false"


def test_a_partitioned_queue_gets_no_more_processes_than_partitions() -> None:
    queue = queue_named("meeting.join.queue")
    [process] = [process for process in queue_workers() if process.queue == queue]
    split = replace(queue, partitions=Partitions(by="meeting_id", count=4))
    assert scaled_object(process, split)["spec"]["maxReplicaCount"] == 4 < MOST
    none = replace(queue, partitions=Partitions(by="meeting_id", count=0, was=(4,)))
    assert scaled_object(process, none)["spec"]["maxReplicaCount"] == MOST
