"""A fuzz run of the HTTP API from its own OpenAPI document, by schemathesis, against a whole MOMO: `make fuzz`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec

from momo.local.servers import Servers, private_servers
from momo.local.stage import prepare, whole
from tests.flows.members import Member, Stage

PROGRAM = Path(sys.executable).with_name("st")
EXCLUDED = (
    "positive_data_acceptance",  # a cursor is opaque, a category must exist: no schema can say so
    "ensure_resource_availability",  # what a command creates is there when it is carried out, not when it is accepted
    "allow_header_conformance",  # the framework's OPTIONS names the methods of the first handler of an address only
)
ME = "/api/v2/users/me"


class Fuzzed(msgspec.Struct, frozen=True):
    """What a run came to: requests sent, and what schemathesis printed of those that failed."""

    requests: int
    failed: str = ""


class _Cases(msgspec.Struct):
    generated: int
    with_failures: int
    errored: int


class _Report(msgspec.Struct):
    complete: bool
    test_cases: _Cases


async def fuzz(servers: Servers, examples: int, *phases: str) -> Fuzzed:
    """At most `examples` cases an operation in each of schemathesis's `phases` (all unless named): with made-up ids,
    with ids that there are, and, as they end an account, with what a member does to their own."""
    settings = await prepare(servers, "fuzz")
    async with whole(settings) as address, aiohttp.ClientSession(address) as client:
        stage = Stage(settings, client)
        member, other, leaver = [await stage.member() for _ in range(3)]
        known = await _places(member, other)
        runs = [
            await _run(address, member, examples, phases, "--exclude-path", ME),
            await _run(address, member, examples, phases, "--include-path-regex", "_id}", known=known),
            await _run(address, leaver, examples, phases, "--include-path", ME),
        ]
    return Fuzzed(sum(run.requests for run in runs), "\n".join(run.failed for run in runs if run.failed))


async def _places(member: Member, other: Member) -> dict[str, Any]:
    """A meeting of `member`'s and an order in it of their own, by the names of the parameters."""
    meeting = await other.opens(capacity=10, fee=10_000)
    seat = await member.joins(meeting)
    hosted = await member.opens(capacity=2)
    return {"path.meeting_id": hosted, "path.user_id": other.member_id, "path.order_id": seat["orderId"]}


async def _run(
    address: str,
    member: Member,
    examples: int,
    phases: Sequence[str],
    *which: str,
    known: dict[str, Any] | None = None,
) -> Fuzzed:
    with tempfile.TemporaryDirectory() as folder:
        report, configuration = Path(folder, "report.json"), _configuration(folder, known or {})
        child = await asyncio.create_subprocess_exec(
            PROGRAM, "--config-file", configuration, "run", f"{address}/schema/openapi.json", "--no-color",
            "--header", f"Authorization: {member.headers['Authorization']}",
            "--max-examples", str(examples), "--checks", "all", "--exclude-checks", ",".join(EXCLUDED),
            *(("--phases", ",".join(phases)) if phases else ()), *which, "--suppress-health-check", "all",
            "--generation-database", "none", "--report", "json", "--report-json-path", report,
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said = (await child.communicate())[0].decode()
        found = _read(report, said)
    clean = child.returncode == 0 and found.complete and not found.test_cases.with_failures
    return Fuzzed(found.test_cases.generated, "" if clean else said)


def _configuration(folder: str, known: dict[str, Any]) -> Path:
    file = Path(folder, "schemathesis.toml")
    file.write_text("\n".join(("[parameters]", *(f'"{name}" = {value!r}' for name, value in known.items()))))
    return file


def _read(report: Path, said: str) -> _Report:
    if not report.exists():
        raise RuntimeError(f"schemathesis made no report: {said[-2_000:]}")
    return msgspec.json.decode(report.read_bytes(), type=_Report)


async def main(examples: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with private_servers(Path(folder)) as servers:
            found = await fuzz(servers, examples)
    click.echo(found.failed or "no server error, and no answer that breaks the schema")
    click.echo(f"{found.requests} requests")
    return 1 if found.failed else 0


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, default=150, help="cases an operation and phase")
    sys.exit(asyncio.run(main(arguments.parse_args().examples)))
