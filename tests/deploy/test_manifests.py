"""The manifests are valid, agree with the code and with each other, and give a process no more than it needs."""

from __future__ import annotations

from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from momo import settings as configuration
from momo.deploy.keda import AGE_SECONDS
from momo.grants import accesses
from momo.routing.rules import KEPT, RULES
from momo.settings import DATABASES, SERVICES
from tests.deploy.built import (
    EXAMPLE,
    VARIABLES,
    kustomization,
    manifests,
    of_kind,
    parsed,
    pods,
    settings,
)
from workers import chosen

EXTENSIONS = {"ScaledObject", "PodMonitor"}
"""Kinds that Kubernetes itself does not know."""
PODS = dict(pods())


def container(name: str) -> dict[str, Any]:
    [found] = PODS[name]["spec"]["containers"]
    return dict(found)


def told(name: str) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(name)["env"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_manifest_is_what_the_newest_kubernetes_takes() -> None:
    version = kubernetes_validate.latest_version()
    for manifest in manifests():
        if manifest["kind"] not in EXTENSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)
    wrong = {**of_kind("Deployment")[0], "metadata": {"nmae": "x"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_nothing_is_there_twice() -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests()]
    assert len(names) == len(set(names))


def test_every_service_has_its_processes() -> None:
    assert {f"{service}-service" for service in SERVICES} <= PODS.keys()
    assert {f"{service}-{role}" for service in DATABASES for role in ("worker", "relay")} <= PODS.keys()
    assert {manifest["metadata"]["name"] for manifest in of_kind("Job")} == {"migrate", "topology"}


def test_a_pod_runs_a_command_that_there_is() -> None:
    for name in PODS:
        words = container(name)["args"]
        parameters = parsed(words).params
        if words[0] == "work":
            services, _ = chosen(parameters["names"])
            assert container(name)["image"] == f"momo-{services[0]}-service"
        if words[0] in {"serve", "relay"}:
            assert set(parameters["services"]) <= {*SERVICES, "console"}
        assert "command" not in container(name), "the image's entrypoint is momo"


def test_a_pod_is_told_only_what_the_settings_read_and_all_of_it_is_right() -> None:
    for name in PODS:
        both = settings() | told(name)
        assert both.keys() <= VARIABLES
        assert not settings().keys() & told(name).keys()
        configuration.load({key: value for key, value in both.items() if not key.endswith("_FILE")})


def test_a_pod_logs_in_as_one_user_to_no_more_databases_than_that_user_may() -> None:
    for name in PODS:
        spec = PODS[name]["spec"]
        access = {access.user.replace("_", "-"): access for access in accesses()}[spec["serviceAccountName"]]
        urls = {key: value for key, value in told(name).items() if key.endswith("_URL")}
        assert all(f"//{access.user}@" in url for url in urls.values())
        databases = {
            key.removeprefix("MOMO_").removesuffix("_DB_URL").lower() for key in urls if key.endswith("_DB_URL")
        }
        assert databases == set(access.services)
        assert told(name)["MOMO_PASSWORD_FILE"].endswith(f"/{access.user}")


def test_a_secret_is_mounted_where_its_variable_says_and_the_example_makes_it() -> None:
    for name in PODS:
        made = {
            (secret["name"], file.rpartition("/")[2])
            for secret in kustomization(EXAMPLE)["secretGenerator"]
            for file in secret["files"]
        }
        [mount] = [mount for mount in container(name)["volumeMounts"] if mount["name"] == "secrets"]
        [volume] = [volume for volume in PODS[name]["spec"]["volumes"] if volume["name"] == "secrets"]
        sources = [source["secret"] for source in volume["projected"]["sources"]]
        assert {(source["name"], item["key"]) for source in sources for item in source["items"]} <= made
        paths = {f"{mount['mountPath']}/{item['path']}" for source in sources for item in source["items"]}
        assert paths == {value for key, value in told(name).items() if key.endswith("_FILE")}


def test_only_gateways_and_the_console_know_what_signs_tokens_and_only_who_pays_tosses_key() -> None:
    roles = {name: template["metadata"]["labels"]["app.kubernetes.io/component"] for name, template in PODS.items()}
    signs = {name for name in PODS if "MOMO_TOKEN_SECRET_FILE" in told(name)}
    assert signs == {name for name, role in roles.items() if role in {"gateway", "console"}}
    pays = {name for name in PODS if "MOMO_TOSS_SECRET_KEY_FILE" in told(name)}
    assert pays
    assert all(PODS[name]["spec"]["serviceAccountName"] == "momo-payment" for name in pays)
    assert {roles[name] for name in pays} == {"worker"}


def test_probes_ask_the_port_and_paths_that_the_process_answers() -> None:
    for name in [manifest["metadata"]["name"] for manifest in of_kind("Deployment")]:
        found = container(name)
        [port] = found["ports"]
        serves = found["args"][0] == "serve"
        assert str(port["containerPort"]) == settings()["MOMO_PORT" if serves else "MOMO_METRICS_PORT"]
        probes = {kind: found[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
        assert {get["port"] for get in probes.values()} == {port["name"]}
        assert {kind: get["path"] for kind, get in probes.items()} == {
            "startup": "/health/live",
            "liveness": "/health/live",
            "readiness": "/health/ready",
        }


def test_a_pod_has_longer_to_stop_than_its_process_takes() -> None:
    for name in PODS:
        loaded = configuration.load(settings())
        assert loaded.drain_seconds <= loaded.grace_seconds / 2
        assert PODS[name]["spec"]["terminationGracePeriodSeconds"] > loaded.grace_seconds + loaded.drain_seconds
        ready = container(name).get("readinessProbe")
        if ready:  # out of the balancer before the gateway closes its door
            assert ready["periodSeconds"] * ready["failureThreshold"] < loaded.drain_seconds


def test_a_pod_may_nothing() -> None:
    for name in PODS:
        spec, own = PODS[name]["spec"], container(name)["securityContext"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10_001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container(name)["resources"]["limits"]["memory"]


def test_what_a_manifest_names_is_there() -> None:
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests()}
    for template in PODS.values():
        assert ("ServiceAccount", template["spec"]["serviceAccountName"]) in names
    for scaler in of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        assert ("Deployment", scaler["spec"]["scaleTargetRef"]["name"]) in names
    labels = [template["metadata"]["labels"] for template in PODS.values()]
    selectors = [m["spec"]["selector"] for m in of_kind("Service") if "selector" in m["spec"]]
    selectors += [m["spec"]["selector"]["matchLabels"] for m in of_kind("PodDisruptionBudget", "PodMonitor")]
    selectors += [m["spec"]["podSelector"]["matchLabels"] for m in of_kind("NetworkPolicy")]
    for selector in selectors:
        assert any(selector.items() <= found.items() for found in labels), selector


def test_the_servers_that_pods_ask_for_have_names_in_the_example() -> None:
    asked = {url.rpartition("@")[2].partition(":")[0] for name in PODS for url in told(name).values() if "@" in url}
    given = {m["metadata"]["name"] for m in of_kind("Service") if m["spec"].get("type") == "ExternalName"}
    assert asked == given


def test_what_has_copies_loses_one_at_a_time() -> None:
    budgets = {manifest["metadata"]["name"] for manifest in of_kind("PodDisruptionBudget")}
    several = {m["metadata"]["name"] for m in of_kind("Deployment") if m["spec"].get("replicas", 0) > 1}
    scaled = {m["metadata"]["name"] for m in of_kind("HorizontalPodAutoscaler")}
    assert budgets == several | scaled
    assert {f"{service}-{role}" for service in DATABASES for role in ("worker", "relay")} == several


def test_an_autoscaler_decides_alone() -> None:
    scaled = {m["spec"]["scaleTargetRef"]["name"] for m in of_kind("HorizontalPodAutoscaler", "ScaledObject")}
    assert scaled == {m["metadata"]["name"] for m in of_kind("Deployment") if "replicas" not in m["spec"]}


def test_the_way_in_is_the_table_of_routes() -> None:
    [ingress] = of_kind("Ingress")
    [rule] = ingress["spec"]["rules"]
    paths = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert paths == {rule.path: f"{rule.name}-service" for rule in RULES}
    assert not paths.keys() & KEPT.keys()
    services = {m["metadata"]["name"]: m["spec"] for m in of_kind("Service")}
    for name in paths.values():
        assert [port["name"] for port in services[name]["ports"]] == ["http"]
    assert services["commands-service"]["selector"]["app.kubernetes.io/component"] == "gateway"


def test_where_the_user_service_is_asked_is_its_service() -> None:
    assert settings()["MOMO_USER_URL"] == f"http://user-service:{settings()['MOMO_PORT']}"


def test_the_network_lets_in_no_port_but_those_that_processes_answer() -> None:
    policies = of_kind("NetworkPolicy")
    let_in = {port["port"] for m in policies for rule in m["spec"].get("ingress", []) for port in rule["ports"]}
    assert let_in == {int(settings()["MOMO_PORT"]), int(settings()["MOMO_METRICS_PORT"])}
    out = {port["port"] for m in policies for rule in m["spec"].get("egress", []) for port in rule["ports"]}
    servers = {int(url.rpartition("@")[2].partition(":")[2].partition("/")[0]) for name in PODS for url in _urls(name)}
    assert servers <= out


def _urls(name: str) -> list[str]:
    return [value for value in told(name).values() if "@" in value]


def test_processes_are_added_before_commands_are_turned_away() -> None:
    assert configuration.load(settings()).shed_lag_seconds > AGE_SECONDS
