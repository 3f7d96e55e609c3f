"""A process as Kubernetes runs it: the pod, and the Deployment or Job around it."""

from __future__ import annotations

from typing import Any

from momo.deploy.processes import SECRETS, STOP_SECONDS, Process, Role, Servers
from momo.settings import DATABASES

USER_ID = 10_001
"""Whom the images' processes run as."""
SETTINGS_MAP = "momo-settings"
"""The ConfigMap of what every process is told."""

SERVERS = Servers(
    broker="rabbitmq:5672", redis="redis:6379", databases={service: f"{service}-db:3306" for service in DATABASES}
)
"""Services of Kubernetes, wherever the servers are."""

PART = {"app.kubernetes.io/part-of": "momo"}
ROLE = "app.kubernetes.io/component"
SERVICE = "momo/service"

_GATEWAY = {"requests": {"cpu": "250m", "memory": "160Mi"}, "limits": {"memory": "512Mi"}}
_WORKER = {"requests": {"cpu": "250m", "memory": "112Mi"}, "limits": {"memory": "256Mi"}}
_LITTLE = {"requests": {"cpu": "50m", "memory": "112Mi"}, "limits": {"memory": "256Mi"}}
RESOURCES: dict[Role, dict[str, Any]] = {
    "gateway": _GATEWAY,
    "worker": _WORKER,
    "relay": _LITTLE,
    "console": _LITTLE,
    "release": _LITTLE,
}
"""More than was seen (README's figures). There is no limit on CPU: who lags may use what nobody else needs."""


def name(text: str) -> str:
    """`text` as Kubernetes takes names: `momo_user` is `momo-user`."""
    return text.replace("_", "-")


def labels(process: Process) -> dict[str, str]:
    """All labels of its objects. Its name alone is in selectors, which can't be changed later."""
    return {**selector(process), **PART, ROLE: process.role, SERVICE: process.service}


def selector(process: Process) -> dict[str, str]:
    return {"app.kubernetes.io/name": process.name}


def deployment(process: Process, *, replicas: int | None) -> dict[str, Any]:
    """`replicas` is None where an autoscaler decides: what is applied again must not set it back."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": process.name, "labels": labels(process)},
        "spec": ({} if replicas is None else {"replicas": replicas})
        | {
            "selector": {"matchLabels": selector(process)},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": labels(process)},
                "spec": {**_pod(process), "containers": [_container(process) | _probes(process)]},
            },
        },
    }


def job(process: Process) -> dict[str, Any]:
    """What is done once a release. It may be done again; only what is missing changes."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": process.name, "labels": labels(process)},
        "spec": {
            "backoffLimit": 3,
            "template": {
                "metadata": {"labels": labels(process)},
                "spec": {**_pod(process), "restartPolicy": "Never", "containers": [_container(process)]},
            },
        },
    }


def _pod(process: Process) -> dict[str, Any]:
    spread = {
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(process)},
    }
    return {
        "serviceAccountName": name(process.user),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {"topologyKey": f"{key}", **spread} for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "volumes": [
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
            {
                "name": "secrets",
                "projected": {
                    "sources": [
                        {"secret": {"name": name(file), "items": [{"key": file, "path": file}]}}
                        for file in process.secrets.values()
                    ]
                },
            },
        ],
    }


def _container(process: Process) -> dict[str, Any]:
    told = process.addresses(SERVERS) | process.secret_files
    return {
        "name": "momo",
        "image": process.image,
        "args": list(process.words),
        "envFrom": [{"configMapRef": {"name": SETTINGS_MAP}}],
        "env": [{"name": variable, "value": value} for variable, value in told.items()],
        "resources": RESOURCES[process.role],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            {"name": "secrets", "mountPath": SECRETS, "readOnly": True},
        ],
    }


def _probes(process: Process) -> dict[str, Any]:
    """Liveness asks nothing but the process itself: to restart it does not bring a database back. A stopping gateway
    answers on while balancers hear of it (MOMO_DRAIN_SECONDS), so there is no preStop."""
    alive = {"httpGet": {"path": "/health/live", "port": "http"}}
    return {
        "ports": [{"name": "http", "containerPort": process.port}],
        "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": 60},
        "livenessProbe": {**alive, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "readinessProbe": {
            "httpGet": {"path": "/health/ready", "port": "http"},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
    }
