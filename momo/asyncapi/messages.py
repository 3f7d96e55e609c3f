"""The messages of the AsyncAPI document: payloads from the contracts, and the headers that travel with them."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
from msgspec.structs import fields

from contracts.base import Command, Message
from contracts.examples import EXAMPLES
from contracts.topology import KEYS
from momo.broker.envelope import ATTEMPT, CAUSATION, DUE, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, VERSION
from momo.broker.failures import DIED, ERROR, ORIGIN, REASON
from momo.dlq.letter import EDITED_AT, EDITED_BY

BINDING = "0.3.0"
_REFERENCE = "#/components/schemas/{name}"
_UUID = {"type": "string", "format": "uuid"}

HEADERS: dict[str, Any] = {
    "type": "object",
    "title": "Headers",
    "description": "What MOMO sends with every message. A producer of another kind may leave all of them out.",
    "properties": {
        ATTEMPT: {"type": "integer", "minimum": 1, "description": "Which try to handle it this is."},
        FIRST_PUBLISHED: {
            "type": "integer",
            "description": "When it was first published, in ms since 1970; retries and replays keep it.",
        },
        DUE: {
            "type": "string",
            "pattern": "^[0-9]{1,15}$",
            "description": "When it was due for this attempt, after a delay or replay, in ms since 1970.",
        },
        CAUSATION: {**_UUID, "description": "The message id of the message whose handling sent this one."},
        SENDER: {"type": "string", "description": "`member:<id>`, a service, or another program."},
        FINGERPRINT: {
            "type": "string",
            "pattern": "^[0-9a-fA-F]{32}$",
            "description": "A MAC of the HTTP request: the same key with another request is refused.",
        },
        TRACEPARENT: {"type": "string", "description": "W3C Trace Context."},
        VERSION: {
            "type": "integer",
            "minimum": 1,
            "description": "The contract's version. Absent is 1; an older one is brought up to date before it is read.",
        },
    },
}
DEATH: dict[str, Any] = {
    "type": "object",
    "title": "DeadLetterHeaders",
    "description": "What a dead letter carries besides; one that the broker moved by itself has its `x-death` instead.",
    "properties": {
        REASON: {
            "type": "string",
            "description": "`failed` (its attempts are used up), `malformed`, `invalid`, `unknown-type`, `too-large`,"
            " `old-version` or `newer-version`.",
        },
        ERROR: {"type": "string", "description": "The exception and its text."},
        ORIGIN: {"type": "string", "description": "The queue that it was a message of."},
        DIED: {"type": "string", "format": "date-time"},
        EDITED_BY: {"type": "string", "description": "Who has changed its body since."},
        EDITED_AT: {"type": "string", "format": "date-time"},
    },
}
CORRELATION = {
    "description": "The AMQP property `correlation_id`: the same for all that one request leads to. A message that"
    " begins a story correlates with its own `message_id`.",
    "location": "$message.header#/correlation_id",
}


def schemas() -> dict[str, Any]:
    """Every schema by its name: the contracts', and the headers'."""
    _, components = msgspec.json.schema_components(KEYS, ref_template=_REFERENCE)
    return {**components, "Headers": HEADERS, "DeadLetterHeaders": DEATH}


def messages() -> dict[str, Any]:
    """Message objects by contract name."""
    examples = {type(example): example for example in EXAMPLES}
    return {contract.__name__: _message(contract, key, examples[contract]) for contract, key in KEYS.items()}


def _message(contract: type[Message], key: str, example: Message) -> dict[str, Any]:
    return {
        "name": key,
        "title": contract.__name__,
        # an event may have none: its name says what has happened
        "description": inspect.cleandoc(contract.__doc__ or ""),
        "tags": [{"name": "command" if issubclass(contract, Command) else "event"}],
        "contentType": "application/json",
        "correlationId": {"$ref": "#/components/correlationIds/correlation"},
        "headers": {"$ref": _REFERENCE.format(name="Headers")},
        "payload": {"$ref": _REFERENCE.format(name=contract.__name__)},
        "examples": [{"name": key, "payload": msgspec.json.decode(msgspec.json.encode(example))}],
        "bindings": {"amqp": {"messageType": key, "bindingVersion": BINDING}},
        "x-contract-version": contract.wire_version,
        "x-business-key": [field.encode_name for field in fields(contract) if field.name in contract.business_key],
    }
