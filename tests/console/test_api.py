"""The console's API: what it refuses says why, and changes nothing."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

from contracts.meeting import JoinMeeting
from momo.console.access import COOKIE, LONGEST_SECONDS, Passes
from momo.console.pages import pages
from momo.gateway.problems import ProblemError
from momo.gateway.tokens import Member, Tokens
from momo.local.demo_login import ADMIN
from momo.store.connection import connected
from tests.console.poison import QUEUE, dead, plant, poisoned
from tests.flows.members import Stage

ROOT = Path(__file__).parents[2]


async def ask(stage: Stage, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    async with stage.client.request(method, f"/console/api/{path}", json=body, headers=headers) as answer:
        return answer.status, await answer.json() if answer.content_length else None


async def test_edit_that_its_contract_does_not_take_says_what_is_wrong_and_changes_nothing(
    stage: Stage, admin: dict[str, str], no_letters: None
) -> None:
    poison = poisoned(JoinMeeting(meeting_id=1, member_id=2), meetingId="one")
    await plant(stage.settings, [poison])
    letter = {"queue": QUEUE.dead_letter_queue, "id": poison.message_id}
    await found(stage, admin, letter)
    for body, said in [
        ('{"meetingId": "two", "memberId": 2}', "Expected `int`, got `str` - at `$.meetingId`"),
        ('{"memberId": 2}', "missing required field `meetingId`"),
        ("{", "not JSON"),
    ]:
        status, problem = await ask(stage, "POST", "dead/edit", {**letter, "body": body}, **admin)
        assert (status, problem["type"]) == (422, "/problems/edit-refused")
        assert said in problem["detail"]
    shown = await found(stage, admin, letter)
    assert (shown["body"]["meetingId"], shown["editedBy"]) == ("one", "")


async def found(stage: Stage, admin: dict[str, str], letter: dict[str, str]) -> Any:
    """The letter, once it is there."""
    path = f"dead/letter?queue={letter['queue']}&id={letter['id']}"
    until = time.monotonic() + 10
    while (answer := await ask(stage, "GET", path, **admin))[0] != 200:
        assert time.monotonic() < until, answer
    return answer[1]


async def test_letter_that_is_gone_can_be_neither_shown_replayed_edited_nor_dropped(
    stage: Stage, admin: dict[str, str], no_letters: None
) -> None:
    letter = dead(1, "seat 1 is odd")
    await plant(stage.settings, [letter])
    chosen = {"queue": QUEUE.dead_letter_queue, "id": letter.message_id}
    await found(stage, admin, chosen)
    status, done = await ask(stage, "POST", "dead/drop", {**chosen, "reason": "a test's"}, **admin)
    assert (status, done["letters"], done["queues"]) == (200, 1, {QUEUE.name: 1})
    for path, more in [
        ("replay", {}),
        ("drop", {"reason": "again"}),
        ("edit", {"body": '{"meetingId":1,"memberId":2}'}),
    ]:
        status, problem = await ask(stage, "POST", f"dead/{path}", {**chosen, **more}, **admin)
        assert (status, problem["type"]) == (404, "/problems/letter-gone"), path
    [act, *_] = (await ask(stage, "GET", "acts", **admin))[1]["items"]
    assert (act["act"], act["messageId"], act["operator"]) == ("drop", letter.message_id, "ops (member:1)")
    assert (act["reason"], act["state"]) == ("a test's", "done")


async def test_filter_is_counted_before_it_is_replayed(stage: Stage, admin: dict[str, str], no_letters: None) -> None:
    await plant(stage.settings, [dead(n, f"seat {n} is odd") for n in range(3)] + [dead(9, "other")])
    _, groups = await ask(stage, "GET", "dead", **admin)
    while sum(group["count"] for group in groups["groups"]) < 4:
        _, groups = await ask(stage, "GET", "dead", **admin)
    largest = groups["groups"][0]
    assert (largest["count"], largest["error"]) == (3, "ValueError: seat # is odd")
    chosen = {"queue": largest["queue"], "fingerprint": largest["fingerprint"]}
    counted = await ask(stage, "POST", "dead/replay", {**chosen, "newerThan": "1h", "dryRun": True}, **admin)
    assert counted == (200, {"act": "replay", "dryRun": True, "letters": 3, "queues": {QUEUE.name: 3}, "held": 0})
    _, rows = await ask(
        stage, "GET", f"dead/letters?queue={chosen['queue']}&fingerprint={chosen['fingerprint']}", **admin
    )
    assert [row["error"] for row in rows["items"]] == [f"ValueError: seat {n} is odd" for n in range(3)]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "say which letters"),
        ({"olderThan": "soon"}, 422, "no time span"),
        ({"queue": "no.such.queue"}, 422, "no queue is called"),
        ({"queue": QUEUE.name, "rate": 0}, 400, "rate"),
        ({"queu": QUEUE.name}, 400, "queu"),
    ],
)
async def test_malformed_choice_is_refused(
    stage: Stage, admin: dict[str, str], body: Any, status: int, said: str
) -> None:
    answered, problem = await ask(stage, "POST", "dead/replay", body, **admin)
    assert answered == status
    assert said in str(problem)


async def test_cookie_acts_only_from_our_own_page(stage: Stage) -> None:
    token = Passes(stage.settings.token_secret).sign(Member(member_id=1, nickname="ops", role="admin"))
    cookie = {"Cookie": f"{COOKIE}={token}"}
    own = f"http://{stage.settings.host}:{stage.settings.port}"
    body = {"queue": QUEUE.name, "dryRun": True}
    for headers, status in [
        ({}, 403),
        ({"Origin": "https://elsewhere.test"}, 403),
        ({"Origin": own, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": own}, 200),
    ]:
        assert (await ask(stage, "POST", "dead/replay", body, **cookie, **headers))[0] == status, headers


async def test_pass_is_no_access_token_and_the_other_way_round(stage: Stage, admin: dict[str, str]) -> None:
    admin_token = admin["Authorization"].removeprefix("Bearer ")
    shown = Passes(stage.settings.token_secret).sign(Member(member_id=1, nickname="ops", role="admin"))
    assert (await ask(stage, "GET", "session", Cookie=f"{COOKIE}={admin_token}"))[0] == 401
    assert (await ask(stage, "GET", "session", Authorization=f"Bearer {shown}"))[0] == 401
    other = Passes("another-secret-of-thirty-two-bytes!").sign(Member(member_id=1, nickname="ops", role="admin"))
    assert (await ask(stage, "GET", "session", Cookie=f"{COOKIE}={other}"))[0] == 401


async def test_pass_ends_with_the_day_and_is_not_renewed_for_who_is_no_admin_any_more(stage: Stage) -> None:
    passes = Passes(stage.settings.token_secret)
    async with connected(stage.settings.user_db_url) as database:
        [(user_id,)] = await database.rows("SELECT user_id FROM users WHERE email = %s", ADMIN.email)
        member = Member(member_id=user_id, nickname="admin", role="admin")
        cookie = f"{COOKIE}={passes.sign(member)}"
        assert (await ask(stage, "GET", "session", Cookie=cookie))[0] == 200
        with pytest.raises(ProblemError, match="401"):
            passes.read(passes.sign(member, since=int(time.time()) - LONGEST_SECONDS))
        await database.change(f"UPDATE users SET role = 'member' WHERE user_id = {user_id}")
        try:
            assert (await ask(stage, "GET", "session", Cookie=cookie))[0] == 403
        finally:
            await database.change(f"UPDATE users SET role = 'admin' WHERE user_id = {user_id}")
    signed = Tokens(stage.settings.token_secret).sign(member)
    assert signed != cookie


async def test_search_leads_from_member_meeting_and_order_to_their_stories(stage: Stage, admin: dict[str, str]) -> None:
    host, guest = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=5, fee=10_000)
    seat = await guest.joins(meeting)
    await guest.pays(seat)
    profile = await guest.get("/users/me")

    async def titles(words: str) -> dict[str, list[str]]:
        _, results = await ask(stage, "GET", f"search?q={words}", **admin)
        assert results["away"] == []
        kinds: dict[str, list[str]] = {}
        for item in results["items"]:
            kinds.setdefault(item["kind"], []).append(item["title"])
        return kinds

    by_meeting = await titles(f"meeting {meeting}")
    assert f"meeting.create by member:{host.member_id}" in by_meeting["story"]
    for words in (f"member:{guest.member_id}", profile["email"].upper(), profile["nickname"], seat["orderId"]):
        kinds = await titles(words)
        assert f"meeting.join by member:{guest.member_id}" in kinds["story"], words
        assert f"payment.confirm by member:{guest.member_id}" in kinds["story"], words
        assert kinds["payment"] == [f"order {seat['orderId']}"], words
    assert (await titles("refund"))["queue"] == ["payment.refund.queue", "payment.refunded.queue"]
    assert await titles("nobody-is-called-so") == {}


async def test_page_is_revalidated_and_runs_nothing_but_its_own_scripts(stage: Stage) -> None:
    async with stage.client.get("/console") as answer:
        assert answer.content_type == "text/html"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        etag, text = answer.headers["ETag"], await answer.text()
    async with stage.client.get("/console", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    assert re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", text) is None
    modules = {name for name in pages() if name.endswith(".js") and name not in ("app.js", "theme.js")}
    assert set(re.findall(r'modulepreload" href="/console/static/([\w.]+)"', text)) == modules
    async with stage.client.get("/console/static/app.js") as answer:
        assert answer.content_type == "text/javascript"
    async with stage.client.get("/console/static/nothing.js") as answer:
        assert answer.status == 404


def test_wheel_has_every_page(tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"momo/console/static/{name}" for name in pages()} <= names
