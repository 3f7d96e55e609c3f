"""One service: its queues side by side, its lanes, outbox and timers."""

from __future__ import annotations

from contracts.topology import queues_of
from momo.dashboards.board import Board, Choice, Row
from momo.dashboards.panels import Query, figure, lines
from momo.dashboards.questions import LAGS, STUCK, age, any_of, depth, handled, or_none, quantile
from momo.settings import DATABASES

THESE = 'queue=~"${service:raw}"'
LANES = 'lane=~"${service:text}-.+"'
IT = 'service="${service:text}"'


def service() -> Board:
    return Board(
        uid="momo-service",
        title="MOMO: one service",
        says="A service's queues side by side, its lanes, outbox and timers.",
        choices=(
            Choice(
                name="service",
                label="Service",
                options=tuple((service, any_of(queues_of(service))) for service in DATABASES),
            ),
        ),
        rows=(_now(), _queues(), _engine()),
    )


def _now() -> Row:
    return Row(
        "Now",
        (
            figure(
                "Oldest message",
                "How long the oldest message has waited in any of its queues.",
                f"max(queue_kind:momo_queue_oldest_age_seconds:max{{{THESE}}})",
                unit="s",
                limits=(LAGS, STUCK),
            ),
            figure(
                "Waiting",
                "Messages that wait in its queues.",
                f"sum(queue_kind:momo_queue_messages:max{{{THESE}}})",
            ),
            figure(
                "Handled",
                "Messages a second.",
                or_none(f"sum(rate(momo_messages_total{{{THESE}}}[1m]))"),
                unit="ops",
            ),
            figure(
                "Processes",
                "Workers that serve at least one of its queues.",
                f"max(queue:momo_queue_consumers:expected{{{THESE}}})",
            ),
            figure(
                "Outbox",
                "Entries that are not published yet; those that are being published are among them.",
                f"max(momo_outbox_entries{{{IT}}})",
            ),
            figure("Timers", "Timers that are set.", f"max(momo_timers{{{IT}}})"),
        ),
    )


def _queues() -> Row:
    return Row(
        "Queues",
        (
            lines("Oldest message", "By queue.", age(THESE), unit="s", limits=(LAGS, STUCK)),
            lines("Waiting", "By queue.", depth(THESE)),
            lines("Handled", "By queue.", handled(THESE), unit="ops"),
            lines(
                "Critical time, 99 %",
                "Within how long 99 % of the messages were committed after their first publishing.",
                Query(quantile(0.99, "momo_critical_time_seconds", THESE, "queue"), "{{queue}}"),
                unit="s",
                limits=(1,),
            ),
            lines(
                "Waiting time, 99 %",
                "Within how long 99 % of the messages were taken up.",
                Query(quantile(0.99, "momo_waiting_time_seconds", THESE, "queue"), "{{queue}}"),
                unit="s",
            ),
            lines(
                "Processing time, 99 %",
                "Within how long 99 % of the messages were done once they were taken up.",
                Query(quantile(0.99, "momo_processing_time_seconds", THESE, "queue"), "{{queue}}"),
                unit="s",
            ),
        ),
    )


def _engine() -> Row:
    return Row(
        "Lanes, outbox, timers",
        (
            lines(
                "Messages in a flush",
                "Half of the flushes are smaller.",
                Query(quantile(0.5, "momo_flush_messages", LANES, "lane"), "{{lane}}"),
                width=8,
            ),
            lines(
                "Time of a flush, 95 %",
                "From a flush's first read to its commit.",
                Query(quantile(0.95, "momo_flush_seconds", LANES, "lane"), "{{lane}}"),
                unit="s",
                width=8,
            ),
            lines(
                "Flushes run again",
                "They met a lock or a duplicate.",
                Query(
                    or_none(f"sum by (lane) (rate(momo_flush_contention_total{{{LANES}}}[$__rate_interval]))"),
                    "{{lane}}",
                ),
                unit="ops",
                width=8,
            ),
            lines(
                "Oldest entry of the outbox",
                "What is decided and not published yet: the relay takes it after 10 s.",
                Query(f"max by (service) (momo_outbox_oldest_age_seconds{{{IT}}})", "{{service}}"),
                unit="s",
                limits=(60,),
                width=8,
            ),
            lines(
                "Overdue timers",
                "How late the oldest timer is that is due.",
                Query(f"max by (service) (momo_timers_overdue_seconds{{{IT}}})", "{{service}}"),
                unit="s",
                limits=(30,),
                width=8,
            ),
            lines(
                "Repeats",
                "Messages that the inbox knew already: redelivered, or sent twice.",
                Query(or_none(f"sum(rate(momo_messages_repeated_total{{{IT}}}[$__rate_interval]))"), "repeats"),
                unit="ops",
                width=8,
            ),
        ),
    )
