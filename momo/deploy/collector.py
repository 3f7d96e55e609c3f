"""What tells CloudWatch how far a service lags: a collector beside each relay, which has that among its metrics."""

from __future__ import annotations

from typing import Any

from momo.deploy.keda import AGE
from momo.deploy.processes import METRICS_PORT
from momo.deploy.yaml import document

IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"
NAMESPACE = {"Fn::Sub": "MOMO/${AWS::StackName}"}
LABEL = "service"
"""The dimension. All queues of a service are one series: its maximum is the age of the oldest message of all."""


def container(service: str, log: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": "collector",
        "Image": {"Ref": "CollectorImage"},
        # a relay works without it
        "Essential": False,
        "Environment": [{"Name": "AOT_CONFIG_CONTENT", "Value": {"Fn::Sub": document(_configuration(service))}}],
        "LogConfiguration": log,
    }


def statements() -> list[dict[str, Any]]:
    """What its task may do: write metrics into the log group, where CloudWatch finds them."""
    writes = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [{"Effect": "Allow", "Action": writes, "Resource": {"Fn::GetAtt": ["Logs", "Arn"]}}]


def _configuration(service: str) -> dict[str, Any]:
    scraped = {
        "job_name": "relay",
        "scrape_interval": "15s",
        "static_configs": [{"targets": [f"127.0.0.1:{METRICS_PORT}"], "labels": {LABEL: service}}],
        "metric_relabel_configs": [
            {"source_labels": ["__name__", "kind"], "regex": f"{AGE};work", "action": "keep"},
        ],
    }
    return {
        "receivers": {"prometheus": {"config": {"scrape_configs": [scraped]}}},
        "exporters": {
            "awsemf": {
                "region": "${AWS::Region}",
                "namespace": NAMESPACE["Fn::Sub"],
                "log_group_name": "${Logs}",
                "log_stream_name": f"{service}-lag",
                "dimension_rollup_option": "NoDimensionRollup",
                "metric_declarations": [{"dimensions": [[LABEL]], "metric_name_selectors": [AGE]}],
            }
        },
        "service": {"pipelines": {"metrics": {"receivers": ["prometheus"], "exporters": ["awsemf"]}}},
    }
