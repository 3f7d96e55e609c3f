"""The AsyncAPI 3.0 document, derived from the topology and the contracts."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from momo.asyncapi.channels import channels, operations
from momo.asyncapi.messages import CORRELATION, messages, schemas


@cache
def document() -> dict[str, Any]:
    """The whole document, as JSON. Nothing may change it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MOMO",
            "version": version("momo"),
            "description": "A key in the imperative is a command with one owner, a past participle is an event that any"
            " service may subscribe to. Messages are persistent, published mandatory and with confirms, and handled"
            " exactly once by their message id (a UUID), or where they have none by their business key.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "rabbitmq": {
                "host": "{address}",
                "protocol": "amqp",
                "protocolVersion": "0-9-1",
                "description": "RabbitMQ, at least 3.10.",
                "variables": {"address": {"default": "127.0.0.1:5672", "description": "As in MOMO_AMQP_URL."}},
            }
        },
        "channels": channels(),
        "operations": operations(),
        "components": {
            "messages": messages(),
            "schemas": schemas(),
            "correlationIds": {"correlation": CORRELATION},
        },
    }
