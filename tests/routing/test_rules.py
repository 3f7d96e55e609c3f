"""The table agrees with the gateways: each route is in one rule, that of its own service, or is kept from balancers."""

from __future__ import annotations

import pytest

from momo.gateway.app import build
from momo.routing.rules import KEPT, RULES, Rule
from momo.settings import SERVICES, Settings


def paths(service: str) -> set[str]:
    """Every address that `momo serve SERVICE` has a route for."""
    return {route.path for route in build(Settings(), [service]).routes}


SHARED = set.intersection(*map(paths, SERVICES))


def matching(path: str) -> list[Rule]:
    return [rule for rule in RULES if rule.matches(path)]


def kept(path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in KEPT)


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_is_matched_by_its_own_rule_alone(service: str) -> None:
    own = paths(service) - SHARED
    assert own
    for path in own:
        assert [rule.services for rule in matching(path)] == [(service,)], path
        assert not kept(path), path


def test_what_every_gateway_answers_goes_to_any_of_them_or_is_kept() -> None:
    passed_on = {path for path in SHARED if not kept(path)}
    assert {path.rpartition("/")[0] for path in passed_on} == {"/api/v2/commands"}
    for path in SHARED:
        found = [rule.services for rule in matching(path)]
        assert found == ([SERVICES] if path in passed_on else []), path


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_answers_what_belongs_to_another(service: str) -> None:
    others = {path for other in SERVICES if other != service for path in paths(other) - SHARED}
    assert not paths(service) & others


def test_console_is_kept() -> None:
    console = paths("console") - SHARED
    assert console
    assert all(kept(path) and not matching(path) for path in console)


def test_rule_matches_whole_segments_only() -> None:
    rule = next(rule for rule in RULES if rule.name == "meeting")
    assert rule.matches("/api/v2/meetings")
    assert rule.matches("/api/v2/meetings/7/join")
    assert not rule.matches("/api/v2/meetingsandmore")
