"""The check: what of the contracts as they are now a release could not follow, in either direction.

A new consumer reads what older processes have sent and what lies in outboxes, timers and queues; in a rolling deploy
an old consumer is given what new processes send. So within one version of a contract each must read all that the other
writes. A change that breaks this makes the next version: older messages are upcast, newer ones wait for who reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from contracts.topology import QUEUES, Queue
from contracts.upcasts import UPCASTS
from momo.broker.delivery import Undecodable, read
from momo.releases.losses import losses
from momo.releases.refusals import refusals
from momo.releases.release import Contract, Release


class Break(msgspec.Struct, frozen=True):
    """Something that a release can't follow: in which contract or queue, what it is, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} → {self.remedy}"


def breaks(old: Release, new: Release, queues: Sequence[Queue] = QUEUES) -> list[Break]:
    """All that breaks between the release `old` and `new`, which describes `queues`."""
    by_key = {queue.key: queue for queue in queues}
    found = [each for key in old.contracts if key in by_key for each in _contract(old, new, by_key[key])]
    found += [each for name in old.queues for each in _queue(old, new, name)]
    return found + [each for queue in by_key.values() for each in _chain(queue)] + list(_strays(by_key.values()))


def _contract(old: Release, new: Release, queue: Queue) -> Iterator[Break]:
    key = queue.key
    before, after = old.contracts[key], new.contracts[key]
    if before.version == after.version:
        yield from _changed(old, new, key)
    elif before.version > after.version:
        yield Break(
            key,
            f"version {before.version} of {old.version} is newer than {after.version}",
            f"set wire_version of {after.name} to {before.version + 1}",
        )
    else:
        yield from _upcast(old, before, queue)


def _changed(old: Release, new: Release, key: str) -> Iterator[Break]:
    after = new.contracts[key]
    step = f'set wire_version of {after.name} to {after.version + 1} and write the upcast ("{key}", {after.version})'
    ours, theirs = new.schema(key), old.schema(key)
    gone = list(losses(theirs, ours))
    for text in gone:
        yield Break(key, text, f"keep it, or {step}")
    for text in refusals(ours, theirs):
        way = "give it a default" if text.endswith("may be missing") else "take it"
        yield Break(key, f"{text} in what {old.version} sends, which is refused now", f"{way}, or {step}")
    for text in refusals(theirs, ours):
        # whoever hears that a field is gone need not hear that it may be missing
        if not any(each.startswith(f"{text.removesuffix(' may be missing')} is gone") for each in gone):
            yield Break(key, f"{text} in what is sent now, which {old.version} refuses", step)


def _upcast(old: Release, before: Contract, queue: Queue) -> Iterator[Break]:
    """Whether a message of the release can be read now, also one that says no more than it must."""
    required = old.schema(queue.key).resolved().schema.get("required", ())
    for example in (before.example, {name: before.example[name] for name in required}):
        try:
            read(queue, msgspec.json.encode(example), before.version)
        except Undecodable as error:
            yield Break(queue.key, f"a message of {old.version} is not read: {error}", "mend contracts/upcasts.py")
            return


def _queue(old: Release, new: Release, name: str) -> Iterator[Break]:
    before, after = old.queues[name], new.queues.get(name)
    if after is None:
        yield Break(
            name,
            "the queue is gone, and what lies in it or is on its way to it is never handled",
            f"consume it until nothing of {old.version} is in flight, then release without it",
        )
        return
    if before.key != after.key:
        yield Break(name, f"it is filled under {after.key}, not {before.key}", "give the new key a queue of its own")
    if before.service != after.service:
        yield Break(
            name,
            f"{after.service} handles it, not {before.service}, whose inbox knows what was handled",
            "give it another key, and let the old one be handled where it was",
        )


def _chain(queue: Queue) -> Iterator[Break]:
    """Whether there is a way from the first version on: who names none sends that."""
    for step in range(1, queue.contract.wire_version):
        if (queue.key, step) not in UPCASTS:
            yield Break(
                queue.key,
                f"nothing brings version {step} to {step + 1}",
                f'write the upcast ("{queue.key}", {step}) in contracts/upcasts.py',
            )


def _strays(queues: Iterable[Queue]) -> Iterator[Break]:
    versions = {queue.key: queue.contract.wire_version for queue in queues}
    for key, step in UPCASTS:
        if not 0 < step < versions.get(key, 0):
            yield Break(key, f"the upcast from version {step} is never used", "take it out of contracts/upcasts.py")
