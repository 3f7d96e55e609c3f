"""Argon2id runs beside the event loop, a few hashes at a time, and a secret is compared in constant time."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from momo.gateway.passwords import MOST_AT_ONCE, Passwords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords()


async def test_loop_goes_on_while_passwords_are_hashed(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hash waits until the loop has turned, which it never would on the loop's own thread."""
    turned = threading.Event()
    hashing = passwords._hasher.hash

    def slow(password: str) -> str:
        assert turned.wait(5)
        return str(hashing(password))

    monkeypatch.setattr(passwords, "_hasher", _Hasher(slow))
    waiting = asyncio.create_task(passwords.hash("a password"))
    await asyncio.sleep(0)
    turned.set()
    assert (await waiting).startswith("$argon2id$")
    passwords.close()


async def test_loop_is_late_by_no_more_than_a_hash_takes_while_twenty_members_log_in(passwords: Passwords) -> None:
    stored = await passwords.hash("a password")
    began = time.monotonic()
    await passwords.hash("another")
    alone = time.monotonic() - began
    late: list[float] = []

    async def tick() -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(0.001)
            late.append(time.monotonic() - asked)

    ticking = asyncio.create_task(tick())
    began = time.monotonic()
    assert all(await asyncio.gather(*(passwords.matches("a password", stored) for _ in range(20))))
    took = time.monotonic() - began
    ticking.cancel()
    assert len(late) > 20
    assert max(late) < max(0.1, took / 2), f"late by {max(late):.3f} s of {took:.3f} s; one hash takes {alone:.3f} s"
    passwords.close()


async def test_only_so_many_passwords_are_hashed_at_once(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def counted(password: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return password

    monkeypatch.setattr(passwords, "_hasher", _Hasher(counted))
    await asyncio.gather(*(passwords.hash(str(number)) for number in range(40)))
    assert most == MOST_AT_ONCE
    passwords.close()


async def test_parameters_are_argon2id_with_19_mib_and_two_passes(passwords: Passwords) -> None:
    found = extract_parameters(await passwords.hash("a password"))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)
    passwords.close()


async def test_account_that_does_not_exist_costs_as_much_as_one_that_does(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work is done: one hash, of the same parameters. Seconds would tell more of the machine."""
    stored = await passwords.hash("a password")
    checked: list[str] = []
    monkeypatch.setattr(passwords, "_hasher", _Checked(passwords._hasher, checked))
    assert not await passwords.matches("a password", None)
    assert not await passwords.matches("wrong", stored)
    nobody, somebody = checked
    assert somebody == stored
    assert extract_parameters(nobody) == extract_parameters(somebody)
    passwords.close()


@pytest.mark.parametrize("stored", ["", "no hash", "$argon2id$v=19$m=1,t=1,p=1$x$y"])
async def test_account_without_a_usable_hash_can_not_log_in(passwords: Passwords, stored: str) -> None:
    assert not await passwords.matches("", stored)
    passwords.close()


class _Hasher:
    """An argon2 hasher that hashes by `hash` alone."""

    def __init__(self, hashing: object) -> None:
        self.hash = hashing


class _Checked:
    """An argon2 hasher that remembers the hashes it has checked a password against."""

    def __init__(self, hasher: PasswordHasher, checked: list[str]) -> None:
        self.hash = hasher.hash
        self._verify = hasher.verify
        self._checked = checked

    def verify(self, stored: str, password: str) -> bool:
        self._checked.append(stored)
        return self._verify(stored, password)
