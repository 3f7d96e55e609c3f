"""The CloudFormation template: a balancer, target groups, and ECS services for gateways, workers and relays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from momo.deploy import balancer, collector, ecs
from momo.deploy.processes import Process, console, gateways, relays, release, workers
from momo.deploy.yaml import document
from momo.routing.upstreams import PORT
from momo.settings import DATABASES, SERVICES

MADE = "# Made by `momo deploy cloudformation` from the topology: instead of editing it, change the code.\n"


def files() -> dict[str, str]:
    """The template's text by its file's name."""
    return {"momo.yml": MADE + document(template())}


def template() -> dict[str, Any]:
    """The servers are not in it: data outlives stacks. It is told where they are."""
    all_of_it = (*gateways(), *workers(), *relays(), console(), *release())
    resources = _ground() | balancer.resources() | _roles(all_of_it)
    for process in all_of_it:
        resources |= ecs.resources(process)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "MOMO: gateways behind a load balancer, workers and relays of five services",
        "Parameters": _parameters(),
        "Conditions": {"Running": {"Fn::Equals": [{"Ref": "Run"}, "true"]}},
        "Resources": resources,
        "Outputs": _outputs(),
    }


def _parameters() -> dict[str, Any]:
    whose = (*(service.capitalize() for service in SERVICES), "Operator")
    return {
        "Vpc": {"Type": "AWS::EC2::VPC::Id"},
        "PublicSubnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Description": "The balancer's"},
        "PrivateSubnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Description": "The tasks', with a way out"},
        "Certificate": _text("ARN of the balancer's certificate"),
        "Registry": _text("What stands before /momo-user-service in the names of the images"),
        **{f"{name}Version": _text("Tag of the image") for name in whose},
        "Broker": _text("host:port of RabbitMQ, with TLS"),
        "Redis": _text("host:port of Redis"),
        **{f"{service.capitalize()}Database": _text("host:port of its MySQL") for service in DATABASES},
        "Secrets": _text("Where they are in SSM's parameter store", "/momo"),
        "Run": {
            **_text("Whether there are services: only after the first migration", "true"),
            "AllowedValues": ["true", "false"],
        },
        "Copies": {"Type": "Number", "Default": 2, "MinValue": 1, "Description": "The fewest of each process"},
        "Most": {"Type": "Number", "Default": 10, "MinValue": 1, "Description": "The most of each process"},
        "CollectorImage": _text("AWS' distribution of OpenTelemetry's collector", collector.IMAGE),
    }


def _text(says: str, usual: str | None = None) -> dict[str, Any]:
    return {"Type": "String", "Description": says} | ({} if usual is None else {"Default": usual})


def _ground() -> balancer.Resources:
    """What the processes share."""
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Names": {
            "Type": "AWS::ServiceDiscovery::HttpNamespace",
            "Properties": {"Name": {"Ref": "AWS::StackName"}},
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"RetentionInDays": 30},
        },
        "GatewayGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Gateways: the balancer reaches them, and they each other",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [_from("BalancerGroup")],
            },
        },
        "GatewaysAmongThemselves": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {"GroupId": {"Ref": "GatewayGroup"}, **_from("GatewayGroup")},
        },
        "WorkerGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Workers, relays and jobs: nobody reaches them",
                "VpcId": {"Ref": "Vpc"},
            },
        },
    }


def _from(group: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "SourceSecurityGroupId": {"Ref": group}}


def _roles(processes: Iterable[Process]) -> balancer.Resources:
    """Who reads which secrets: for each user of the servers a role that is given its own and no others."""
    read: dict[str, set[str]] = {}
    for process in processes:
        read.setdefault(process.user, set()).update(process.secrets.values())
    starts = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"}
    roles = {
        f"{ecs.logical(user)}Role": _role(
            [
                {
                    "Effect": "Allow",
                    "Action": ["ssm:GetParameters"],
                    "Resource": [ecs.parameter(file) for file in sorted(files)],
                }
            ],
            starts,
        )
        for user, files in read.items()
    }
    return roles | {"RelayRole": _role(collector.statements())}


def _role(statements: list[dict[str, Any]], *managed: dict[str, Any]) -> dict[str, Any]:
    task = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [task]},
            **({"ManagedPolicyArns": list(managed)} if managed else {}),
            "Policies": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        },
    }


def _outputs() -> dict[str, Any]:
    told: dict[str, tuple[str, Any]] = {
        "Address": ("The balancer's name", {"Fn::GetAtt": ["Balancer", "DNSName"]}),
        "GatewayGroup": ("Whom the servers must let in, and", {"Ref": "GatewayGroup"}),
        "WorkerGroup": ("these too", {"Ref": "WorkerGroup"}),
        "Cluster": ("Where jobs are run", {"Ref": "Cluster"}),
        **{
            f"{ecs.logical(process.name)}Task": (
                f"momo {' '.join(process.words)}",
                {"Ref": f"{ecs.logical(process.name)}Task"},
            )
            for process in (console(), *release())
        },
    }
    return {name: {"Description": says, "Value": value} for name, (says, value) in told.items()}
