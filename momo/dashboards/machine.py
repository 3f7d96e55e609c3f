"""What the processes and the broker do: rows of the overview."""

from __future__ import annotations

from momo.dashboards.board import Row
from momo.dashboards.panels import Query, lines
from momo.dashboards.questions import or_none, quantile, quantiles


def engine() -> Row:
    return Row(
        "The engine",
        (
            lines(
                "Messages in a flush",
                "The more wait, the larger a flush: half of them are smaller than this.",
                Query(quantile(0.5, "momo_flush_messages", "", "lane"), "{{lane}}"),
                width=8,
            ),
            lines(
                "Time of a flush, 95 %",
                "From a flush's first read to its commit.",
                Query(quantile(0.95, "momo_flush_seconds", "", "lane"), "{{lane}}"),
                unit="s",
                width=8,
            ),
            lines(
                "Lanes without a database",
                "Lanes that can't reach theirs.",
                Query("sum by (lane) (momo_lane_healthy == bool 0)", "{{lane}}"),
                limits=(1,),
                width=8,
            ),
            lines(
                "Published",
                "Messages handed to the broker, by whether it took them.",
                Query("sum by (result) (rate(momo_publishes_total[$__rate_interval]))", "{{result}}"),
                unit="ops",
                width=8,
            ),
            lines(
                "Time to a confirm",
                "From a publish to the broker's word that it is kept.",
                *quantiles("momo_publish_confirm_seconds", ""),
                unit="s",
                width=8,
            ),
            lines(
                "Calls to the world, 95 %",
                "One call of an effect: Toss, or the push to WebSockets.",
                Query(quantile(0.95, "momo_effect_seconds", "", "queue"), "{{queue}}"),
                unit="s",
                width=8,
            ),
            lines(
                "Memory of the processes",
                "Resident, by process.",
                Query('process_resident_memory_bytes{job=~"gateway|worker|relay"}', "{{job}} {{instance}}"),
                unit="bytes",
                width=8,
            ),
            lines(
                "CPU of the processes",
                "Of one core.",
                Query(
                    'rate(process_cpu_seconds_total{job=~"gateway|worker|relay"}[$__rate_interval])',
                    "{{job}} {{instance}}",
                ),
                unit="percentunit",
                width=8,
            ),
            lines(
                "Left to the relay",
                "What the relay published: timers that were due, and what a crash left in an outbox.",
                Query(or_none("sum by (source) (rate(momo_relayed_total[$__rate_interval]))"), "{{source}}"),
                unit="ops",
                width=8,
            ),
        ),
    )


def broker() -> Row:
    return Row(
        "RabbitMQ",
        (
            lines(
                "Memory and its limit",
                "At the limit RabbitMQ takes no more messages.",
                Query("sum by (instance) (rabbitmq_process_resident_memory_bytes)", "{{instance}}"),
                Query("sum by (instance) (rabbitmq_resident_memory_limit_bytes)", "limit of {{instance}}"),
                unit="bytes",
                width=8,
            ),
            lines(
                "Disk left and the least",
                "Below the least RabbitMQ takes no more messages.",
                Query("sum by (instance) (rabbitmq_disk_space_available_bytes)", "{{instance}}"),
                Query("sum by (instance) (rabbitmq_disk_space_available_limit_bytes)", "least of {{instance}}"),
                unit="bytes",
                width=8,
            ),
            lines(
                "Connections",
                "Open ones: each process of MOMO has one or two.",
                Query("sum by (instance) (rabbitmq_connections)", "{{instance}}"),
                width=8,
            ),
        ),
    )
