"""One queue: what waits, who takes it, how long it takes, and what dies."""

from __future__ import annotations

from contracts.topology import QUEUES
from momo.dashboards.board import Board, Choice, Row
from momo.dashboards.panels import Query, figure, lines
from momo.dashboards.questions import LAGS, STUCK, or_none, outcomes, quantiles

THIS = 'queue="${queue}"'
DEAD = 'queue="${queue:text}.dlq"'


def queue() -> Board:
    return Board(
        uid="momo-queue",
        title="MOMO: one queue",
        says="What waits, who takes it, how long it takes, and what dies.",
        choices=(Choice(name="queue", label="Queue", options=tuple((queue.stem, queue.name) for queue in QUEUES)),),
        rows=(_now(), _flow(), _time(), _trouble()),
    )


def _now() -> Row:
    return Row(
        "Now",
        (
            figure(
                "Oldest message",
                "How long the oldest message has waited here.",
                f"queue_kind:momo_queue_oldest_age_seconds:max{{{THIS}}}",
                unit="s",
                limits=(LAGS, STUCK),
            ),
            figure("Waiting", "Messages that wait.", f"queue_kind:momo_queue_messages:max{{{THIS}}}"),
            figure(
                "Dead letters",
                "`momo dlq list --queue` groups them by what they died of.",
                f"queue_kind:momo_queue_messages:max{{{DEAD}}}",
                limits=(1,),
            ),
            figure("Consumers", "As the broker counts them.", f"queue:momo_queue_consumers:max{{{THIS}}}"),
            figure(
                "Consumers missing",
                "Processes that serve this queue and are not its consumers on the broker.",
                f"queue:momo_queue_consumers:expected{{{THIS}}} - on (queue) queue:momo_queue_consumers:max{{{THIS}}}",
                limits=(1,),
            ),
            figure(
                "Paused",
                "1 while it is not consumed because too much of it died, or because an operator said so.",
                or_none(f"queue:momo_queue_paused:max{{{THIS}}}"),
                limits=(1,),
            ),
        ),
    )


def _flow() -> Row:
    return Row(
        "Flow",
        (
            lines("Handled", "Messages by how they ended.", outcomes(THIS), unit="ops", width=8),
            lines(
                "Waiting and dead",
                "Messages in the queue and in its dead-letter queue.",
                Query(f"queue_kind:momo_queue_messages:max{{{THIS}}}", "waiting"),
                Query(f"queue_kind:momo_queue_messages:max{{{DEAD}}}", "dead"),
                width=8,
            ),
            lines(
                "Oldest message",
                "Its age. New commands for the queue are turned away from the first line on.",
                Query(f"queue_kind:momo_queue_oldest_age_seconds:max{{{THIS}}}", "waiting"),
                unit="s",
                limits=(LAGS, STUCK),
                width=8,
            ),
        ),
    )


def _time() -> Row:
    return Row(
        "Time",
        (
            lines(
                "Critical time",
                "From a message's first publishing to its commit, earlier attempts and delays with it.",
                *quantiles("momo_critical_time_seconds", THIS),
                unit="s",
                limits=(1,),
                width=8,
            ),
            lines(
                "Waiting time",
                "From this attempt's publishing, or its due time, until a worker took it up.",
                *quantiles("momo_waiting_time_seconds", THIS),
                unit="s",
                width=8,
            ),
            lines(
                "Processing time",
                "From being taken up to the commit, or to the end of the call.",
                *quantiles("momo_processing_time_seconds", THIS),
                unit="s",
                width=8,
            ),
        ),
    )


def _trouble() -> Row:
    return Row(
        "Trouble",
        (
            lines(
                "Late messages",
                "The share that took more than a second, over five minutes and an hour; the objective allows 1 %.",
                Query(f"queue:momo_critical_time_late:ratio5m{{{THIS}}}", "5 minutes"),
                Query(f"queue:momo_critical_time_late:ratio1h{{{THIS}}}", "1 hour"),
                unit="percentunit",
                limits=(0.01, 0.144),
                width=8,
            ),
            lines(
                "Retries and dead letters",
                "Messages sent through the delay ladder for another attempt, and dead ones by reason.",
                Query(or_none(f"sum(rate(momo_retries_total{{{THIS}}}[$__rate_interval]))"), "retries"),
                Query(
                    or_none(f"sum by (reason) (rate(momo_dead_letters_total{{{THIS}}}[$__rate_interval]))"),
                    "dead: {{reason}}",
                ),
                unit="ops",
                width=8,
            ),
            lines(
                "Attempts",
                "The mean number of attempts that a message took; 1 is best.",
                Query(
                    f"sum(rate(momo_message_attempts_sum{{{THIS}}}[$__rate_interval]))"
                    f" / sum(rate(momo_message_attempts_count{{{THIS}}}[$__rate_interval]))",
                    "attempts",
                ),
                width=8,
            ),
        ),
    )
