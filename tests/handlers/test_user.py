"""The user service's decisions: accounts and follows."""

from __future__ import annotations

import pytest

from contracts.user import (
    FollowUser,
    RegisterUser,
    UnfollowUser,
    UserFollowed,
    UserRegistered,
    UserWithdrawn,
    WithdrawUser,
)
from handlers.user import follow, register, rules, unfollow, withdraw
from handlers.user.records import Follow, User
from tests.handlers.harness import NOW, Service, of, problem, result


def registration(email: str = "minsu@example.kr", nickname: str = "민수") -> RegisterUser:
    return RegisterUser(email=email, nickname=nickname, password_hash="$argon2id$x")


def members(number: int) -> Service:
    return Service(
        *(
            User(user_id=i, email=f"{i}@x.kr", nickname=f"n{i}", password_hash="h", created_at=NOW)
            for i in range(1, number + 1)
        )
    )


def follows(service: Service, follower: int, followee: int) -> None:
    command = FollowUser(follower_id=follower, follower_nickname="x", followee_id=followee)
    assert result(service.handle(follow.decide, command)) is None


def check_counters(service: Service) -> None:
    rows = service.all(Follow)
    for user in service.all(User):
        assert user.following_count == sum(row.follower_id == user.user_id for row in rows)
        assert user.follower_count == sum(row.followee_id == user.user_id for row in rows)


def run_withdrawal(service: Service, user_id: int) -> int:
    """Delivers what a withdrawal sends, commands to itself included; how many withdraw commands it took."""
    queue: list[object] = [WithdrawUser(user_id=user_id)]
    rounds = 0
    while queue:
        command = queue.pop(0)
        if isinstance(command, WithdrawUser):
            rounds += 1
            decision = service.handle(withdraw.decide, command)
        elif isinstance(command, UnfollowUser):
            decision = service.handle(unfollow.decide, command)
        else:
            continue
        queue += decision.sends
        check_counters(service)
    return rounds


def test_registering_makes_an_account_and_announces_it() -> None:
    service = Service()
    decision = service.handle(register.decide, registration())
    assert decision.outcome.status == 201  # type: ignore[union-attr]
    (user,) = service.all(User)
    assert result(decision).user_id == user.user_id
    assert decision.sends == (UserRegistered(user_id=user.user_id, nickname="민수", registered_at=NOW),)


@pytest.mark.parametrize("email", ["minsu@example.kr", "Minsu@Example.KR", " MINSU@example.kr "])
def test_an_email_is_registered_once_in_whatever_case(email: str) -> None:
    service = Service()
    service.handle(register.decide, registration())
    assert problem(service.handle(register.decide, registration(email, "다른이"))).type == "email-taken"


def test_a_nickname_is_registered_once() -> None:
    service = Service()
    service.handle(register.decide, registration())
    assert problem(service.handle(register.decide, registration("b@x.kr"))).type == "nickname-taken"


@pytest.mark.parametrize(
    ("email", "nickname", "field"),
    [
        ("no-at", "민수", "$.email"),
        ("a@b", "민수", "$.email"),
        ("a@" + "b" * 190 + ".kr", "민수", "$.email"),
        ("a@withdrawn.invalid", "민수", "$.email"),
        ("a@b.kr", "민", "$.nickname"),
        ("a@b.kr", "x" * 21, "$.nickname"),
        ("a@b.kr", "Withdrawn-7", "$.nickname"),
        ("a@b.kr", "줄\n바꿈", "$.nickname"),
    ],
)
def test_what_cannot_be_registered_is_named(email: str, nickname: str, field: str) -> None:
    refused = problem(Service().handle(register.decide, registration(email, nickname)))
    assert (refused.status, [error.field for error in refused.errors]) == (422, [field])


def test_following_counts_on_both_sides_and_is_announced() -> None:
    service = members(2)
    follows(service, 1, 2)
    check_counters(service)
    assert service.get(User, 2).follower_count == 1
    announced = UserFollowed(follower_id=1, follower_nickname="n1", followee_id=2, followed_at=NOW)
    assert service.sent == [announced]


@pytest.mark.parametrize(
    ("follower", "followee", "status"), [(1, 1, 409), (1, 9, 404), (9, 1, 404), (1, 3, 404), (3, 1, 404), (1, 2, 409)]
)
def test_following_is_refused(follower: int, followee: int, status: int) -> None:
    service = members(3)
    follows(service, 1, 2)
    service.handle(withdraw.decide, WithdrawUser(user_id=3))
    command = FollowUser(follower_id=follower, follower_nickname="x", followee_id=followee)
    assert problem(service.handle(follow.decide, command)).status == status


def test_unfollowing_takes_the_row_and_both_counts_away() -> None:
    service = members(2)
    follows(service, 1, 2)
    service.handle(unfollow.decide, UnfollowUser(follower_id=1, followee_id=2))
    assert service.all(Follow) == []
    check_counters(service)


def test_unfollowing_a_stranger_is_refused() -> None:
    assert problem(members(2).handle(unfollow.decide, UnfollowUser(follower_id=1, followee_id=2))).status == 404


def test_withdrawing_leaves_nothing_that_tells_who_it_was() -> None:
    service = members(1)
    decision = service.handle(withdraw.decide, WithdrawUser(user_id=1))
    user = service.get(User, 1)
    assert (user.email, user.nickname, user.password_hash) == ("withdrawn-1@withdrawn.invalid", "withdrawn-1", "")
    assert user.withdrawn_at == NOW
    assert of(UserWithdrawn, decision.sends) == [UserWithdrawn(user_id=1, withdrawn_at=NOW)]


def test_withdrawing_ends_every_follow_in_chunks_and_then_ends() -> None:
    number = 2 * rules.CHUNK + 7
    service = members(number)
    for other in range(2, number + 1):
        follows(service, other, 1)
    for other in range(2, rules.CHUNK + 3):
        follows(service, 1, other)
    assert run_withdrawal(service, 1) == 1 + 3
    assert service.all(Follow) == []
    assert len(of(UserWithdrawn, service.sent)) == 1


def test_withdrawing_twice_announces_once() -> None:
    service = members(2)
    follows(service, 1, 2)
    run_withdrawal(service, 1)
    before = service.snapshot()
    run_withdrawal(service, 1)
    assert service.snapshot() == before
    assert len(of(UserWithdrawn, service.sent)) == 1


def test_an_unknown_member_cannot_withdraw() -> None:
    assert problem(Service().handle(withdraw.decide, WithdrawUser(user_id=1))).status == 404
