"""The topology as data: what the plan names is there, every queue is answered, every message has somewhere to go."""

from __future__ import annotations

import pytest

from contracts.base import Command, Event
from contracts.topology import DELAYS_MS, EXCHANGES, KEYS, QUEUES, Queue, exchange_of, queue_named, queues_of
from momo.broker.topology import topology
from momo.settings import DATABASES
from workers import SERVICES, chosen

PLANNED = [
    ("meeting.exchange", "meeting.create.queue", "meeting.create"),
    ("meeting.exchange", "meeting.join.queue", "meeting.join"),
    ("meeting.exchange", "meeting.cancel.queue", "meeting.cancel"),
    ("meeting.exchange", "meeting.delete.queue", "meeting.delete"),
    ("user.exchange", "user.followed.queue", "user.followed"),
    ("user.exchange", "user.registered.queue", "user.registered"),
    ("user.exchange", "user.withdrawn.queue", "user.withdrawn"),
    ("payment.exchange", "payment.completed.queue", "payment.completed"),
    ("payment.exchange", "payment.refunded.queue", "payment.refunded"),
    ("payment.exchange", "payment.register.queue", "payment.register"),
    ("notification.exchange", "notification.create.queue", "notification.create"),
    ("notification.exchange", "notification.send.queue", "notification.send"),
]


@pytest.mark.parametrize(("exchange", "queue", "key"), PLANNED)
def test_what_the_plan_names_is_declared(exchange: str, queue: str, key: str) -> None:
    declared = topology()
    assert exchange in {e.name for e in declared.exchanges if e.type == "topic"}
    assert queue in {q.name for q in declared.queues}
    assert (exchange, queue, key) in {(b.exchange, b.to, b.key) for b in declared.bindings}


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_every_queue_has_a_dead_letter_queue_of_its_own(queue: Queue) -> None:
    declared = topology()
    assert queue.dead_letter_queue == queue.name.removesuffix(".queue") + ".dlq"
    bound = [b for b in declared.bindings if b.to == queue.dead_letter_queue]
    assert [(b.exchange, b.key) for b in bound] == [(queue.dead_letter_exchange, queue.dead_letter_queue)]
    assert queue.dead_letter_exchange == f"{queue.key.split('.')[0]}.dlx"


def test_no_two_queues_share_a_name() -> None:
    names = [name for queue in QUEUES for name in (queue.name, queue.dead_letter_queue)]
    assert len(set(names)) == len(names)


def test_a_command_has_one_owner_and_an_event_may_have_many() -> None:
    for queue in QUEUES:
        if issubclass(queue.contract, Command):
            assert [q.name for q in QUEUES if q.contract is queue.contract] == [queue.name]
            assert not queue.subscriber
        else:
            assert issubclass(queue.contract, Event)


def test_one_key_is_one_contract() -> None:
    assert {queue.key: queue.contract for queue in QUEUES} == {key: contract for contract, key in KEYS.items()}
    assert len({queue.key for queue in QUEUES}) == len({queue.contract for queue in QUEUES})


def test_every_exchange_is_that_of_its_keys() -> None:
    assert set(EXCHANGES) == {exchange_of(queue.key) for queue in QUEUES}


def test_every_queue_is_answered_by_its_service_in_its_kind() -> None:
    assert set(SERVICES) == set(DATABASES)
    for name, service in SERVICES.items():
        assert service.unanswered == []
        assert set(service.handlers) == {queue for queue in queues_of(name) if queue.kind == "decision"}
        assert set(service.effects) == {queue for queue in queues_of(name) if queue.kind == "effect"}


def test_the_ladder_rises() -> None:
    assert list(DELAYS_MS) == sorted(set(DELAYS_MS))


def test_an_unknown_queue_is_told_with_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no queue is called 'meeting\.leave\.queue'; there are: user\.register\.queue"):
        queue_named("meeting.leave.queue")


def test_a_worker_may_be_told_services_or_queues() -> None:
    assert chosen(()) == (list(SERVICES), None)
    assert chosen(["meeting"]) == (["meeting"], frozenset(queue.name for queue in queues_of("meeting")))
    assert chosen(["payment.completed.queue"]) == (["meeting"], frozenset({"payment.completed.queue"}))
    with pytest.raises(ValueError, match="'room' is neither a service"):
        chosen(["room"])
