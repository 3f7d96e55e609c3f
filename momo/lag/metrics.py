"""The observer's metrics: the latest snapshot, without what is not known now."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from momo.lag.snapshot import Snapshot


class LagCollector(Collector):
    """Shows `snapshot`. Several observers of the same queues show the same: ask for the `max by` them."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(at=0.0)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return _families(Snapshot(at=0.0))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return _families(self.snapshot)


def _families(now: Snapshot) -> Iterator[GaugeMetricFamily]:
    messages = GaugeMetricFamily(
        "momo_queue_messages",
        "Messages that wait in the queue (kind: work, delay, dead); what a consumer holds is not among them.",
        labels=("queue", "kind"),
    )
    age = GaugeMetricFamily(
        "momo_queue_oldest_age_seconds",
        "How long the oldest message has waited in the queue; 0 where none waits.",
        labels=("queue", "kind"),
    )
    consumers = GaugeMetricFamily("momo_queue_consumers", "Consumers that the broker sees.", labels=("queue",))
    for queue in now.queues:
        messages.add_metric((queue.name, queue.kind), queue.messages)
        age.add_metric((queue.name, queue.kind), queue.oldest_age_s)
        consumers.add_metric((queue.name,), queue.consumers)
    yield from (messages, age, consumers)

    entries = GaugeMetricFamily(
        "momo_outbox_entries", "Outbox entries: flushes whose messages are not all published.", labels=("service",)
    )
    unpublished = GaugeMetricFamily(
        "momo_outbox_oldest_age_seconds", "Age of the oldest outbox entry; 0 where there is none.", labels=("service",)
    )
    for outbox in now.outboxes:
        entries.add_metric((outbox.service,), outbox.entries)
        unpublished.add_metric((outbox.service,), outbox.oldest_age_s)
    yield from (entries, unpublished)

    timers = GaugeMetricFamily("momo_timers", "Timers that are set.", labels=("service",))
    overdue = GaugeMetricFamily(
        "momo_timers_overdue_seconds", "How late the oldest due timer is; 0 if none is due.", labels=("service",)
    )
    for timed in now.timers:
        timers.add_metric((timed.service,), timed.timers)
        overdue.add_metric((timed.service,), timed.overdue_s)
    yield from (timers, overdue)

    sagas = GaugeMetricFamily("momo_sagas", "Sagas in an unfinished state.", labels=("saga", "state"))
    unfinished = GaugeMetricFamily(
        "momo_saga_oldest_age_seconds",
        "How long the oldest saga has been in the unfinished state; 0 where none is.",
        labels=("saga", "state"),
    )
    for saga in now.sagas:
        sagas.add_metric((saga.saga, saga.state), saga.count)
        unfinished.add_metric((saga.saga, saga.state), saga.oldest_age_s)
    yield from (sagas, unfinished)

    yield GaugeMetricFamily("momo_lag_observed_timestamp_seconds", "When lag was last looked at.", value=now.at)
