"""`python -m tests.sizing.document`: writes the tables of docs/scale.md anew."""

from __future__ import annotations

import re
from pathlib import Path

from momo.sizing.command import RATES
from momo.sizing.costs import Costs, load
from momo.sizing.flushes import POINTS
from momo.sizing.plan import plan
from momo.sizing.table import markdown
from momo.sizing.table import table as sizes
from tests.sizing import simulate

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
WAYS = {
    "user": "`user.follow`",
    "meeting": "`meeting.join`",
    "payment": "`payment.register`",
    "notification": "`notification.create`",
    "push": "`notification.send`",
    "call": "`payment.charge`",
}


def blocks(costs: Costs) -> dict[str, str]:
    """The tables by name, but for the simulation, which takes its time."""
    return {
        "measured": _measured(costs),
        "costs": _costs(costs),
        "size": sizes([plan(costs, rate) for rate in RATES]),
        "check": _check(costs),
    }


def written(text: str, name: str, table: str) -> str:
    """`text` with the table between the marks of `name` replaced. Raises ValueError where they are missing."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the document needs one pair of marks {begin} and {end}")
    # as a function, for a table may have what a template would take for a group
    return re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)


def block(text: str, name: str) -> str:
    """The table of `name` in the document."""
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- /{name} -->")[0]


def _measured(costs: Costs) -> str:
    return f"Measured on {costs.day} on {costs.machine}, by `momo bench --cases cost`."


def _costs(costs: Costs) -> str:
    rows = [
        [
            "one message of",
            *("messages/s", "in a flush", "worker µs", "RabbitMQ µs", "database µs", "Redis µs"),
            *("AMQP bytes", "SQL bytes", "database disk bytes", "flushes to disk: RabbitMQ, database"),
        ]
    ]
    figures = ("worker_us", "rabbitmq_us", "mariadb_us", "redis_us", "amqp_bytes", "sql_bytes", "mariadb_disk_bytes")
    for way, name in WAYS.items():
        for point in POINTS:
            at = f"{way}.{point}."
            if f"{at}rate" not in costs.figures:
                continue
            flush = f"{costs[f'{at}flush']:,.0f}" if f"{at}flush" in costs.figures else ""
            fsyncs = [f"{costs[f'{at}{part}_fsyncs']:.2f}" for part in ("rabbitmq", "mariadb")]
            numbers = [f"{costs[f'{at}{figure}']:,.0f}" for figure in figures]
            rows.append([name, f"{costs[f'{at}rate']:,.0f}", flush, *numbers, ", ".join(fsyncs)])
    return markdown(rows)


def _check(costs: Costs) -> str:
    """What was predicted and measured, a row a part and rate; `rate.part` and `drain.rate` are how they are named."""
    if not costs.sized:
        return "Not measured yet with these costs."
    rows = [["commands/s", "part", "predicted", "measured", "off by"]]
    for name in costs.sized:
        if name.endswith("_off"):
            what = name.removesuffix("_off")
            rate, _, part = what.partition(".")
            predicted, measured = costs.sized[f"{what}_predicted"], costs.sized[f"{what}_measured"]
            numbers = [f"{value:,.0f}/s" if rate == "drain" else f"{value:.3f}" for value in (predicted, measured)]
            rows.append([rate, part, *numbers, f"{costs.sized[name]:+.0%}"])
    return markdown(rows)


def main() -> None:
    costs = load()
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, table in {**blocks(costs), "simulation": simulate.table(costs)}.items():
        text = written(text, name, table)
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
