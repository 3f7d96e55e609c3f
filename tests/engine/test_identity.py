"""Message ids: derived again from the same request or cause, never the same for another."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momo.broker.identity import business_id, command_id, derived_id, fresh_id, id_of_text, issued_to, service_of
from momo.settings import SERVICES

SECRET = b"x" * 32
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def ask(**given: str | None) -> UUID:
    request = {"sender": "member:1", "service": "meeting", "method": "POST", "path": "/m/1/seat", "key": "k"}
    return command_id(SECRET, **{**request, **given})  # type: ignore[arg-type]


@given(sender=TEXT, path=TEXT, key=TEXT, service=st.sampled_from(SERVICES))
def test_a_request_with_a_key_has_one_id_that_says_whose_it_is(sender: str, path: str, key: str, service: str) -> None:
    first, again = (ask(sender=sender, path=path, key=key, service=service) for _ in range(2))
    assert first == again
    assert first.version == 8
    assert service_of(first) == service
    assert issued_to(SECRET, first, sender)
    assert not issued_to(SECRET, first, sender + "x")
    assert not issued_to(b"y" * 32, first, sender)


def test_whatever_differs_in_a_request_makes_another_id() -> None:
    ids = {ask(), ask(sender="member:2"), ask(method="PUT"), ask(path="/m/2/seat"), ask(key="l"), ask(service="user")}
    assert len(ids) == 6


def test_without_a_key_each_request_is_another() -> None:
    assert len({ask(key=None) for _ in range(1_000)}) == 1_000


def test_an_altered_id_belongs_to_nobody() -> None:
    whole = ask().int
    assert not any(issued_to(SECRET, UUID(int=whole ^ (1 << bit)), "member:1") for bit in range(128))


def test_an_id_of_another_kind_names_no_sender() -> None:
    assert not issued_to(SECRET, UUID(fresh_id()), "member:1")
    assert not issued_to(SECRET, UUID(int=0), "")


def test_a_service_number_that_nobody_has_is_no_service() -> None:
    assert service_of(UUID(int=0xF << 72)) is None


@given(cause=st.binary(min_size=16, max_size=16), names=st.lists(TEXT, unique=True, max_size=20))
def test_what_a_message_sends_has_ids_of_its_own(cause: bytes, names: list[str]) -> None:
    ids = [derived_id(cause, name) for name in names]
    assert ids == [derived_id(cause, name) for name in names]
    assert len({*ids, str(UUID(bytes=cause))}) == len(names) + 1
    assert all(UUID(i).bytes[:6] == cause[:6] and UUID(i).version == 8 for i in ids)


def test_ten_thousand_causes_of_one_moment_send_different_ids() -> None:
    causes = [b"moment" + n.to_bytes(10, "big") for n in range(10_000)]
    assert len({derived_id(cause, str(i)) for cause in causes for i in range(3)}) == 30_000


@given(first=st.tuples(TEXT, TEXT), second=st.tuples(TEXT, TEXT))
def test_business_ids_are_equal_for_equal_keys_only(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert (business_id("q", first) == business_id("q", second)) == (first == second)
    assert business_id("p", first) != business_id("q", first)


def test_fresh_ids_sort_by_time() -> None:
    ids = [fresh_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)


@given(st.uuids())
def test_a_uuid_is_read_however_it_is_written(given: UUID) -> None:
    ways = (str(given), str(given).upper(), given.hex, f"{{{given}}}", given.urn)
    assert {id_of_text(text) for text in ways} == {given.bytes}


@pytest.mark.parametrize("text", ["", "x", "-" * 36, "0" * 36, "0000000 -0000-0000-0000-00000000 000", "é" * 36])
def test_what_is_no_uuid_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|non-hex"):
        id_of_text(text)
