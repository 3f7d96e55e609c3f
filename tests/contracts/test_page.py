"""`/console/asyncapi` as a browser is given it: to admins, revalidated, with nothing in it that may run."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.testing import TestClient

from momo.asyncapi.document import document
from momo.asyncapi.page import STYLES
from momo.asyncapi.routes import HANDLERS as ROUTES
from momo.console.access import COOKIE, Passes
from momo.console.pages import HANDLERS as PAGES
from momo.gateway.problems import HANDLERS as PROBLEMS
from momo.gateway.tokens import Member, Tokens

SECRET = "a secret of thirty-two characters"
BOTH = pytest.mark.parametrize("path", ["/console/asyncapi", "/console/asyncapi.json"])


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """The routes alone: no server is needed."""
    resources = SimpleNamespace(tokens=Tokens(SECRET), console=SimpleNamespace(passes=Passes(SECRET)))
    app = Litestar(
        [Router("/console", route_handlers=[*ROUTES, *PAGES])],
        state=State({"resources": resources}),
        exception_handlers=PROBLEMS,
        openapi_config=None,
    )
    with TestClient(app) as running:
        yield running


def member(role: str) -> Member:
    return Member(member_id=1, nickname="모모", role=role)


def token(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {Tokens(SECRET).sign(member(role))}"}


@BOTH
def test_it_is_for_admins_by_token_or_by_the_consoles_cookie(client: TestClient[Litestar], path: str) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers=token("member")).status_code == 403
    assert client.get(path, headers=token("admin")).status_code == 200
    shown = {"Cookie": f"{COOKIE}={Passes(SECRET).sign(member('admin'))}"}
    assert client.get(path, headers=shown).status_code == 200


@BOTH
def test_what_has_not_changed_is_not_sent_again(client: TestClient[Litestar], path: str) -> None:
    first = client.get(path, headers=token("admin"))
    again = client.get(path, headers={**token("admin"), "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(first.content) > 10_000


def test_the_page_is_html_that_no_script_can_run_in(client: TestClient[Litestar]) -> None:
    answer = client.get("/console/asyncapi", headers=token("admin"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert "meeting.join.queue" in answer.text


def test_its_styles_are_there(client: TestClient[Litestar]) -> None:
    assert STYLES in client.get("/console/asyncapi", headers=token("admin")).text
    answer = client.get(STYLES)
    assert answer.headers["content-type"].startswith("text/css")
    assert "light-dark" in answer.text


def test_the_json_is_the_document(client: TestClient[Litestar]) -> None:
    answer = client.get("/console/asyncapi.json", headers=token("admin"))
    assert answer.headers["content-type"] == "application/json"
    assert msgspec.json.decode(answer.content) == document()
