"""Money: what was taken and given back, which payments are on their way, and how Toss answers."""

from __future__ import annotations

from momo.dashboards.board import Board, Row
from momo.dashboards.panels import Query, figure, lines
from momo.dashboards.questions import or_none, quantile

CALLS = 'queue=~"payment.(charge|return|inspect).queue"'


def _ended(end: str) -> str:
    which = f'queue="payment.{end}.queue", outcome="done"'
    return or_none(f"sum(rate(momo_messages_total{{{which}}}[$__rate_interval]))")


def _won(direction: str, span: str) -> str:
    return f'sum(increase(momo_money_won_total{{direction="{direction}"}}[{span}]))'


def money() -> Board:
    return Board(
        uid="momo-money",
        title="MOMO: money",
        says="What was taken and given back, which payments are on their way, and how Toss answers.",
        rows=(_range(), _flow(), _under_way(), _toss()),
    )


def _range() -> Row:
    taken, returned = _won("taken", "$__range"), _won("returned", "$__range")
    return Row(
        "In the chosen time",
        (
            figure("Taken", "What Toss took of members.", taken, unit="currencyKRW", width=6),
            figure("Given back", "What Toss gave back to members.", returned, unit="currencyKRW", width=6),
            figure("Kept", "Taken and not given back.", f"{taken} - {returned}", unit="currencyKRW", width=6),
            figure(
                "Oldest confirm",
                "How long a payment has waited for Toss's word; after 10 minutes Toss refuses it.",
                'max(momo_saga_oldest_age_seconds{saga="payment", state="CONFIRMING"})',
                unit="s",
                limits=(60, 900),
                width=6,
            ),
        ),
    )


def _flow() -> Row:
    return Row(
        "Flow",
        (
            lines(
                "Won an hour",
                "Taken and given back within the hour before.",
                Query(_won("taken", "1h"), "taken"),
                Query(_won("returned", "1h"), "given back"),
                unit="currencyKRW",
            ),
            lines(
                "Payments that ended",
                "A second: completed, failed, refunded in part or in full.",
                *(Query(_ended(end), end) for end in ("completed", "failed", "refunded")),
                unit="ops",
            ),
        ),
    )


def _under_way() -> Row:
    return Row(
        "On their way",
        (
            lines(
                "Payments by state",
                "Those that are not finished.",
                Query('max by (state) (momo_sagas{saga="payment"})', "{{state}}"),
            ),
            lines(
                "Oldest payment by state",
                "Timers end a pending one after 10 or 30 minutes; one that confirms is asked after each minute.",
                Query('max by (state) (momo_saga_oldest_age_seconds{saga="payment"})', "{{state}}"),
                unit="s",
                limits=(900, 2700),
            ),
            lines(
                "Seats by state",
                "Held until they are paid, and waiting in line.",
                Query('max by (state) (momo_sagas{saga="seat"})', "{{state}}"),
            ),
            lines(
                "Dead letters of payments",
                "Each may be somebody's money: `momo dlq list`.",
                Query('queue_kind:momo_queue_messages:max{queue=~"payment[.].+[.]dlq"}', "{{queue}}"),
                limits=(1,),
            ),
        ),
    )


def _toss() -> Row:
    return Row(
        "Toss",
        (
            lines(
                "Calls",
                "A second, by what is asked.",
                Query(f"sum by (queue) (rate(momo_effect_seconds_count{{{CALLS}}}[$__rate_interval]))", "{{queue}}"),
                unit="ops",
                width=8,
            ),
            lines(
                "Time of a call, 95 %",
                "Until Toss has answered.",
                Query(quantile(0.95, "momo_effect_seconds", CALLS, "queue"), "{{queue}}"),
                unit="s",
                width=8,
            ),
            lines(
                "Workers that can't reach Toss",
                "Their circuit breaker is not closed: charges and refunds wait, none is lost.",
                Query('sum(momo_breaker_state{breaker="toss", state="closed"} == bool 0)', "workers"),
                limits=(1,),
                width=8,
            ),
        ),
    )
