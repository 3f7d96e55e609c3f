"""The table as listener rules of an Application Load Balancer."""

from __future__ import annotations

from typing import Any

import msgspec

from momo.gateway.problems import NOWHERE, on_the_wire
from momo.routing.rules import RULES

APART = 10
"""Between two priorities, so that a rule of somebody's own fits in."""


def listener() -> dict[str, Any]:
    """`Rules`: what `aws elbv2 create-rule` takes besides the listener, with a target group's name (`momo-meeting`)
    where its ARN belongs. `DefaultActions`: what `aws elbv2 modify-listener` takes, for all other addresses."""
    return {"DefaultActions": [_nowhere()], "Rules": rules()}


def rules() -> list[dict[str, Any]]:
    """One for each rule of the table, none with more than the five condition values that are allowed."""
    return [
        {
            "Priority": number * APART,
            "Conditions": [
                {"Field": "path-pattern", "PathPatternConfig": {"Values": [rule.path, f"{rule.path}/*"]}},
            ],
            "Actions": [{"Type": "forward", "TargetGroupArn": rule.target}],
        }
        for number, rule in enumerate(RULES, 1)
    ]


def _nowhere() -> dict[str, Any]:
    answer = {
        "StatusCode": str(NOWHERE.status),
        # problem+json is not among the types that a fixed response may have
        "ContentType": "application/json",
        "MessageBody": msgspec.json.encode(on_the_wire(NOWHERE)).decode(),
    }
    return {"Type": "fixed-response", "FixedResponseConfig": answer}
