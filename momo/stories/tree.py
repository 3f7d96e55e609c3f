"""The tree of a story: which message was sent by the handling of which, and which of them nobody has handled yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from contracts.topology import QUEUES, Queue
from momo.broker.identity import derived_id, id_of_text
from momo.stories.records import Record

_BY_NAME = {queue.name: queue for queue in QUEUES}
_ORDER = {name: place for place, name in enumerate(_BY_NAME)}


class Node(msgspec.Struct, kw_only=True, eq=False):
    """A message in a queue: the tries at it, the earliest first, none where it is not handled yet. `timer` is the key
    of the one that sends it, and `fired` when that was due and when it did."""

    message_id: bytes
    queue: str
    tries: list[Record]
    parent: Node | None = None
    timer: str = ""
    fired: tuple[datetime, datetime] | None = None
    children: list[Node] = []

    @property
    def declared(self) -> Queue | None:
        """The queue in the topology, None where it is there no longer."""
        return _BY_NAME.get(self.queue)

    @property
    def sender(self) -> str:
        """Who sent it: a member, a service, or nobody who is known."""
        if self.tries:
            return self.tries[0].sender
        return self.parent.declared.service if self.parent and self.parent.declared else ""

    @property
    def since(self) -> datetime | None:
        """Since when it waits for what comes next: the end of the last try, or when it was sent."""
        if self.tries:
            return self.tries[-1].ended_at
        if self.fired:
            return self.fired[1]
        return self.parent.tries[-1].ended_at if self.parent and self.parent.tries else None

    @property
    def began(self) -> datetime | None:
        """The first moment of it that is known."""
        if self.tries:
            return min(self.tries[0].published_at or self.tries[0].taken_at, self.tries[0].taken_at)
        if self.fired:
            return self.fired[1]
        return self.parent.began if self.parent else None


def grown(records: Iterable[Record]) -> list[Node]:
    """The roots of the tree that `records` make, the earliest first."""
    nodes, fired = _nodes(records)
    for node in list(nodes.values()):
        for message_id, key, timer in _sent(node):
            for queue in QUEUES:
                if queue.key == key:
                    child = nodes.setdefault((message_id, queue.name), _unhandled(message_id, queue.name))
                    child.parent, child.timer, child.fired = node, timer, fired.get(message_id)
    by_id = {node.message_id: node for node in nodes.values()}
    for node in nodes.values():
        if node.parent is None and node.tries and (cause := _cause(node.tries[0])) is not None:
            node.parent = by_id.get(cause)
    roots = []
    for node in nodes.values():
        if node.parent is None or _circular(node):
            node.parent = None
            roots.append(node)
        else:
            node.parent.children.append(node)
    return sorted(roots, key=_place)


def walked(roots: Sequence[Node], depth: int = 0) -> Iterator[tuple[Node, int]]:
    """Each node with its depth: parents before their children, the earliest first."""
    ahead = [(node, depth) for node in reversed(roots)]
    while ahead:
        node, depth = ahead.pop()
        yield node, depth
        ahead += [(child, depth + 1) for child in sorted(node.children, key=_place, reverse=True)]


def _nodes(
    records: Iterable[Record],
) -> tuple[dict[tuple[bytes, str], Node], dict[bytes, tuple[datetime, datetime]]]:
    nodes: dict[tuple[bytes, str], Node] = {}
    fired = {}
    for record in sorted(records, key=lambda record: (record.taken_at, record.ended_at)):
        if record.state == "fired":
            fired[record.message_id] = record.taken_at, record.ended_at
            continue
        node = nodes.setdefault((record.message_id, record.queue), _unhandled(record.message_id, record.queue))
        last = node.tries[-1] if node.tries else None
        if last is not None and last.taken_at == record.taken_at and last.state == record.state == "dead":
            # one try of which both tables tell: the inbox when it was committed, the attempts why
            node.tries[-1] = replace(last, ended_at=record.ended_at, detail=last.detail or record.detail)
        else:
            node.tries.append(record)
    return nodes, fired


def _unhandled(message_id: bytes, queue: str) -> Node:
    return Node(message_id=message_id, queue=queue, tries=[])


def _sent(node: Node) -> Iterator[tuple[bytes, str, str]]:
    """Id, routing key and timer's key of each message that the last try has sent, or will by a timer."""
    if not node.tries:
        return
    sent = node.tries[-1].sent
    for number, key in enumerate(sent.messages):
        yield _child(node, str(number)), key, ""
    for timer, key in sent.timers.items():
        yield _child(node, timer), key, timer


def _child(node: Node, name: str) -> bytes:
    return id_of_text(derived_id(node.message_id, f"{node.queue}/{name}"))


def _cause(record: Record) -> bytes | None:
    try:
        return id_of_text(record.causation_id)
    except ValueError:
        return None


def _circular(node: Node) -> bool:
    """Whether it is among its own ancestors: what others' messages say of their cause need not be so."""
    seen = {id(node)}
    above = node.parent
    while above is not None and id(above) not in seen:
        seen.add(id(above))
        above = above.parent
    return above is not None


def _place(node: Node) -> tuple[bool, float, bytes, int]:
    """Timers that have sent nothing yet come last, and an event's first subscriber first."""
    ahead = bool(node.timer) and not node.tries
    return ahead, node.began.timestamp() if node.began else 0.0, node.message_id, _ORDER.get(node.queue, 0)
