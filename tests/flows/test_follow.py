"""The seed's second flow: follow, store, push; and notices over a socket that comes and goes."""

from __future__ import annotations

from uuid import uuid4

from tests.flows.members import Stage


async def test_follow_is_stored_and_pushed_to_the_member_who_is_followed(stage: Stage) -> None:
    follower, followee = await stage.member(), await stage.member()
    async with followee.listens() as notices:
        assert (await follower.post(f"/users/{followee.member_id}/follow")).status == 204
        pushed = await notices.until("user.followed")
    [stored] = (await followee.get("/notifications"))["items"]
    assert pushed == stored
    profile = await follower.get(f"/users/{followee.member_id}")
    assert profile["followerCount"] == 1


async def test_socket_that_comes_back_gets_what_it_missed_once_and_in_order(stage: Stage) -> None:
    followee, followers = await stage.member(), [await stage.member() for _ in range(4)]
    async with followee.listens() as notices:
        await followers[0].post(f"/users/{followee.member_id}/follow")
        seen = (await notices.until("user.followed"))["sequence"]
    for follower in followers[1:3]:
        await follower.post(f"/users/{followee.member_id}/follow")
    async with followee.listens(after=seen) as again:
        await followers[3].post(f"/users/{followee.member_id}/follow")
        for _ in range(3):
            await again.until("user.followed")
    assert [notice["sequence"] for notice in again.heard] == [2, 3, 4]


async def test_every_socket_of_a_member_gets_each_notice(stage: Stage) -> None:
    follower, followee = await stage.member(), await stage.member()
    async with followee.listens() as one, followee.listens() as other:
        await follower.post(f"/users/{followee.member_id}/follow")
        assert await one.until("user.followed") == await other.until("user.followed")


async def test_same_key_and_request_is_one_command_and_another_request_is_refused(stage: Stage) -> None:
    follower, followee = await stage.member(), await stage.member()
    key = str(uuid4())
    path = f"/users/{followee.member_id}/follow"
    first, second = await follower.post(path, key=key), await follower.post(path, key=key)
    assert (first.status, second.status) == (204, 204)
    assert (await follower.post(path)).status == 409
    meeting = {"placeName": "여기", "latitude": 1, "longitude": 1, "capacity": 5, "categoryId": 1}
    times = {"startsAt": "2099-01-01T00:00:00Z", "endsAt": "2099-01-01T01:00:00Z"}
    key = str(uuid4())
    one = await follower.post("/meetings", {**meeting, **times, "title": "하나"}, key=key)
    assert one.status == 201
    other = await follower.post("/meetings", {**meeting, **times, "title": "둘"}, key=key)
    assert (other.status, other.body["type"].rpartition("/")[2]) == (422, "idempotency-key-reused")


async def test_command_without_wait_is_accepted_and_its_outcome_can_be_asked_for_by_its_sender_only(
    stage: Stage,
) -> None:
    follower, followee = await stage.member(), await stage.member()
    accepted = await follower.post(f"/users/{followee.member_id}/follow", Prefer="respond-async")
    assert accepted.status == 202
    location = accepted.headers["Location"].removeprefix("/api/v2")
    async with followee.listens() as notices:
        await notices.until("user.followed")
    outcome = await follower.get(location)
    assert (outcome["id"], outcome["state"]) == (accepted.body["id"], "done")
    stranger = await stage.request("GET", f"/api/v2{location}", **followee.headers)
    assert stranger.status == 404


async def test_withdrawn_member_gives_up_seats_and_meetings(stage: Stage) -> None:
    leaver, host, guest = await stage.member(), await stage.member(), await stage.member()
    joined, hosted = await host.opens(capacity=5), await leaver.opens(capacity=5)
    await leaver.joins(joined)
    await guest.joins(hosted)
    async with host.listens() as at_host, guest.listens() as at_guest:
        assert (await leaver.delete("/users/me")).status == 204
        await at_host.until("meeting.left")
        await at_guest.until("meeting.cancelled")
    assert (await host.get(f"/meetings/{joined}"))["seated"] == 1
    assert (await guest.post(f"/meetings/{hosted}/join")).status == 410
