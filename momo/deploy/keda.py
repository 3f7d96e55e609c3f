"""KEDA's part: how many processes of a queue there are, by the age of its oldest message."""

from __future__ import annotations

from typing import Any

from contracts.topology import Queue
from momo.deploy.pods import labels
from momo.deploy.processes import Process

PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"
AGE = "momo_queue_oldest_age_seconds"
AGE_SECONDS = 2
"""A process more for each: twice what the objective allows a message (compose/prometheus/rules/critical_time.yml), a
fifth of what commands are turned away at (MOMO_SHED_LAG_SECONDS)."""
MOST = 10
"""Of processes that are added for one queue."""
BLIND = {"failureThreshold": 3, "replicas": 0, "behavior": "currentReplicasIfHigher"}
"""While Prometheus does not answer, what is there stays."""


def scaled_object(process: Process, queue: Queue) -> dict[str, Any]:
    """For the Deployment of `process`, which is empty but while `queue` lags: its service's worker consumes it too.

    Age / AGE_SECONDS of them are wanted (AverageValue). They go one a minute, so that as many stay as hold the lag
    down.
    """
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": process.name, "labels": labels(process)},
        "spec": {
            "scaleTargetRef": {"name": process.name},
            "pollingInterval": 5,
            "cooldownPeriod": 300,
            "minReplicaCount": 0,
            "maxReplicaCount": most(queue),
            "fallback": BLIND,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        "scaleDown": {
                            "stabilizationWindowSeconds": 120,
                            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                        }
                    }
                }
            },
            "triggers": [
                {
                    "type": "prometheus",
                    "metricType": "AverageValue",
                    "metadata": {
                        "serverAddress": PROMETHEUS,
                        "query": f'max({AGE}{{queue="{queue.name}",kind="work"}})',
                        "threshold": str(AGE_SECONDS),
                        "activationThreshold": str(AGE_SECONDS),
                        # no answer is no empty queue: then the fallback holds
                        "ignoreNullValues": "false",
                    },
                }
            ],
        },
    }


def most(queue: Queue) -> int:
    """Processes share out the partitions of a queue: more of them than partitions would have nothing to do."""
    return min(MOST, queue.partitions.count) if queue.partitions and queue.is_split else MOST
