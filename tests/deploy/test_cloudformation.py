"""The CloudFormation template is valid and agrees with the code."""

from __future__ import annotations

from typing import Any

import cfnlint  # type: ignore[import-untyped]
import yaml

from momo import settings as configuration
from momo.lag.metrics import LagCollector
from momo.routing.rules import RULES
from momo.settings import DATABASES, SERVICES
from tests.deploy.built import TEMPLATE, VARIABLES, parsed

FOUND = yaml.safe_load(TEMPLATE.read_text())
RESOURCES: dict[str, dict[str, Any]] = FOUND["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: found["Properties"] for name, found in RESOURCES.items() if found["Type"] == f"AWS::{kind}"}


TASKS = of_type("ECS::TaskDefinition")
MOMO = {name: task["ContainerDefinitions"][0] for name, task in TASKS.items()}


def told(name: str) -> dict[str, Any]:
    return {variable["Name"]: variable["Value"] for variable in MOMO[name]["Environment"]}


def test_the_linter_finds_nothing() -> None:
    config = cfnlint.config.ManualArgs(include_checks=["I"])
    assert [str(match) for match in cfnlint.api.lint(TEMPLATE.read_text(), config=config)] == []
    broken = TEMPLATE.read_text().replace("{Ref: Cluster}", "{Ref: Clutser}", 1)
    assert cfnlint.api.lint(broken)


def test_every_service_has_its_processes_and_jobs_are_run_by_hand() -> None:
    names = {f"{service.capitalize()}Service" for service in SERVICES}
    names |= {f"{service.capitalize()}{role}" for service in DATABASES for role in ("Worker", "Relay")}
    assert of_type("ECS::Service").keys() == names
    assert TASKS.keys() - {f"{name}Task" for name in names} == {"MigrateTask", "TopologyTask", "ConsoleTask"}


def test_a_task_runs_a_command_that_there_is_and_is_told_what_the_settings_read() -> None:
    for name in TASKS:
        parsed(MOMO[name]["Command"])
        secrets = {secret["Name"] for secret in MOMO[name]["Secrets"]}
        assert told(name).keys() | secrets <= VARIABLES
        assert not told(name).keys() & secrets
        configuration.load(
            {key: value["Fn::Sub"] if isinstance(value, dict) else value for key, value in told(name).items()}
        )


def test_a_task_reads_no_secret_that_its_role_may_not_and_its_role_may_no_others_user() -> None:
    for name in TASKS:
        role = RESOURCES[TASKS[name]["ExecutionRoleArn"]["Fn::GetAtt"][0]]["Properties"]
        [policy] = role["Policies"]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert all(secret["ValueFrom"] in statement["Resource"] for secret in MOMO[name]["Secrets"])
        passwords = [arn for arn in statement["Resource"] if "/momo_" in arn["Fn::Sub"]]
        assert len(passwords) == 1


def test_a_task_may_nothing_and_has_longer_to_stop_than_its_process_takes() -> None:
    for name in TASKS:
        found = MOMO[name]
        assert found["ReadonlyRootFilesystem"] is True
        assert found["User"] == "10001"
        assert found["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        grace, drain = float(told(name)["MOMO_GRACE_SECONDS"]), float(told(name)["MOMO_DRAIN_SECONDS"])
        assert grace + drain < found["StopTimeout"] <= 120


def test_gateways_stand_in_the_target_groups_of_their_paths() -> None:
    stands = {
        group["TargetGroupArn"]["Ref"]: set[str]()
        for service in of_type("ECS::Service").values()
        for group in service.get("LoadBalancers", [])
    }
    for name, service in of_type("ECS::Service").items():
        for group in service.get("LoadBalancers", []):
            stands[group["TargetGroupArn"]["Ref"]].add(name)
            assert str(group["ContainerPort"]) == told(f"{name}Task")["MOMO_PORT"]
    rules = of_type("ElasticLoadBalancingV2::ListenerRule").values()
    led = {
        rule["Conditions"][0]["PathPatternConfig"]["Values"][0]: rule["Actions"][0]["TargetGroupArn"]["Ref"]
        for rule in rules
    }
    assert {path: stands[group] for path, group in led.items()} == {
        rule.path: {f"{service.capitalize()}Service" for service in rule.services} for rule in RULES
    }


def test_targets_are_asked_whether_they_are_ready_and_leave_later_than_they_drain() -> None:
    for group in of_type("ElasticLoadBalancingV2::TargetGroup").values():
        assert group["HealthCheckPath"] == "/health/ready"
        assert str(group["Port"]) == told("UserServiceTask")["MOMO_PORT"]
        attributes = {attribute["Key"]: attribute["Value"] for attribute in group["TargetGroupAttributes"]}
        assert int(attributes["deregistration_delay.timeout_seconds"]) > float(
            told("UserServiceTask")["MOMO_DRAIN_SECONDS"]
        )


def test_workers_follow_the_age_that_the_relays_collectors_write() -> None:
    families = {family.name for family in LagCollector().describe()}
    for service in DATABASES:
        policy = RESOURCES[f"{service.capitalize()}WorkerScaling"]["Properties"]
        asked = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
        [_, collector] = TASKS[f"{service.capitalize()}RelayTask"]["ContainerDefinitions"]
        configuration = yaml.safe_load(collector["Environment"][0]["Value"]["Fn::Sub"])
        [scraped] = configuration["receivers"]["prometheus"]["config"]["scrape_configs"]
        [[target]] = [group["targets"] for group in scraped["static_configs"]]
        written = configuration["exporters"]["awsemf"]
        assert target == f"127.0.0.1:{told('UserRelayTask')['MOMO_METRICS_PORT']}"
        assert scraped["static_configs"][0]["labels"] == {d["Name"]: d["Value"] for d in asked["Dimensions"]}
        assert written["namespace"] == asked["Namespace"]["Fn::Sub"]
        assert written["metric_declarations"][0]["metric_name_selectors"] == [asked["MetricName"]]
        assert asked["MetricName"] in families
        assert asked["Statistic"] == "Maximum"


def test_each_service_has_a_version_of_its_own_and_jobs_go_ahead() -> None:
    versions = {name: found["Image"]["Fn::Sub"].rpartition(":")[2] for name, found in MOMO.items()}
    assert versions["MeetingWorkerTask"] == versions["MeetingRelayTask"] == versions["MeetingServiceTask"]
    assert set(versions.values()) == {f"${{{name.capitalize()}Version}}" for name in (*SERVICES, "operator")}
    assert versions["MigrateTask"] == versions["TopologyTask"] == "${OperatorVersion}"
