"""The AsyncAPI document: whole, true to the topology, and readable as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from click.testing import CliRunner

from contracts.base import Message
from contracts.examples import EXAMPLES
from contracts.topology import DELAYS_MS, KEYS, QUEUES, Queue
from momo.asyncapi.document import document
from momo.asyncapi.html import code, element
from momo.asyncapi.messages import DEATH, HEADERS
from momo.asyncapi.page import page
from momo.broker import frames
from momo.broker.envelope import DUE, seal
from momo.broker.failures import death
from momo.broker.identity import fresh_id
from momo.broker.incoming import incoming
from momo.broker.topology import topology
from momo.cli import main

EVERY_EXAMPLE = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
EVERY_QUEUE = pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)


def references(part: Any) -> Iterator[str]:
    """Every `$ref` within `part`."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == "$ref":
            yield value
        yield from references(value)


def resolved(reference: str) -> Any:
    """What a reference means: for operations, a message of their channel leads on to the message itself."""
    found: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found["$ref"]) if set(found) == {"$ref"} else found


def validator(schema: dict[str, Any]) -> Any:
    """Knows the document's components."""
    return jsonschema_rs.validator_for({**schema, "components": document()["components"]}, validate_formats=True)


def test_every_reference_leads_to_something() -> None:
    found = set(references(document()))
    assert len(found) > 100
    assert all(resolved(reference) for reference in found)


def test_what_the_standard_asks_for_is_there() -> None:
    told = document()
    assert told["asyncapi"] == "3.0.0"
    assert all(told["info"][name] for name in ("title", "version"))
    assert all({"host", "protocol"} <= server.keys() for server in told["servers"].values())
    for channel in told["channels"].values():
        assert {"address", "messages", "bindings"} <= channel.keys()
        assert channel["bindings"]["amqp"].keys() <= {"is", "exchange", "queue", "bindingVersion"}
    for operation in told["operations"].values():
        assert operation["action"] in {"send", "receive"}
        (message,) = operation["messages"]
        assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
    for location in told["components"]["correlationIds"].values():
        assert re.fullmatch(r"\$message\.(header|payload)#(/[^/~]+)+", location["location"])
    names = [name for kind in told["components"].values() for name in kind]
    assert all(re.fullmatch(r"[\w.\-]+", name) for name in names)


def test_every_queue_of_the_broker_has_a_channel_with_its_arguments() -> None:
    channels = document()["channels"]
    declared = topology()
    assert {queue.name: queue.arguments for queue in declared.queues} == {
        name: channel["x-arguments"]
        for name, channel in channels.items()
        if channel["bindings"]["amqp"]["is"] == "queue"
    }
    published = {
        (channel["bindings"]["amqp"]["exchange"]["name"], queue, key)
        for key, channel in channels.items()
        for queue in channel.get("x-queues", ())
    }
    bound = {(each.exchange, each.to, each.key) for each in declared.bindings}
    assert published == {(queue.exchange, queue.name, queue.key) for queue in QUEUES} <= bound


@EVERY_QUEUE
def test_a_queue_is_handled_by_its_service_filled_by_somebody_and_says_where_its_dead_go(queue: Queue) -> None:
    told = document()
    handled = [
        name for name, each in told["operations"].items() if each["channel"]["$ref"] == f"#/channels/{queue.name}"
    ]
    assert handled == [f"{queue.service}.receive.{queue.name}"]
    assert [each for each in told["operations"] if each.endswith(f".send.{queue.key}")]
    letters = told["channels"][queue.name]["x-dead-letters"]
    assert letters == {"exchange": queue.dead_letter_exchange, "queue": queue.dead_letter_queue}
    assert told["channels"][queue.dead_letter_queue]["x-origin"] == queue.name


def test_delays_take_any_message() -> None:
    delays = [channel for channel in document()["channels"].values() if "x-delay-ms" in channel]
    assert [each["x-delay-ms"] for each in delays] == list(DELAYS_MS)
    assert all(len(each["messages"]) == len(KEYS) for each in delays)


@EVERY_EXAMPLE
def test_an_example_is_of_its_schema(example: Message) -> None:
    message = document()["components"]["messages"][type(example).__name__]
    (shown,) = message["examples"]
    assert shown["payload"] == msgspec.json.decode(msgspec.json.encode(example))
    payload = validator(message["payload"])
    payload.validate(shown["payload"])
    # that the schema is one that refuses: a message lacks what it must have
    for name in resolved(message["payload"]["$ref"])["required"]:
        assert not payload.is_valid({key: value for key, value in shown["payload"].items() if key != name})


def test_the_headers_are_those_that_are_written() -> None:
    envelope = seal(
        EXAMPLES[0], message_id=fresh_id(), sender="member:1", fingerprint="0" * 32, traceparent="00-a-b-01"
    )
    full = msgspec.structs.replace(envelope, causation_id=fresh_id(), version=2, headers={DUE: "1"})
    written = frames.publish(full, 1, 1_000_000)
    at = written.index(b"\xce") + 1
    length = int.from_bytes(written[at + 3 : at + 7], "big")
    headers = incoming(written[at + 7 : at + 7 + length], b"").headers
    assert headers.keys() == HEADERS["properties"].keys()
    validator(HEADERS).validate(headers)


def test_the_headers_of_dead_letters_are_those_that_are_written() -> None:
    headers = death(QUEUES[0], "failed", ValueError("boom"))
    validator(DEATH).validate(headers)
    assert headers.keys() <= DEATH["properties"].keys()


def test_the_command_prints_the_document() -> None:
    printed = CliRunner().invoke(main, ["contracts", "asyncapi"])
    assert msgspec.json.decode(printed.output) == document()


def test_the_page_has_a_place_for_everything_and_every_link_within_leads_to_one() -> None:
    html = page(document())
    places = re.findall(r' id="([^"]+)"', html)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(places)
    assert {queue.name for queue in QUEUES} | set(KEYS.values()) <= set(places)
    text = unescape(re.sub(r"<[^>]+>", "", html))
    for schema in document()["components"]["schemas"].values():
        assert all(name in text for name in schema.get("properties", ()))
    assert "한강 러닝 🏃" in text


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    html = page(document())
    assert "<script" not in html
    assert " style=" not in html
    assert all(address.startswith(("#", "/console/")) for address in re.findall(r'(?:href|src)="([^"]+)"', html))


def test_text_is_no_markup() -> None:
    assert element("p", ["<b>", element("i", "&")], class_='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert element("p", code("a `<b>` c")) == "<p>a <code>&lt;b&gt;</code> c</p>"
