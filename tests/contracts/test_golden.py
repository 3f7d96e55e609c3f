"""The wire form of every contract, as other programs know it: a change to it shows here first."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from contracts import meeting, notification, payment, user
from contracts.base import Command, Event, Message
from contracts.examples import EXAMPLES
from contracts.topology import KEYS, QUEUES

GOLDEN = Path(__file__).parent / "golden"


def contracts() -> list[type[Message]]:
    """Every message class that the contracts define."""
    return [
        kind
        for module in (user, meeting, payment, notification)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Message) and kind not in (Command, Event)
    ]


def text_of(message: Message) -> bytes:
    """A message's golden file: its wire form, with line breaks that a reader may see changes by."""
    return msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n"


def path_of(contract: type[Message]) -> Path:
    return GOLDEN / f"{KEYS[contract]}.json"


def test_every_contract_has_an_example_and_a_golden_file() -> None:
    assert {type(example) for example in EXAMPLES} == set(contracts())
    assert {path_of(contract) for contract in contracts()} == set(GOLDEN.glob("*.json"))


def test_every_contract_has_a_route() -> None:
    assert set(contracts()) == set(KEYS) == {queue.contract for queue in QUEUES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_contract_is_written_as_its_golden_file(example: Message) -> None:
    assert text_of(example).decode() == path_of(type(example)).read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_golden_file_is_read_as_its_contract(example: Message) -> None:
    assert msgspec.json.decode(path_of(type(example)).read_bytes(), type=type(example)) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_reader_ignores_fields_of_a_newer_writer(example: Message) -> None:
    newer = {**json.loads(path_of(type(example)).read_bytes()), "addedLater": {"a": [1]}}
    assert msgspec.json.decode(json.dumps(newer).encode(), type=type(example)) == example


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.__name__)
def test_a_contract_can_not_be_changed_after_the_fact(contract: type[Message]) -> None:
    assert contract.__struct_config__.frozen
    assert issubclass(contract, Command) != issubclass(contract, Event)
