"""Every metric, once: its name, its labels and what it says."""

from __future__ import annotations

from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from momo.breaker import STATES, Breaker, State

MESSAGES = Counter("momo_messages_total", "Messages handled, by how they ended.", ["queue", "outcome"])
REPEATED = Counter("momo_messages_repeated_total", "Messages that the inbox knew already.", ["service"])
RETRIES = Counter("momo_retries_total", "Messages sent through the delay ladder for another attempt.", ["queue"])
DEAD_LETTERS = Counter("momo_dead_letters_total", "Messages moved to a dead-letter queue.", ["queue", "reason"])
PAUSED = Gauge(
    "momo_queue_paused", "1 while a queue is not consumed because too much of it is dead-lettered.", ["queue"]
)
CRITICAL_SECONDS = Histogram(
    "momo_critical_time_seconds",
    "From a message's first publishing to its commit.",
    ["queue"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
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
CONSUMING = Gauge("momo_queue_consuming", "1 while this process has a live consumer on the queue.", ["queue"])
BREAKER = Gauge(
    "momo_breaker_state",
    "1 for the state that the circuit breaker is in (closed, open or half-open), 0 for the others.",
    ["breaker", "state"],
)


def watch_breaker(breaker: Breaker, gauge: Gauge = BREAKER) -> None:
    """Shows `breaker` as it is whenever `gauge` is read: time alone turns open into half-open."""
    for state in STATES:
        gauge.labels(breaker.name, state).set_function(partial(_is_in, breaker, state))


def _is_in(breaker: Breaker, state: State) -> float:
    return float(breaker.state == state)
