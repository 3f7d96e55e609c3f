"""Plans side by side, as a Markdown table that a terminal shows well too."""

from __future__ import annotations

from collections.abc import Sequence

from momo.settings import DATABASES
from momo.sizing.plan import DAY, INBOX_DAYS, SERVER_CORES, SPARE, Plan


def table(plans: Sequence[Plan]) -> str:
    """A column a plan, a row a part."""
    rows = [["commands/s", *(f"{plan.commands_per_second:,.0f}" for plan in plans)]]
    columns = [_column(plan) for plan in plans]
    rows += [[name, *(column[name] for column in columns)] for name in columns[0]]
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """`rows` below the first, which is the heading; all columns but the first are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| "
        + " | ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        + " |"
        for row in rows
    ]
    rule = "|-" + "-|-".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + "-|"
    # the rule's colons stand where the blank before the bar would
    return "\n".join([lines[0], rule.replace(":-|", ": |"), *lines[1:]])


def _column(plan: Plan) -> dict[str, str]:
    broker, databases = plan.broker, plan.databases
    found = {
        "messages/s handled": f"{plan.messages_per_second:,.0f}",
        f"gateway processes (+{SPARE} of them spare)": f"{plan.gateways:,}",
        "each busy": f"{plan.gateway_busy:.0%}",
    }
    for service in DATABASES:
        found[f"workers, {service} (busy)"] = f"{plan.workers[service]:,} ({plan.worker_busy[service]:.0%})"
    found["relays"] = f"{plan.relays:,}"
    found["RabbitMQ cores, three replicas"] = f"{broker.cores:,.1f}"
    found[f"RabbitMQ nodes of {SERVER_CORES} cores"] = f"{broker.nodes:,}"
    found["RabbitMQ clusters"] = f"{broker.clusters:,}"
    hottest = max(broker.partitions.values(), default=1)
    found["queues to be split, most partitions"] = f"{len(broker.partitions)}, {hottest:,}"
    found["flushes/s to RabbitMQ's disks"] = f"{broker.fsyncs:,.0f}"
    found["MB/s to RabbitMQ's disks"] = f"{broker.disk_bytes / 1e6:,.1f}"
    for service in DATABASES:
        cores, shards = databases.cores[service], databases.shards[service]
        found[f"shards, {service} (cores busy)"] = f"{shards:,} ({cores:,.2f})"
    found["flushes/s to the primaries' disks"] = f"{databases.fsyncs:,.0f}"
    found["MB/s to the primaries' disks"] = f"{databases.written_bytes / 1e6:,.1f}"
    found[f"inbox of {INBOX_DAYS} days, GB"] = f"{databases.inbox_bytes / 1e9:,.0f}"
    found["other rows, GB a day"] = f"{databases.grows_bytes_a_day / 1e9:,.0f}"
    found["Redis primaries (cores busy)"] = f"{plan.redis_nodes:,} ({plan.redis_cores:,.2f})"
    for name, rate in plan.wires.items():
        found[f"wire, {name}: MB/s, GB a day"] = f"{rate / 1e6:,.1f}, {rate * DAY / 1e9:,.0f}"
    return found
