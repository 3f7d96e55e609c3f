"""The AsyncAPI document as a page: rendered here, so that it needs no script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from momo.asyncapi.fields import fields
from momo.asyncapi.html import Html, anchor, code, element, separated

Document = Mapping[str, Any]
STYLES = "/console/static/asyncapi.css"


def page(document: Document) -> str:
    """HTML of the whole document. Every routing key, queue, message and schema has an anchor of its name."""
    info, channels = document["info"], document["channels"]
    keys = [name for name, channel in channels.items() if "x-queues" in channel]
    topics = sorted({key.partition(".")[0] for key in keys})
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{info['title']}: messages"),
        element("link", rel="stylesheet", href=STYLES),
    )
    header = element(
        "header",
        element("h1", f"{info['title']} {info['version']}: messages"),
        element("p", code(info["description"])),
        element(
            "p",
            element("a", "Console", href="/console/"),
            " · ",
            element("a", "AsyncAPI 3.0 as JSON", href="/console/asyncapi.json"),
        ),
    )
    main = element(
        "main",
        [_topic(document, topic, [key for key in keys if key.startswith(f"{topic}.")]) for topic in topics],
        _processes(document),
        _schemas(document),
        _delays(channels),
    )
    body = element("body", header, _index(keys, topics), main)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _index(keys: Sequence[str], topics: Sequence[str]) -> Html:
    """All of the page's parts as links."""
    entries = []
    for topic in topics:
        within = [element("li", anchor(key)) for key in keys if key.startswith(f"{topic}.")]
        entries.append(element("li", anchor(topic), element("ul", within)))
    entries.append(element("li", anchor("processes")))
    entries.append(element("li", anchor("schemas", "schemas and headers")))
    entries.append(element("li", anchor("delays")))
    return element("nav", element("ul", entries))


def _processes(document: Document) -> Html:
    """Who sends and who handles what."""
    acts = document["operations"].values()
    rows = [
        element("tr", element("th", who), [element("td", _acts(acts, action, who)) for action in ("send", "receive")])
        for who in sorted({_who(each) for each in acts})
    ]
    head = element("tr", [element("th", name) for name in ("process", "sends", "handles")])
    table = element("table", element("thead", head), element("tbody", rows))
    return element("section", element("h2", "Processes"), table, id="processes")


def _acts(operations: Any, action: str, who: str) -> list[str]:
    return separated(
        [anchor(_channel(each)) for each in operations if each["action"] == action and _who(each) == who], " "
    )


def _topic(document: Document, topic: str, keys: Sequence[str]) -> Html:
    return element("section", element("h2", topic), [_key(document, key) for key in keys], id=topic)


def _key(document: Document, key: str) -> Html:
    """All about one routing key: its message, who sends it, and the queues that it fills."""
    channel = document["channels"][key]
    (name,) = channel["messages"]
    message = document["components"]["messages"][name]
    sends = [_who(each) for each in document["operations"].values() if _channel(each) == key]
    facts = {
        "Published": f"to {channel['bindings']['amqp']['exchange']['name']} by {', '.join(sends)}",
        "Without an id": f"known by {', '.join(message['x-business-key']) or 'nothing: it may rightly be repeated'}",
        "Version": str(message["x-contract-version"]),
    }
    (example,) = message["examples"]
    return element(
        "article",
        element("h3", key, " ", element("small", f"{name}, {message['tags'][0]['name']}")),
        element("p", code(message["description"])) if message["description"] else "",
        element("dl", [[element("dt", term), element("dd", fact)] for term, fact in facts.items()]),
        [_queue(document, queue) for queue in channel["x-queues"]],
        fields(document["components"]["schemas"][name]),
        element("details", element("summary", "Example"), element("pre", _json(example["payload"]))),
        id=key,
    )


def _queue(document: Document, name: str) -> Html:
    channel = document["channels"][name]
    letters = channel["x-dead-letters"]
    return element(
        "p",
        element("code", name),
        f": {channel['description']} Tried {channel['x-attempts']} times; dead letters go to ",
        element("code", letters["queue"]),
        f" through {letters['exchange']}.",
        id=name,
        class_="queue",
    )


def _schemas(document: Document) -> Html:
    """The schemas that are no message of their own."""
    components = document["components"]
    parts = [
        element(
            "article",
            element("h3", name),
            element("p", code(schema.get("description", ""))),
            fields(schema),
            id=f"schema-{name}",
        )
        for name, schema in components["schemas"].items()
        if name not in components["messages"]
    ]
    return element("section", element("h2", "Schemas and headers"), parts, id="schemas")


def _delays(channels: Document) -> Html:
    items = [
        element("li", element("code", name), f": {channel['description']}", id=name)
        for name, channel in channels.items()
        if "x-delay-ms" in channel
    ]
    return element("section", element("h2", "Delays"), element("ul", items), id="delays")


def _who(operation: Document) -> str:
    return str(operation["tags"][0]["name"])


def _channel(operation: Document) -> str:
    return str(operation["channel"]["$ref"]).rpartition("/")[2]


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
