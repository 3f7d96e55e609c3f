"""What the OpenAPI document says that the routes' types do not: how commands are answered, and every problem."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Schema
from litestar.routes import BaseRoute, HTTPRoute
from litestar.typing import FieldDefinition

from contracts.outcome import FieldError
from momo.gateway.bodies import Body
from momo.gateway.commands import Pending

Responses = dict[int, ResponseSpec]


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details; `type` is stable, `errors` names the fields that are wrong."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


class CommandReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a command stands: pending, done with its result, refused or failed with its problem."""

    id: str
    state: str
    status: int = 0
    result: Any = None
    problem: ProblemDocument | None = None


class Bodies(StructSchemaPlugin):
    """Says of bodies that a field which is not named is refused."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return super().is_plugin_supported_field(field_definition) and field_definition.is_subclass_of(Body)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        return schema


def content(kind: Any, description: str, status: int = 200) -> Responses:
    """An answer of the shape `kind` that a route's return type does not tell."""
    return {status: ResponseSpec(kind, description=description, generate_examples=False)}


def outcome(status: int = 204, kind: Any = None) -> Responses:
    """The answers to a command: 202 at once, or with `Prefer: wait` its result of the shape `kind` and `status`."""
    described = "The command is carried out; with `Prefer: wait`."
    return content(Pending, "Accepted; ask its Location for the outcome.", 202) | content(kind, described, status)


def document(routes: Iterable[BaseRoute]) -> None:
    """Adds to every operation of `routes` that any other answer is a problem."""
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            handler.responses = {**_problems(handler), **(handler.responses or {})}


def _problems(handler: HTTPRouteHandler) -> Responses:
    told = {400: "The request is not valid; `errors` names what is wrong."}
    if handler.security:
        told[401] = "An access token is needed, or the one that was sent has expired."
    problems: dict[Any, str] = {**told, "default": "Refused, or not possible now; `type` says which."}
    return {
        status: ResponseSpec(
            ProblemDocument, description=text, media_type="application/problem+json", generate_examples=False
        )
        for status, text in problems.items()
    }
