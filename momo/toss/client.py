"""The client of Toss Payments: each call is bounded in time, in number and by a circuit breaker."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from momo.breaker import Breaker
from momo.toss import model
from momo.toss.model import Payment, Verdict


class TossError(Exception):
    """Toss did not do what was asked. `code` is its own where it gave one."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class TossRefused(TossError):
    """Refused for good, and no money moved: the same request can't succeed."""


class TossNotFound(TossError):
    """Toss knows no such payment, or its ten minutes are over."""


class TossSettled(TossError):
    """It was processed or cancelled before, perhaps by a request whose answer was lost: ask for the payment."""


class TossInProgress(TossError):
    """The same request, under the same idempotency key, is under way: whoever sent it will get the answer."""


class TossUnavailable(TossError):
    """Nothing may be concluded: the money may have moved or not. Ask again with the same idempotency key."""


class TossDown(TossUnavailable):
    """No answer, or one that says that Toss itself is in trouble: what opens the circuit."""


class TossClient:
    """An async context manager. `timeout` is in seconds and bounds one request; at most `concurrency` are under way;
    `traces` are told of each.

    Every method raises TossUnavailable, TossNotFound, TossRefused, TossSettled or TossInProgress, ValueError for a
    parameter that Toss could not accept, and BreakerOpen while the circuit is open: without asking, or in place of the
    TossDown that opened it or found it open.
    """

    def __init__(
        self,
        base_url: str,
        secret_key: str,
        *,
        timeout: float = 10.0,
        concurrency: int = 32,
        traces: Sequence[aiohttp.TraceConfig] = (),
    ) -> None:
        self.breaker = Breaker("toss", counted=(TossDown,))
        self._base_url = base_url.rstrip("/")
        self._auth = "Basic " + b64encode(f"{secret_key}:".encode()).decode()
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._concurrency = concurrency
        self._traces = list(traces)
        # Waiting for a slot must not count against a request's time-out: a full house is not an outage of Toss.
        self._slots = asyncio.Semaphore(concurrency)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": self._auth},
            timeout=self._timeout,
            connector=aiohttp.TCPConnector(limit=self._concurrency),
            trace_configs=self._traces,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def confirm(self, payment_key: str, order_id: str, amount: int, *, idempotency_key: str) -> Payment:
        """Takes `amount` KRW. The key must never change for this order: another key may charge twice."""
        asked = {"paymentKey": _payment_key(payment_key), "orderId": _order_id(order_id), "amount": amount}
        payment = await self._ask("POST", "/v1/payments/confirm", asked, idempotency_key)
        return _about(payment, payment_key=payment_key, order_id=order_id, total_amount=amount)

    async def cancel(self, payment_key: str, reason: str, amount: int | None, *, idempotency_key: str) -> Payment:
        """Gives back `amount` KRW, or all that is left. Each refund needs a key of its own: a used one gives nothing.

        `reason` is cut to 200 characters.
        """
        path = f"/v1/payments/{quote(_payment_key(payment_key), safe='')}/cancel"
        asked = {"cancelReason": reason[: model.REASON_LIMIT]} | ({} if amount is None else {"cancelAmount": amount})
        return _about(await self._ask("POST", path, asked, idempotency_key), payment_key=payment_key)

    async def find(self, payment_key: str) -> Payment:
        """The payment as it stands now."""
        payment = await self._ask("GET", f"/v1/payments/{quote(_payment_key(payment_key), safe='')}")
        return _about(payment, payment_key=payment_key)

    async def find_order(self, order_id: str) -> Payment:
        """The payment of an order as it stands now: how to learn what became of a confirm whose answer never came."""
        return _about(await self._ask("GET", f"/v1/payments/orders/{_order_id(order_id)}"), order_id=order_id)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Payment:
        headers = {} if key is None else {"Idempotency-Key": _idempotency_key(key)}
        try:
            async with self._slots, self.breaker:
                status, content = await self._exchange(method, path, body, headers)
                if status == HTTPStatus.OK:
                    return _decoder.decode(content)
                raise _refusal(status, content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TossUnavailable("UNREADABLE_ANSWER", str(error)) from error

    async def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise RuntimeError("TossClient is used outside its `async with`")
        url = URL(self._base_url + path, encoded=True)
        try:
            async with self._session.request(method, url, json=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TossDown("NO_ANSWER", f"{method} {path}: {type(error).__name__} {error}") from error


def _refusal(status: int, content: bytes) -> TossError:
    failed = model.failure(content)
    if model.is_outage(status):
        return TossDown(failed.code, failed.message)
    return _ERRORS[model.verdict(status, failed.code)](failed.code, failed.message)


def _about(payment: Payment, **asked: str | int) -> Payment:
    """`payment`, if it is what was asked about: an idempotency key used before replays the answer of another order."""
    differs = {name: getattr(payment, name) for name, value in asked.items() if getattr(payment, name) != value}
    if differs:
        raise TossUnavailable("ANSWER_MISMATCH", f"asked for {asked}, answered with {differs}")
    return payment


def _payment_key(value: str) -> str:
    if not model.PAYMENT_KEY.fullmatch(value) or value in {".", ".."}:
        raise ValueError(f"paymentKey {value!r}: 1 to 200 visible ASCII characters without a slash expected")
    return value


def _order_id(value: str) -> str:
    if not model.ORDER_ID.fullmatch(value):
        raise ValueError(f"orderId {value!r}: 6 to 64 characters of A-Z a-z 0-9 - _ expected")
    return value


def _idempotency_key(value: str) -> str:
    if not 1 <= len(value) <= model.IDEMPOTENCY_KEY_LIMIT or not value.isascii() or not value.isprintable():
        raise ValueError(f"idempotency key of {len(value)} characters: 1 to 300 visible ASCII characters expected")
    return value


_decoder = msgspec.json.Decoder(Payment)
_ERRORS: dict[Verdict, type[TossError]] = {
    Verdict.FINAL: TossRefused,
    Verdict.RETRYABLE: TossUnavailable,
    Verdict.SETTLED: TossSettled,
    Verdict.IN_PROGRESS: TossInProgress,
    Verdict.NOT_FOUND: TossNotFound,
    Verdict.UNKNOWN: TossUnavailable,
}
