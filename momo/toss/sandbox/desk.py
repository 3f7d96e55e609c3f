"""The sandbox's desk: a request passes authentication, idempotency and the switches before it meets the ledger."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request

from momo.toss import model
from momo.toss.model import Payment, Verdict
from momo.toss.sandbox.answers import STATUS, failed
from momo.toss.sandbox.faults import Faults
from momo.toss.sandbox.idempotency import Answer, Idempotency, Scope
from momo.toss.sandbox.ledger import KST, SESSION, Ledger, Refusal
from momo.toss.sandbox.webhooks import Webhooks

HANG_UP = "momo.hang_up"
"""The ASGI extension by which the server lets a handler drop the connection."""


class Desk:
    """All that one sandbox process knows."""

    def __init__(self, secret_key: str, faults: Faults, webhooks: Webhooks) -> None:
        self.faults = faults
        self.webhooks = webhooks
        self.ledger = Ledger(changed=self._changed)
        self._idempotency = Idempotency()
        self._credentials = "Basic " + base64.b64encode(f"{secret_key}:".encode()).decode()
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def checkout(self, order_id: str, amount: int, order_name: str) -> Payment:
        """Opens a payment, which expires by itself."""
        payment = self.ledger.checkout(order_id, amount, order_name, datetime.now(KST))
        expiry = asyncio.get_running_loop().call_later(SESSION.total_seconds(), self.ledger.expire, payment.payment_key)
        self._expiries[payment.payment_key] = expiry
        return payment

    async def stop(self) -> None:
        for expiry in self._expiries.values():
            expiry.cancel()
        await self.webhooks.stop()

    def admit(self, request: Request[Any, Any, Any]) -> None:
        """Raises Refusal for a wrong secret key, or when the request asks for an error by its header."""
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._credentials.encode()):
            raise Refusal("UNAUTHORIZED_KEY", "the secret key is not known")
        forced = request.headers.get("TossPayments-Test-Code")
        if forced is not None:
            raise Refusal(forced, "forced by TossPayments-Test-Code")

    async def read(self, find: Callable[[], Payment]) -> Answer:
        """Answers a query, late if the switches say so."""
        payment = find()
        await asyncio.sleep(self.faults.of(payment.order_id).delay_ms / 1000)
        return Answer(HTTPStatus.OK, msgspec.json.encode(payment))

    async def write(self, request: Request[Any, Any, Any], order_id: str, act: Callable[[], Payment]) -> Answer:
        """Does `act` at most once for the request's Idempotency-Key, and answers as the switches for the order say."""
        key = request.headers.get("Idempotency-Key")
        if not key:
            return await self._act(request, order_id, act)
        scope = Scope(key, request.headers["Authorization"], request.url.path, request.method)
        stored = self._idempotency.begin(scope, datetime.now(KST))
        if stored is not None:
            return stored
        answer: Answer | None = None
        try:
            answer = await self._act(request, order_id, act)
        finally:
            # An answer that invites another try must not be what that try is told.
            if answer is None or _invites_retry(answer):
                self._idempotency.release(scope)
            else:
                self._idempotency.finish(scope, answer)
        return answer

    def strike(self, order_id: str, payment_key: str, *, aborts: bool) -> None:
        """Raises Refusal when the switches say that this request fails."""
        code = self.faults.strike(order_id)
        if code is None:
            return
        message = "told to fail by the sandbox's switches"
        if aborts and model.verdict(STATUS.get(code, 400), code) is Verdict.FINAL:
            self.ledger.abort(payment_key, code, message)
        raise Refusal(code, message)

    async def _act(self, request: Request[Any, Any, Any], order_id: str, act: Callable[[], Payment]) -> Answer:
        fault = self.faults.of(order_id)
        try:
            answer = Answer(HTTPStatus.OK, msgspec.json.encode(act()))
        except Refusal as refusal:
            answer = failed(refusal.code, refusal.message)
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.hang_up:
            extensions: Any = request.scope["extensions"]
            extensions[HANG_UP]()
        return answer

    def _changed(self, payment: Payment) -> None:
        expiry = self._expiries.pop(payment.payment_key, None)
        if expiry is not None:
            expiry.cancel()
        self.webhooks.announce(payment)


def _invites_retry(answer: Answer) -> bool:
    if answer.status == HTTPStatus.OK:
        return False
    return model.verdict(answer.status, model.failure(answer.body).code) is Verdict.RETRYABLE
