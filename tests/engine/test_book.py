"""The book of a flush: what one decision leaves is what the next one finds, by every key that is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, ClassVar

import msgspec
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from momo.actors import Keys, Record, State
from momo.actors.book import Book
from momo.actors.state import loads_of
from momo.settings import Settings
from momo.store.connection import Connection, connected


class Member(Record, frozen=True, kw_only=True):
    table: ClassVar = "book_members"
    key: ClassVar = ("member_id",)
    member_id: int
    email: str
    points: int = 0


class Ask(msgspec.Struct):
    ids: tuple[int, ...]


class Asked(State, frozen=True, kw_only=True):
    members: Annotated[tuple[Member, ...], Keys("ids")]


PRIMARY = (Member, ("member_id",))
UNIQUE = (Member, ("email",))


@pytest_asyncio.fixture(loop_scope="session")
async def members(engine_settings: Settings) -> AsyncIterator[Connection]:
    """A database with the members 1 (a@x) and 2 (b@x)."""
    async with connected(engine_settings.meeting_db_url) as database:
        await database.change(
            "CREATE TEMPORARY TABLE book_members (member_id BIGINT PRIMARY KEY, email VARCHAR(50) NOT NULL UNIQUE,"
            " points INT NOT NULL) DEFAULT CHARSET utf8mb4"
        )
        await database.change("INSERT INTO book_members VALUES (1, 'a@x', 0), (2, 'b@x', 0)")
        yield database


async def loaded(database: Connection) -> Book:
    book = Book()
    await database.read(book.locks({PRIMARY: {(1,), (2,), (9,)}, UNIQUE: {("a@x",), ("c@x",)}}))
    return book


async def stored(database: Connection, book: Book) -> list[tuple[object, ...]]:
    for statement in book.statements():
        await database.change(statement)
    return await database.rows("SELECT * FROM book_members ORDER BY member_id")


async def test_a_load_by_a_list_finds_each_record_that_is_there_as_it_stands_now(members: Connection) -> None:
    [load], _ = loads_of(Asked)
    book = Book()
    await members.read(book.locks({PRIMARY: set(load.values(Ask(ids=(2, 9, 1, 2))))}))
    assert book.loaded(load, Ask(ids=(2, 9, 1, 2))) == (
        Member(member_id=2, email="b@x"),
        Member(member_id=1, email="a@x"),
    )
    book.save(Member(member_id=9, email="n@x"))
    book.drop(Member(member_id=1, email="a@x"))
    assert book.loaded(load, Ask(ids=(1, 9))) == (Member(member_id=9, email="n@x"),)
    assert list(book.locks({PRIMARY: set(load.values(Ask(ids=())))})) == []


async def test_a_record_is_found_by_each_of_its_keys(members: Connection) -> None:
    book = await loaded(members)
    assert book.find(*PRIMARY, (1,)) == book.find(*UNIQUE, ("a@x",)) == Member(member_id=1, email="a@x")
    assert book.find(*PRIMARY, (9,)) is None
    assert book.find(*UNIQUE, ("c@x",)) is None


async def test_a_change_is_seen_by_the_decisions_after_it(members: Connection) -> None:
    book = await loaded(members)
    book.save(Member(member_id=1, email="a@x", points=5))
    found = book.find(*UNIQUE, ("a@x",))
    assert found == Member(member_id=1, email="a@x", points=5)
    book.save(replace(found, points=6))
    assert book.find(*PRIMARY, (1,)) == Member(member_id=1, email="a@x", points=6)
    assert await stored(members, book) == [(1, "a@x", 6), (2, "b@x", 0)]


async def test_a_changed_unique_column_moves_the_record_in_its_index(members: Connection) -> None:
    book = await loaded(members)
    book.save(Member(member_id=1, email="c@x"))
    assert book.find(*UNIQUE, ("a@x",)) is None
    assert book.find(*UNIQUE, ("c@x",)) == Member(member_id=1, email="c@x")


async def test_a_new_record_is_found_and_stored(members: Connection) -> None:
    book = await loaded(members)
    book.save(Member(member_id=9, email="c@x"))
    assert book.find(*UNIQUE, ("c@x",)) == book.find(*PRIMARY, (9,)) == Member(member_id=9, email="c@x")
    assert await stored(members, book) == [(1, "a@x", 0), (2, "b@x", 0), (9, "c@x", 0)]


async def test_a_dropped_record_is_gone_by_each_of_its_keys(members: Connection) -> None:
    book = await loaded(members)
    book.drop(Member(member_id=1, email="a@x"))
    assert book.find(*PRIMARY, (1,)) is None
    assert book.find(*UNIQUE, ("a@x",)) is None
    assert await stored(members, book) == [(2, "b@x", 0)]


async def test_what_is_dropped_may_give_its_unique_value_to_a_new_record(members: Connection) -> None:
    book = await loaded(members)
    book.drop(Member(member_id=1, email="a@x"))
    book.save(Member(member_id=9, email="a@x"))
    assert await stored(members, book) == [(2, "b@x", 0), (9, "a@x", 0)]


async def test_what_comes_and_goes_within_a_flush_writes_nothing(members: Connection) -> None:
    book = await loaded(members)
    book.save(Member(member_id=9, email="c@x"))
    book.drop(Member(member_id=9, email="c@x"))
    book.save(Member(member_id=1, email="a@x", points=1))
    book.save(Member(member_id=1, email="a@x"))
    assert list(book.statements()) == []


async def test_a_text_that_the_collation_calls_equal_is_found(members: Connection) -> None:
    book = Book()
    await members.read(book.locks({UNIQUE: {("A@X",)}}))
    assert book.find(*UNIQUE, ("A@X",)) == Member(member_id=1, email="a@x")


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from("abcd"), st.booleans()),
        max_size=12,
    )
)
def test_every_index_agrees_with_a_plain_dictionary(steps: list[tuple[int, str, bool]]) -> None:
    book = Book()
    book._indexes = {PRIMARY: {(n,): None for n in (1, 2, 3)}, UNIQUE: {(e,): None for e in "abcd"}}
    model: dict[int, Member] = {}
    for number, email, keep in steps:
        if keep:
            if any(m.email == email and m.member_id != number for m in model.values()):
                continue  # what a decision must refuse, and what the schema would
            model[number] = Member(member_id=number, email=email)
            book.save(model[number])
        elif number in model:
            book.drop(model.pop(number))
        assert {n: book.find(*PRIMARY, (n,)) for n in (1, 2, 3)} == {n: model.get(n) for n in (1, 2, 3)}
        by_email = {m.email: m for m in model.values()}
        assert {e: book.find(*UNIQUE, (e,)) for e in "abcd"} == {e: by_email.get(e) for e in "abcd"}
