"""Every metric, once: its name, its labels and what it says."""

from __future__ import annotations

from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from momo.breaker import STATES, Breaker, State
from momo.telemetry.distribution import Distribution

LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

MESSAGES = Counter("momo_messages_total", "Messages handled, by how they ended.", ["queue", "outcome"])
REPEATED = Counter("momo_messages_repeated_total", "Messages that the inbox knew already.", ["service"])
RETRIES = Counter("momo_retries_total", "Messages sent through the delay ladder for another attempt.", ["queue"])
DEAD_LETTERS = Counter("momo_dead_letters_total", "Messages moved to a dead-letter queue.", ["queue", "reason"])
PAUSED = Gauge(
    "momo_queue_paused", "1 while a queue is not consumed because too much of it is dead-lettered.", ["queue"]
)
WAITING_SECONDS = Distribution(
    "momo_waiting_time_seconds",
    "From when a message was published, or due for this attempt, until a flush or call took it.",
    LATENCY_SECONDS,
)
PROCESSING_SECONDS = Distribution(
    "momo_processing_time_seconds",
    "From when a flush or call took a message until it was committed or called.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CRITICAL_SECONDS = Distribution(
    "momo_critical_time_seconds",
    "From a message's first publishing to its commit, or the end of its call.",
    LATENCY_SECONDS,
)
ATTEMPTS = Distribution(
    "momo_message_attempts", "The attempt that ended a message: handled, refused or dead.", (1, 2, 3, 5, 10)
)
PUBLISHES = Counter(
    "momo_publishes_total",
    "Messages published, by how their write ended: confirmed, refused (one of them at least), or lost (no answer).",
    ["exchange", "result"],
)
PUBLISH_SECONDS = Histogram(
    "momo_publish_confirm_seconds",
    "From writing messages to the last of their confirms.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
FLUSH_SIZE = Histogram(
    "momo_flush_messages", "Messages committed in one flush.", ["lane"], buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
FLUSH_SECONDS = Histogram(
    "momo_flush_seconds",
    "From a flush's first read to its commit.",
    ["lane"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
FLUSH_CONTENTION = Counter(
    "momo_flush_contention_total", "Flushes that met a lock or a duplicate and ran again.", ["lane"]
)
LANE_HEALTHY = Gauge("momo_lane_healthy", "1 while the lane reaches its database.", ["lane"])
RELAYED = Counter("momo_relayed_total", "Messages that the relay published for others, by where they lay.", ["source"])
EFFECT_SECONDS = Histogram("momo_effect_seconds", "One call of an effect.", ["queue"])
MONEY = Counter("momo_money_won_total", "Won that Toss took of members, or gave back (taken, returned).", ["direction"])
LOG_DROPPED = Counter("momo_log_dropped_bytes_total", "Log lines dropped because nobody read those before them.")
CONSUMING = Gauge("momo_queue_consuming", "1 while this process has a live consumer on the queue.", ["queue"])
TURNS = Counter(
    "momo_partition_turns_total",
    "Partitions whose turn came here: the broker began to give their messages to this process.",
    ["queue"],
)
BREAKER = Gauge(
    "momo_breaker_state",
    "1 for the state that the circuit breaker is in (closed, open or half-open), 0 for the others.",
    ["breaker", "state"],
)


def expect(queue: str) -> None:
    """Shows `queue` from the start: of a counter that appears with its first event, no rate can see that event."""
    for outcome in ("done", "refused", "failed"):
        MESSAGES.labels(queue, outcome)
    RETRIES.labels(queue)
    PAUSED.labels(queue)
    for distribution in (WAITING_SECONDS, PROCESSING_SECONDS, CRITICAL_SECONDS, ATTEMPTS):
        distribution.of(queue)


def watch_breaker(breaker: Breaker, gauge: Gauge = BREAKER) -> None:
    """Shows `breaker` as it is whenever `gauge` is read: time alone turns open into half-open."""
    for state in STATES:
        gauge.labels(breaker.name, state).set_function(partial(_is_in, breaker, state))


def _is_in(breaker: Breaker, state: State) -> float:
    return float(breaker.state == state)
