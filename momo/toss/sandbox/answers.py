"""What the sandbox says when it says no: Toss's `{code, message}` bodies and the HTTP status of each code."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from momo.toss.model import Failure
from momo.toss.sandbox.idempotency import Answer
from momo.toss.sandbox.ledger import Refusal

STATUS = {
    "UNAUTHORIZED_KEY": 401,
    "FORBIDDEN_REQUEST": 403,
    "REJECT_CARD_PAYMENT": 403,
    "REJECT_CARD_COMPANY": 403,
    "NOT_CANCELABLE_PAYMENT": 403,
    "NOT_CANCELABLE_AMOUNT": 403,
    "NOT_FOUND_PAYMENT": 404,
    "NOT_FOUND_PAYMENT_SESSION": 404,
    "IDEMPOTENT_REQUEST_PROCESSING": 409,
    "TOO_MANY_REQUESTS": 429,
    "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING": 500,
}
"""Codes that are not answered with 400."""

log = logging.getLogger(__name__)


def failed(code: str, message: str, status: int | None = None) -> Answer:
    """An error's answer."""
    return Answer(status or STATUS.get(code, 400), msgspec.json.encode(Failure(code=code, message=message)))


def response(answer: Answer) -> Response[bytes]:
    return Response(answer.body, status_code=answer.status, media_type="application/json")


def on_refusal(_: Request[Any, Any, Any], error: Refusal) -> Response[bytes]:
    return response(failed(error.code, error.message))


def on_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    code = "INVALID_REQUEST" if error.status_code == HTTPStatus.BAD_REQUEST else "NOT_FOUND"
    return response(failed(code, error.detail, error.status_code))


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return response(failed("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "the sandbox itself failed"))
