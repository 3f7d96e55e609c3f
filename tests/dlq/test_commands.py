"""The commands of operators as processes: `momo dlq` and `momo queues`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from contracts.user import RegisterUser
from momo.broker.envelope import seal
from momo.broker.failures import death
from momo.broker.identity import fresh_id
from momo.settings import Settings, environment
from tests.dlq.test_desk import dead
from tests.dlq.test_letters import REGISTER, SECRET
from tests.engine.counter import ADD, add
from tests.engine.engine import Engine


async def momo(settings: Settings, *words: str, code: int = 0, **variables: str) -> str:
    """What `momo WORDS` prints on stdout, or on stderr where its exit `code` is not 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "momo", *words),
        env={**os.environ, **environment(settings), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == code, (out, err)
    return (err if code else out).decode()


async def answered(settings: Settings, *words: str) -> Any:
    return msgspec.json.decode(await momo(settings, *words, "--json"))


async def test_an_operator_finds_edits_and_replays_a_letter(engine: Engine, tmp_path: Path) -> None:
    [sent] = await engine.send(dead(add(1, 5, "boom")))
    listing = await answered(engine.settings, "dlq", "list")
    [group] = listing["groups"]
    assert (group["queue"], group["count"], group["example"]) == ("meeting.join.dlq", 1, sent)
    body = tmp_path / "body.json"
    body.write_bytes(msgspec.json.encode(add(1, 6)))
    await momo(engine.settings, "dlq", "edit", sent, "--body", str(body), "--by", "lee")
    shown = await answered(engine.settings, "dlq", "show", sent)
    assert [(one["body"]["memberId"], one["editedBy"]) for one in shown["letters"]] == [(6, "lee")]
    dry = await answered(engine.settings, "dlq", "replay", "--fingerprint", group["fingerprint"], "--dry-run")
    assert (dry["letters"], dry["dryRun"], await engine.depth(ADD.name)) == (1, True, 0)
    done = await answered(engine.settings, "dlq", "replay", sent, "--rate", "100/s", "--by", "lee")
    assert (done["queues"], done["ids"]) == ({ADD.name: 1}, [sent])
    message = await engine.take(ADD.name)
    assert msgspec.json.decode(message.body)["memberId"] == 6
    acts = (await answered(engine.settings, "dlq", "audit"))["acts"]
    assert [(act["act"], act["operator"], act["messageId"], act["state"]) for act in acts] == [
        ("replay", "lee", sent, "done"),
        ("edit", "lee", sent, "done"),
    ]


async def test_a_letter_is_edited_in_the_operators_editor_which_sees_no_secret(engine: Engine, tmp_path: Path) -> None:
    account = RegisterUser(email="a@b.kr", nickname="before", password_hash=SECRET)
    sealed = replace(
        seal(account, message_id=fresh_id()),
        exchange="",
        routing_key=REGISTER.dead_letter_queue,
        headers=death(REGISTER, "failed", ValueError()),
    )
    [sent] = await engine.send(sealed)
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/seen\nsed -i s/before/after/ "$1"\n')
    editor.chmod(0o700)
    await momo(engine.settings, "dlq", "edit", sent, EDITOR=str(editor))
    assert SECRET not in (tmp_path / "seen").read_text()
    assert SECRET not in await momo(engine.settings, "dlq", "show", "--queue", REGISTER.name)
    letter = await engine.take(REGISTER.dead_letter_queue)
    assert msgspec.json.decode(letter.body, type=RegisterUser) == msgspec.structs.replace(account, nickname="after")


async def test_what_is_printed_for_people_steers_no_terminal(engine: Engine) -> None:
    await engine.send_raw(ADD, b"", {}, message_id="m")
    await engine.take(ADD.name)
    letter = replace(dead(add(1), "odd [bold]\x1b[2J[/]"), message_id="m-\x1b[31m", body=b"\x1b[2J no json")
    await engine.send(letter)
    for words in (("list",), ("show", "--queue", ADD.name)):
        printed = await momo(engine.settings, "dlq", *words, COLUMNS="300")
        assert "\x1b" not in printed
        assert "odd [bold]\\x1b" in printed


async def test_a_letter_is_dropped_only_with_a_reason(engine: Engine) -> None:
    [sent] = await engine.send(dead(add(1)))
    assert "--reason" in await momo(engine.settings, "dlq", "drop", sent, code=2)
    assert await engine.depth(ADD.dead_letter_queue) == 1
    assert "drop 1 of meeting.join.queue" in await momo(engine.settings, "dlq", "drop", sent, "--reason", "a test's")
    assert "no dead letters" in await momo(engine.settings, "dlq", "list", "--queue", ADD.name)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("dlq", "replay"), "say which letters"),
        (("dlq", "replay", "none", "--queue", ADD.name), "no letter has the id"),
        (("dlq", "show"), "say which"),
        (("dlq", "replay", "--older-than", "soon"), "is no time span"),
        (("dlq", "replay", "--queue", ADD.name, "--rate", "0"), "is no rate"),
        (("dlq", "--folder", "/nowhere", "list"), "no MOMO runs in"),
        (("queues", "resume", "meeting.leave.queue"), "no queue is called"),
    ],
)
async def test_what_can_not_be_done_is_said_on_stderr(engine: Engine, words: tuple[str, ...], says: str) -> None:
    assert says in await momo(engine.settings, *words, code=2)


async def test_a_broker_that_is_away_is_one_line(engine: Engine) -> None:
    away = replace(engine.settings, amqp_url="amqp://guest:guest@127.0.0.1:1/")
    said = await momo(away, "dlq", "list", code=2)
    assert said.count("\n") == 1
    assert said.startswith("momo: the broker")
