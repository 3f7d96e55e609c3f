"""Kubernetes' manifests as files: each service's processes, what scales its queues, and the way in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from momo.deploy.keda import scaled_object
from momo.deploy.pods import PART, ROLE, deployment, job, labels, name, selector
from momo.deploy.processes import (
    SETTINGS,
    Process,
    console,
    gateways,
    processes,
    queue_workers,
    relays,
    release,
    workers,
)
from momo.deploy.yaml import documents
from momo.routing.rules import RULES
from momo.routing.upstreams import PORT
from momo.settings import DATABASES, SERVICES

Manifest = dict[str, Any]

MADE = "# Made by `momo deploy kubernetes` from the topology: instead of editing it, change the code.\n"
HOST = "api.momo.com"
COPIES = 2
"""Of each process: one may be away, for a deploy or with its node."""
MOST_GATEWAYS = 10
BUSY_PERCENT = 70
"""A gateway more where they use so much of the CPU that they asked for."""


def files() -> dict[str, str]:
    """Each file's text by its path below the folder of the manifests."""
    made = {f"base/{service}.yml": documents(_service(service)) for service in SERVICES}
    made |= {
        "base/accounts.yml": documents(_accounts()),
        "base/console.yml": documents(_console()),
        "base/ingress.yml": documents(_ingress()),
        "base/release.yml": documents(map(job, release())),
        "base/settings.env": "".join(f"{variable}={value}\n" for variable, value in SETTINGS.items()),
    }
    made |= {f"keda/{service}.yml": documents(_queues(service)) for service in DATABASES}
    return {path: MADE + text for path, text in made.items()}


def _service(service: str) -> Iterator[Manifest]:
    for gateway in gateways():
        if gateway.service == service:
            yield deployment(gateway, replicas=None)
            yield _address(gateway.name, labels(gateway), selector(gateway))
            yield _autoscaler(gateway)
            yield _budget(gateway)
    for process in (*workers(), *relays()):
        if process.service == service:
            yield deployment(process, replicas=COPIES)
            yield _budget(process)


def _queues(service: str) -> Iterator[Manifest]:
    for process in queue_workers():
        if process.queue and process.service == service:
            yield deployment(process, replicas=None)
            yield scaled_object(process, process.queue)


def _console() -> Iterator[Manifest]:
    """Reached by `kubectl port-forward`: no rule of the Ingress leads there."""
    yield deployment(console(), replicas=1)
    yield _address(console().name, labels(console()), selector(console()))


def _accounts() -> Iterator[Manifest]:
    for user in sorted({process.user for process in processes()}):
        yield {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name(user), "labels": PART},
            "automountServiceAccountToken": False,
        }


def _ingress() -> Iterator[Manifest]:
    paths = [
        {
            "path": rule.path,
            "pathType": "Prefix",
            "backend": {"service": {"name": f"{rule.name}-service", "port": {"name": "http"}}},
        }
        for rule in RULES
    ]
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "momo", "labels": PART},
        "spec": {
            "tls": [{"hosts": [HOST], "secretName": "momo-tls"}],
            "rules": [{"host": HOST, "http": {"paths": paths}}],
        },
    }
    for rule in RULES:
        if rule.services == SERVICES:
            yield _address(f"{rule.name}-service", PART, PART | {ROLE: "gateway"})


def _address(called: str, labelled: Mapping[str, str], selected: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": called, "labels": labelled},
        "spec": {"selector": selected, "ports": [{"name": "http", "port": PORT, "targetPort": "http"}]},
    }


def _autoscaler(process: Process) -> Manifest:
    busy = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": BUSY_PERCENT}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": process.name, "labels": labels(process)},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": process.name},
            "minReplicas": COPIES,
            "maxReplicas": MOST_GATEWAYS,
            "metrics": [{"type": "Resource", "resource": busy}],
        },
    }


def _budget(process: Process) -> Manifest:
    """One at a time. Those that are not ready, as all are while the broker is away, keep no node from draining."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": process.name, "labels": labels(process)},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(process)},
        },
    }
