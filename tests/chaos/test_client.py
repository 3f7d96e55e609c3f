"""The rig's client: it sends a command until it knows, always as the same command, and notices what contradicts."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from momo.chaos import client as clients
from momo.chaos.client import Client, Command
from momo.chaos.outcome import Known
from momo.gateway.tokens import Tokens

ID = {"Command-Id": "c1"}
Answer = Callable[[], web.Response]


@pytest.fixture(autouse=True)
def _one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TWICE", 0.0)
    monkeypatch.setattr(clients, "LONGEST_PAUSE", 0.05)


class Gateway:
    """Answers each request as the next of `answers` says, and remembers method, path and key."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, request.headers.get("Idempotency-Key", "")))
        return self.answers.pop(0)()


@asynccontextmanager
async def talking(gateway: Gateway, *, nobody: bool = True) -> AsyncIterator[tuple[Client, list[str]]]:
    """A client of `gateway`, and of one that is not there if `nobody`; and what it has found to contradict."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    contradictions: list[str] = []
    tokens = Tokens("a secret of thirty-two characters or more")
    chance = random.Random(1)
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        urls = [f"http://127.0.0.1:{port}", *(["http://127.0.0.1:1"] if nobody else [])]
        yield Client(session, urls, tokens, chance, lambda _, what: contradictions.append(what)), contradictions
    await runner.cleanup()


def accepted() -> web.Response:
    return web.json_response({"state": "pending"}, status=202, headers=ID)


def pending() -> web.Response:
    return web.json_response({"state": "pending"})


def done() -> web.Response:
    return web.json_response({"state": "done", "status": 200, "result": {"b": 1, "a": 2}})


def answered() -> web.Response:
    return web.json_response({"a": 2, "b": 1}, headers=ID)


def refused() -> web.Response:
    return web.json_response({"type": "/problems/no-place", "status": 404}, status=404, headers=ID)


def busy() -> web.Response:
    return web.json_response({}, status=503, headers={"Retry-After": "0"})


def wrong() -> web.Response:
    return web.json_response({"type": "/problems/not-found"}, status=404)


async def settled(client: Client) -> Command:
    command = client.command("join", 7, "POST", "/meetings/1/join")
    await client.settle(command)
    return command


async def test_request_that_fails_is_sent_again_with_the_same_key_until_it_is_accepted() -> None:
    gateway = Gateway(busy, busy, accepted, pending, busy, done)
    async with talking(gateway) as (client, contradictions):
        command = await settled(client)
    assert command.outcome == Known("done", 200, '{"a":2,"b":1}')
    posts, asks = gateway.asked[:3], gateway.asked[3:]
    assert set(posts) == {("POST", "/api/v2/meetings/1/join", command.key)}
    assert {path for _, path, _ in asks} == {"/api/v2/commands/c1"}
    assert contradictions == []


async def test_outcome_is_the_same_whether_answered_or_asked_for() -> None:
    async with talking(Gateway(answered)) as (client, _):
        assert (await settled(client)).outcome == Known("done", 200, '{"a":2,"b":1}')
    async with talking(Gateway(refused)) as (client, _):
        assert (await settled(client)).outcome == Known("refused", 404, "no-place")


async def test_second_outcome_that_differs_contradicts() -> None:
    async with talking(Gateway(accepted, done, refused, refused, refused, refused)) as (client, contradictions):
        command = await settled(client)
        while not contradictions:
            await client.look_again(command)
    assert contradictions == ['it was told done 200 {"a":2,"b":1}, and then refused 404 no-place']


async def test_command_that_is_sent_twice_at_once_must_end_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TWICE", 1.0)
    gateway = Gateway(answered, refused)
    async with talking(gateway, nobody=False) as (client, contradictions):
        await settled(client)
    assert len({key for _, _, key in gateway.asked}) == 1
    assert len(contradictions) == 1


async def test_request_that_no_repeat_can_help_is_rejected_with_the_answer() -> None:
    async with talking(Gateway(wrong)) as (client, _):
        command = await settled(client)
    assert command.outcome is None
    assert "404" in command.rejected
