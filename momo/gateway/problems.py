"""Every error as RFC 9457 problem+json: a stable type, a title, what to do, and the fields that are wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from contracts.outcome import FieldError, Problem
from momo.broker.publisher import PublishError
from momo.store.errors import StoreError, StoreUnavailable

logger = logging.getLogger(__name__)

TYPES = "/problems/"
"""What a problem's type begins with, on the wire: `/problems/meeting-full`."""

RETRY_AFTER_SECONDS = 2
"""What a client is told to wait while a dependency is away."""

FAILED = Problem(
    type="command-failed",
    title="The command could not be carried out",
    status=502,
    detail="The fault is ours. It is kept and may be run again by an operator; look at its Location later.",
)

_KINDS = {
    400: "bad-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "The address exists, but not for this method; the Allow header names those it has.",
    413: "The body of a request may have 64 KiB at most.",
}
_encode = msgspec.json.Encoder().encode
_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")


class ProblemError(Exception):
    """Answers the request with `problem`. `headers` go into the response."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{problem.status} {problem.type}: {problem.detail}")
        self.problem = problem
        self.headers = dict(headers or {})


def problem(
    kind: str,
    title: str,
    status: int,
    detail: str = "",
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemError:
    """What to raise: `kind` is the type's last part."""
    return ProblemError(Problem(type=kind, title=title, status=status, detail=detail, errors=tuple(errors)), headers)


def not_found(what: str) -> ProblemError:
    """404: `what` is the thing's name, as in "There is no such meeting."."""
    return problem("not-found", "Not found", 404, f"There is no such {what}.")


def refusal(status: int, detail: str = "") -> Problem:
    """What is wrong with a request that reached no route of ours; `detail` where the status has no text."""
    return Problem(
        type=_KINDS.get(status, "bad-request"),
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_DETAILS.get(status, detail),
    )


NOWHERE = refusal(404)
TOO_LARGE = refusal(413)


def invalid(field: str, detail: str) -> ProblemError:
    """400: one field or parameter of the request is wrong, and what would be right."""
    return problem("invalid-request", "The request is not valid", 400, errors=[FieldError(field=field, detail=detail)])


def unavailable(what: str) -> ProblemError:
    """503: `what` is away for now; the same request may be sent again."""
    return problem(
        "unavailable",
        "Not available right now",
        503,
        f"{what} can't be reached. Nothing is lost: send the same request again, with the same Idempotency-Key.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def wrong_field(error: msgspec.ValidationError) -> ProblemError:
    """400 for what msgspec found wrong in a body, with the field's JSON path."""
    text = str(error)
    match = _PATH.search(text)
    return invalid(match["path"] if match else "$", text[: match.start()] if match else text)


def on_the_wire(found: Problem) -> dict[str, Any]:
    """`found` as the members of a problem document, with its full type."""
    members: dict[str, Any] = msgspec.to_builtins(found)
    members["type"] = TYPES + found.type
    return members


def answer(found: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        content=_encode(on_the_wire(found)),
        status_code=found.status,
        media_type="application/problem+json",
        headers=dict(headers or {}),
    )


def on_problem(_: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return answer(error.problem, error.headers)


def on_invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """Parameters that the framework could not convert, by the names that the client knows."""
    extra = error.extra if isinstance(error.extra, list) else []
    known = request.route_handler.parsed_fn_signature.parameters
    names = {key: getattr(field.kwarg_definition, "name", None) or key for key, field in known.items()}
    keys = [str(found.get("key", "$")) for found in extra]
    errors = tuple(
        FieldError(field=names.get(key, key), detail=str(found.get("message", "")))
        for key, found in zip(keys, extra, strict=True)
    )
    return answer(
        Problem(
            type="invalid-request",
            title="The request is not valid",
            status=400,
            detail="" if errors else error.detail.partition(" for ")[0],
            errors=errors,
        )
    )


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: unknown addresses, methods, bodies that are too large."""
    if error.status_code >= 500:
        return on_crash(_, error)
    return answer(refusal(error.status_code, error.detail), error.headers)


def on_publish(request: Request[Any, Any, Any], error: PublishError) -> Response[bytes]:
    logger.warning("%s %s was not published: %s", request.method, request.scope["path"], error)
    return on_problem(request, unavailable("The message broker"))


def on_store(request: Request[Any, Any, Any], error: StoreError) -> Response[bytes]:
    if not isinstance(error, StoreUnavailable):
        return on_crash(request, error)
    logger.warning("%s %s: the database is away: %s", request.method, request.scope["path"], error)
    return on_problem(request, unavailable("The database"))


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A defect of ours: the log has the trace, the client a sentence."""
    logger.error("%s %s crashed", request.method, request.scope["path"], exc_info=error)
    return answer(
        Problem(
            type="internal-error",
            title="Something went wrong on our side",
            status=500,
            detail="The fault is ours and has been logged. Send the same request again, with the same Idempotency-Key.",
        )
    )


HANDLERS: dict[int | type[Exception], Any] = {
    ProblemError: on_problem,
    ValidationException: on_invalid,
    HTTPException: on_http,
    PublishError: on_publish,
    StoreError: on_store,
    Exception: on_crash,
}
