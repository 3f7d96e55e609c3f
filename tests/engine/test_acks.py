"""Acknowledgements: never for a message that is still in hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from momo.broker.acks import Ledger


@given(order=st.permutations(range(1, 13)), pauses=st.sets(st.integers(0, 11)))
def test_only_the_unbroken_run_of_settled_messages_is_acknowledged(order: list[int], pauses: set[int]) -> None:
    acks: list[int] = []
    ledger = Ledger(acks.append)

    for tag in sorted(order):
        ledger.take(tag)
    settled: set[int] = set()
    for number, tag in enumerate(order):
        ledger.settle(tag)
        settled.add(tag)
        if number in pauses:
            ledger.acknowledge()
            assert all(covered in settled for covered in range(1, max(acks, default=0) + 1))
    ledger.acknowledge()
    assert acks == sorted(set(acks))
    assert acks[-1] == 12
    assert ledger.held == 0


def test_a_message_in_hand_holds_back_the_acks_of_later_ones() -> None:
    acks: list[int] = []
    ledger = Ledger(acks.append)
    for tag in (1, 2, 3):
        ledger.take(tag)
    ledger.settle(2)
    ledger.settle(3)
    ledger.acknowledge()
    assert acks == []
    assert ledger.held == 3


def test_nothing_is_acknowledged_on_a_channel_that_is_gone() -> None:
    acks: list[int] = []
    ledger = Ledger(acks.append)
    ledger.take(1)
    ledger.settle(1)
    ledger.gone = True
    ledger.acknowledge()
    assert acks == []
    assert ledger.held == 0
