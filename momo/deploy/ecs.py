"""A process as ECS runs it on Fargate: task definition, service, and what decides how many there are."""

from __future__ import annotations

from typing import Any

from momo.deploy.balancer import Resources, target_group
from momo.deploy.collector import LABEL, NAMESPACE, container
from momo.deploy.keda import AGE, AGE_SECONDS
from momo.deploy.pods import USER_ID
from momo.deploy.processes import SETTINGS, STOP_SECONDS, Process, Role, Servers
from momo.routing.rules import RULES
from momo.routing.upstreams import PORT
from momo.settings import DATABASES

SERVERS = Servers(
    broker_scheme="amqps",  # Amazon MQ takes no other
    broker="${Broker}",
    redis="${Redis}",
    databases={service: f"${{{service.capitalize()}Database}}" for service in DATABASES},
)
"""By the parameters of the stack."""

SIZES: dict[Role, tuple[str, str]] = {
    "gateway": ("512", "1024"),
    "worker": ("512", "1024"),
    "relay": ("256", "1024"),
    "console": ("256", "512"),
    "release": ("256", "512"),
}
"""CPU units and MiB: the least memory that Fargate sells with the CPU. A relay has the collector beside it."""

ENDS = frozenset({"release", "console"})
"""What is run by hand, and has no service."""
BUSY_PERCENT = 70
_CALM = {"ScaleOutCooldown": 30, "ScaleInCooldown": 120}


def logical(name: str) -> str:
    """The logical name of what is called `name`: `user-worker` is `UserWorker`."""
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def version_of(process: Process) -> str:
    """The parameter that says which version of its image runs: jobs go ahead of services."""
    return f"{'Operator' if process.role in ENDS else process.service.capitalize()}Version"


def resources(process: Process) -> Resources:
    """All of a process; of one that is run by hand, the task definition alone."""
    made: Resources = {f"{logical(process.name)}Task": _task(process)}
    if process.role not in ENDS:
        made[logical(process.name)] = _service(process)
    if process.role in {"gateway", "worker"}:
        made |= _scaling(process)
    return made


def _task(process: Process) -> dict[str, Any]:
    log = {
        "LogDriver": "awslogs",
        "Options": {
            "awslogs-group": {"Ref": "Logs"},
            "awslogs-region": {"Ref": "AWS::Region"},
            "awslogs-stream-prefix": process.name,
        },
    }
    containers = [_container(process, log)]
    if process.role == "relay":
        containers.append(container(process.service, log))
    cpu, memory = SIZES[process.role]
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": {"Fn::Sub": f"${{AWS::StackName}}-{process.name}"},
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": cpu,
            "Memory": memory,
            "ExecutionRoleArn": {"Fn::GetAtt": [f"{logical(process.user)}Role", "Arn"]},
            **({"TaskRoleArn": {"Fn::GetAtt": ["RelayRole", "Arn"]}} if process.role == "relay" else {}),
            "ContainerDefinitions": containers,
        },
    }


def _container(process: Process, log: dict[str, Any]) -> dict[str, Any]:
    told = SETTINGS | {name: {"Fn::Sub": url} for name, url in process.addresses(SERVERS).items()}
    lives = {"Command": ["CMD", "python", "-m", "momo.health"], "Interval": 10, "Timeout": 5, "StartPeriod": 20}
    return {
        "Name": "momo",
        "Image": {"Fn::Sub": f"${{Registry}}/{process.image}:${{{version_of(process)}}}"},
        "Command": list(process.words),
        "Environment": [{"Name": name, "Value": value} for name, value in told.items()],
        "Secrets": [{"Name": name, "ValueFrom": parameter(file)} for name, file in process.secrets.items()],
        "User": str(USER_ID),
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"Capabilities": {"Drop": ["ALL"]}, "InitProcessEnabled": False},
        "StopTimeout": STOP_SECONDS,
        **({} if process.role == "release" else {"HealthCheck": lives}),
        **({"PortMappings": [_PORT]} if process.port == PORT else {}),
        "LogConfiguration": log,
    }


def parameter(file: str) -> dict[str, Any]:
    """The ARN of the SecureString in SSM's parameter store that holds a secret."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter${{Secrets}}/{file}"}


def _service(process: Process) -> dict[str, Any]:
    serves = process.role == "gateway"
    group = "GatewayGroup" if serves else "WorkerGroup"
    return {
        "Type": "AWS::ECS::Service",
        "Condition": "Running",
        **({"DependsOn": [f"{rule.name.capitalize()}Rule" for rule in _rules(process)]} if serves else {}),
        "Properties": {
            "Cluster": {"Ref": "Cluster"},
            "TaskDefinition": {"Ref": f"{logical(process.name)}Task"},
            "LaunchType": "FARGATE",
            # of others the autoscaler decides, and an update of the stack must not set it back
            **({"DesiredCount": {"Ref": "Copies"}} if process.role == "relay" else {}),
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            },
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": {"Ref": "PrivateSubnets"},
                    "SecurityGroups": [{"Ref": group}],
                    "AssignPublicIp": "DISABLED",
                }
            },
            "PropagateTags": "SERVICE",
            **(_balanced(process) if serves else {}),
        },
    }


def _balanced(process: Process) -> dict[str, Any]:
    """In every target group of its paths; the user service is found by the others under the name that they are told."""
    connected: dict[str, Any] = {"Enabled": True, "Namespace": {"Fn::GetAtt": ["Names", "Arn"]}}
    if process.service == "user":
        alias = {"DnsName": process.name, "Port": PORT}
        connected["Services"] = [{"PortName": _PORT["Name"], "ClientAliases": [alias]}]
    return {
        "HealthCheckGracePeriodSeconds": 60,
        "LoadBalancers": [
            {"TargetGroupArn": {"Ref": target_group(rule.name)}, "ContainerName": "momo", "ContainerPort": PORT}
            for rule in _rules(process)
        ],
        "ServiceConnectConfiguration": connected,
    }


def _rules(process: Process) -> list[Any]:
    return [rule for rule in RULES if process.service in rule.services]


def _scaling(process: Process) -> Resources:
    """Gateways follow the CPU, workers the age of their service's oldest message."""
    name = logical(process.name)
    if process.role == "gateway":
        cpu = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
        target = {"PredefinedMetricSpecification": cpu, "TargetValue": BUSY_PERCENT}
    else:
        age = {
            "Namespace": NAMESPACE,
            "MetricName": AGE,
            "Dimensions": [{"Name": LABEL, "Value": process.service}],
            "Statistic": "Maximum",
            "Unit": "None",
        }
        target = {"CustomizedMetricSpecification": age, "TargetValue": AGE_SECONDS}
    return {
        f"{name}Count": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Condition": "Running",
            "Properties": {
                "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": {"Fn::Sub": f"service/${{Cluster}}/${{{name}.Name}}"},
                "MinCapacity": {"Ref": "Copies"},
                "MaxCapacity": {"Ref": "Most"},
            },
        },
        f"{name}Scaling": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Condition": "Running",
            "Properties": {
                "PolicyName": process.name,
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": f"{name}Count"},
                "TargetTrackingScalingPolicyConfiguration": {**target, **_CALM},
            },
        },
    }


_PORT = {"Name": "http", "ContainerPort": PORT, "AppProtocol": "http"}
