"""What `momo routes` prints, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from momo.cli import main
from momo.routing.rules import RULES
from momo.settings import SERVICES


def routes(*words: str) -> Result:
    return CliRunner().invoke(main, ["routes", *words])


def test_table_tells_where_each_path_goes_and_what_goes_nowhere() -> None:
    lines = routes("--upstream", "meeting=10.0.0.1:80").output.splitlines()
    assert ["/api/v2/meetings[/*]", "momo-meeting", "10.0.0.1:80"] in [line.split() for line in lines]
    assert ["/api/v2/payments[/*]", "momo-payment", "payment-service:8080"] in [line.split() for line in lines]
    assert any(line.startswith("/internal[/*]") and "not passed on" in line for line in lines)


def test_table_is_data_too() -> None:
    found = json.loads(routes("--json", "--upstream", "user=a:1,b:2", "--upstream", "user=[::1]:3").output)
    assert found["rules"][0] == {
        "path": "/api/v2/users",
        "target": "momo-user",
        "services": ["user"],
        "upstreams": ["a:1", "b:2", "[::1]:3"],
    }
    assert {"path", "reason"} == found["kept"][0].keys()


def test_listener_rules_are_what_aws_takes(tmp_path: Path) -> None:
    found = json.loads(routes("--format", "aws-alb").output)
    assert [rule["Actions"][0]["TargetGroupArn"] for rule in found["Rules"]] == [
        *(f"momo-{service}" for service in SERVICES),
        "momo-commands",
    ]
    assert len({rule["Priority"] for rule in found["Rules"]}) == len(RULES)
    assert all(len(rule["Conditions"][0]["PathPatternConfig"]["Values"]) <= 5 for rule in found["Rules"])
    wrong = {"Priority": 99, "Conditions": [{"Field": "path-pattern", "Values": "/api/*"}], "Actions": []}
    checked = template([*found["Rules"], wrong])
    assert {error["Location"]["Path"][1] for error in errors(tmp_path / "rules.json", checked)} == {"Rule99"}


def errors(file: Path, template: dict[str, Any]) -> list[dict[str, Any]]:
    """What CloudFormation's linter finds wrong; it knows what the load balancer takes."""
    file.write_text(json.dumps(template))
    program = Path(sys.executable).with_name("cfn-lint")
    words = [str(program), "--format", "json", "--ignore-checks", "I", "W", "--template", str(file)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not ran.stderr, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def template(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The rules as CloudFormation has them."""
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/momo/0123456789abcdef/0123456789abcdef"
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            f"Rule{rule['Priority']}": {
                "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
                "Properties": {"ListenerArn": arn, **rule},
            }
            for rule in rules
        },
    }


def test_a_name_server_is_asked_again_for_the_addresses() -> None:
    text = routes("--format", "nginx", "--resolver", "127.0.0.11").output
    assert "resolver 127.0.0.11 valid=5s;" in text
    assert text.count(" resolve;") == len(SERVICES) * 2
    assert "resolve" not in routes("--format", "nginx").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--upstream", "meetings=a:1"), "'meetings=a:1' names no service"),
        (("--upstream", "meeting=a"), "'a' is no address: give host:port"),
        (("--upstream", "meeting=a:99999"), "'a:99999' is no address"),
        (("--upstream", "meeting=a:1; }"), "'a:1; }' is no address"),
        (("--upstream", "meeting"), "'' is no address"),
        (("--listen", "eighty"), "nginx can't listen on 'eighty'"),
        (("--resolver", "8.8.8.8; }"), "'8.8.8.8; }' is no name server's address"),
        (("--format", "nginx", "--json"), "--json is for the table"),
    ],
)
def test_bad_words_are_refused_in_one_line(words: tuple[str, ...], said: str) -> None:
    result = routes(*words)
    assert result.exit_code == 2
    assert result.output.startswith(f"momo: {said}")
    assert result.output.count("\n") == 1
