"""The overview: is all well, and if not, where to look."""

from __future__ import annotations

from contracts.topology import queues_of
from momo.dashboards.board import Board, Row
from momo.dashboards.machine import broker, engine
from momo.dashboards.panels import Query, figure, lines
from momo.dashboards.questions import LAGS, STUCK, age, any_of, handled, or_none, outcomes, quantile, quantiles
from momo.settings import DATABASES


def overview() -> Board:
    return Board(
        uid="momo-overview",
        title="MOMO: overview",
        says="Is all well, and if not, where to look.",
        rows=(_now(), _http(), *(_service(service) for service in DATABASES), _between(), engine(), broker()),
    )


def _now() -> Row:
    return Row(
        "Now",
        (
            figure(
                "Alerts",
                "How many of MOMO's alerts fire; docs/alerts.md says what to do about each.",
                or_none('count(ALERTS{alertname=~"Momo.+", alertstate="firing"})'),
                limits=(1,),
            ),
            figure(
                "Oldest message",
                "How long the oldest message has waited in any work queue.",
                'max(queue_kind:momo_queue_oldest_age_seconds:max{kind="work"})',
                unit="s",
                limits=(LAGS, STUCK),
            ),
            figure(
                "Waiting",
                "Messages that wait in all work queues together.",
                'sum(queue_kind:momo_queue_messages:max{kind="work"})',
            ),
            figure(
                "Dead letters",
                "Messages in all dead-letter queues: `momo dlq list`.",
                'sum(queue_kind:momo_queue_messages:max{kind="dead"})',
                limits=(1,),
            ),
            figure(
                "Paused queues",
                "Queues that are not consumed: too much of them died, or an operator said so: `momo queues`.",
                or_none("sum(queue:momo_queue_paused:max)"),
                limits=(1,),
            ),
            figure(
                "Processes gone",
                "Gateways, workers, relays and brokers that do not answer Prometheus.",
                'sum(up{job=~"gateway|worker|relay|rabbitmq"} == bool 0)',
                limits=(1,),
            ),
        ),
    )


def _http() -> Row:
    return Row(
        "HTTP",
        (
            lines(
                "Requests by status",
                "All gateways together.",
                Query("sum by (status) (rate(momo_http_requests_total[$__rate_interval]))", "{{status}}"),
                unit="reqps",
            ),
            lines(
                "Time to answer",
                "From a request's arrival to its answer, where `Prefer: wait` is part of it.",
                *quantiles("momo_http_request_seconds", ""),
                unit="s",
            ),
            lines(
                "Failing routes",
                "Answers 5xx by route: 500 is a fault of ours, 503 says that something is behind or away.",
                Query(
                    or_none('sum by (route, status) (rate(momo_http_requests_total{status=~"5.."}[$__rate_interval]))'),
                    "{{status}} {{route}}",
                ),
                unit="reqps",
            ),
            lines(
                "Turned away",
                "Commands answered 503 because their queue lags, by queue.",
                Query("sum by (queue) (rate(momo_gateway_shed_total[$__rate_interval]))", "{{queue}}"),
                unit="reqps",
            ),
            lines(
                "Under way",
                "Requests that are not answered yet, and open WebSockets.",
                Query("sum(momo_gateway_requests_under_way)", "requests"),
                Query("sum(momo_gateway_sockets)", "sockets"),
            ),
            lines(
                "Share of failing requests",
                "5xx among all answers, over five minutes.",
                Query("momo:http_errors:ratio5m", "failing"),
                unit="percentunit",
                limits=(0.02,),
            ),
        ),
    )


def _service(service: str) -> Row:
    names = any_of(queues_of(service))
    return Row(
        service.capitalize(),
        (
            lines(
                "Oldest message",
                f"How long the oldest message of each queue of the {service} service has waited.",
                age(f'queue=~"{names}"'),
                unit="s",
                limits=(LAGS, STUCK),
                width=8,
            ),
            lines("Handled", "Messages handled, by queue.", handled(f'queue=~"{names}"'), unit="ops", width=8),
            lines(
                "Critical time, 99 %",
                "Within how long 99 % of the messages were committed after their first publishing.",
                Query(quantile(0.99, "momo_critical_time_seconds", f'queue=~"{names}"', "queue"), "{{queue}}"),
                unit="s",
                limits=(1,),
                width=8,
            ),
        ),
    )


def _between() -> Row:
    return Row(
        "Between the services",
        (
            lines("Outcomes", "How messages ended.", outcomes(""), unit="ops", width=8),
            lines(
                "Oldest entry of the outboxes",
                "What is decided and not published yet: the relay takes it after 10 s.",
                Query("max by (service) (momo_outbox_oldest_age_seconds)", "{{service}}"),
                unit="s",
                limits=(60,),
                width=8,
            ),
            lines(
                "Overdue timers",
                "How late the oldest timer is that is due.",
                Query("max by (service) (momo_timers_overdue_seconds)", "{{service}}"),
                unit="s",
                limits=(30,),
                width=8,
            ),
            lines(
                "Unfinished sagas",
                "Seats and payments on their way, by state.",
                Query("max by (saga, state) (momo_sagas)", "{{saga}} {{state}}"),
                width=8,
            ),
            lines(
                "Waiting in delays",
                "Messages on the ladder for another attempt, by delay.",
                Query('queue_kind:momo_queue_messages:max{kind="delay"}', "{{queue}}"),
                width=8,
            ),
            lines(
                "Open circuits",
                "Processes whose circuit breaker is not closed.",
                Query('sum by (breaker) (momo_breaker_state{state="closed"} == bool 0)', "{{breaker}}"),
                limits=(1,),
                width=8,
            ),
        ),
    )
