"""The Application Load Balancer: a target group and a listener rule for each of the seed's paths."""

from __future__ import annotations

from typing import Any

from momo.deploy.processes import DRAIN_SECONDS
from momo.gateway.headers import LONGEST_WAIT_SECONDS
from momo.routing.alb import listener
from momo.routing.rules import RULES
from momo.routing.upstreams import PORT

Resources = dict[str, dict[str, Any]]

LEAVING_SECONDS = LONGEST_WAIT_SECONDS + DRAIN_SECONDS
"""A gateway that leaves is asked nothing new, and is not told to stop before the longest wait can have ended."""


def target_group(name: str) -> str:
    """The logical name of the target group of the rule called `name`."""
    return f"{name.capitalize()}Targets"


def resources() -> Resources:
    """The balancer, its security group, listeners and rules, target groups."""
    found = listener()
    made: Resources = {
        "BalancerGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Who may reach the balancer: everybody",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [_from_anywhere(80), _from_anywhere(443)],
            },
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Subnets": {"Ref": "PublicSubnets"},
                "SecurityGroups": [{"Ref": "BalancerGroup"}],
                "LoadBalancerAttributes": [
                    # shorter than gateways keep idle connections, longer than any command is waited for
                    {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
                    {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
                ],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 443,
                "Protocol": "HTTPS",
                "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "Certificates": [{"CertificateArn": {"Ref": "Certificate"}}],
                "DefaultActions": found["DefaultActions"],
            },
        },
        "PlainListener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [
                    {
                        "Type": "redirect",
                        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
                    }
                ],
            },
        },
    }
    for rule, told in zip(RULES, found["Rules"], strict=True):
        targets = target_group(rule.name)
        made[targets] = _targets()
        made[f"{rule.name.capitalize()}Rule"] = {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": told["Priority"],
                "Conditions": told["Conditions"],
                "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": targets}}],
            },
        }
    return made


def _targets() -> dict[str, Any]:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "TargetType": "ip",
            "VpcId": {"Ref": "Vpc"},
            "Protocol": "HTTP",
            "Port": PORT,
            "HealthCheckPath": "/health/ready",
            "HealthCheckIntervalSeconds": 5,
            "HealthCheckTimeoutSeconds": 2,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
            "TargetGroupAttributes": [
                {"Key": "deregistration_delay.timeout_seconds", "Value": str(LEAVING_SECONDS)},
                {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"},
            ],
        },
    }


def _from_anywhere(port: int) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}
