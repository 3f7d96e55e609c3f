"""The API keeps to its OpenAPI document, whatever is sent; the long run is `make fuzz`."""

from __future__ import annotations

from momo.local.servers import Servers
from tests.security.fuzz import fuzz


async def test_no_generated_request_gets_a_server_error_or_an_answer_that_breaks_the_schema(servers: Servers) -> None:
    found = await fuzz(servers, 5, "coverage", "fuzzing")
    assert not found.failed, found.failed
    assert found.requests > 500
