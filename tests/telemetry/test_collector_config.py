"""The collector's configuration: what its pipelines name is there, and what is there is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parents[2] / "compose" / "otel-collector.yml"
PARTS = ("receivers", "processors", "exporters")


@pytest.fixture(scope="module")
def config() -> Any:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("part", PARTS)
def test_pipelines_use_all_that_is_configured_and_nothing_else(config: Any, part: str) -> None:
    used = {name for pipeline in config["service"]["pipelines"].values() for name in pipeline[part]}
    assert used == set(config[part])


def test_extensions_that_run_are_those_configured(config: Any) -> None:
    assert set(config["service"]["extensions"]) == set(config["extensions"])


def test_spans_come_by_grpc_and_http_where_processes_send_them(config: Any) -> None:
    protocols = config["receivers"]["otlp"]["protocols"]
    assert {name: one["endpoint"].rpartition(":")[2] for name, one in protocols.items()} == {
        "grpc": "4317",
        "http": "4318",
    }
    assert "otlp/jaeger" in config["service"]["pipelines"]["traces"]["exporters"]


def test_rabbitmq_is_asked_at_its_management_api_with_a_password_from_a_file(config: Any) -> None:
    receiver = config["receivers"]["rabbitmq"]
    assert receiver["endpoint"] == "http://rabbitmq:15672"
    assert receiver["username"] == "${env:RABBITMQ_MONITOR_USER}"
    assert receiver["password"] == "${file:${env:RABBITMQ_MONITOR_PASSWORD_FILE}}"
    assert config["service"]["pipelines"]["metrics"] == {
        "receivers": ["rabbitmq"],
        "processors": ["memory_limiter", "batch"],
        "exporters": ["prometheus"],
    }
