"""The console in a real Chromium: what an operator sees, and mends without leaving it."""

from __future__ import annotations

import asyncio
import json
import re
import time

from playwright.async_api import Browser, Page, expect

from contracts.meeting import JoinMeeting
from momo.local.demo_login import ADMIN, DEMO
from tests.console.browser import log_in, visiting
from tests.console.poison import QUEUE, dead, plant, poisoned
from tests.flows.members import Stage


async def test_poison_message_appears_is_understood_edited_and_replayed_and_its_story_is_complete(
    stage: Stage, page: Page
) -> None:
    host, guest = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=5)
    await expect(page.locator("#banner")).to_contain_text("All is well")
    join = JoinMeeting(meeting_id=meeting, member_id=guest.member_id, nickname="kim")
    poison = poisoned(join, meetingId=f"m-{meeting}")

    await plant(stage.settings, [poison])
    await page.get_by_role("link", name="meeting.join.dlq 1 dead letter").click()  # it came without a reload
    await page.get_by_role("link", name=re.compile("1 letter of meeting.join.queue")).click()
    await page.get_by_role("link", name=poison.message_id).click()
    await expect(page.locator(".why")).to_contain_text("Expected `int`, got `str` - at `$.meetingId`")
    await expect(page.locator("pre.body")).to_contain_text(f'"meetingId": "m-{meeting}"')

    await page.get_by_role("button", name="Edit").click()
    body = page.get_by_role("textbox", name="Body")
    await body.fill(json.dumps({"meetingId": "still wrong", "memberId": guest.member_id}))
    await page.get_by_role("button", name="Save and replay").click()
    await expect(page.get_by_role("alert")).to_contain_text("Expected `int`, got `str` - at `$.meetingId`")
    await body.fill(json.dumps({"meetingId": meeting, "memberId": guest.member_id, "nickname": "kim"}))
    await page.get_by_role("button", name="Save and replay").click()

    await expect(page.get_by_text("No letter has died of this any more.")).to_be_visible()
    await expect(page.locator("#banner")).to_contain_text("All is well")
    await page.get_by_role("link", name="Follow its story").click()
    await expect(page.locator("h1 .badge")).to_have_text("done", timeout=15_000)
    hops = page.locator("table.story tr[data-state]")
    for name in ("meeting.join", "meeting.joined", "notification.create", "notification.send"):
        await expect(hops.filter(has=page.get_by_role("button", name=name, exact=True)).first).to_contain_text("done")
    await hops.first.get_by_role("button").click()
    await expect(page.locator("tr.detail:visible")).to_contain_text("admin (member:")
    assert (await guest.get(f"/meetings/{meeting}/join"))["status"] == "seated"


async def test_member_who_is_no_admin_is_refused_and_a_wrong_password_too(browser: Browser, address: str) -> None:
    async with visiting(browser, address) as page:
        await log_in(page, DEMO.email, DEMO.password)
        await expect(page.get_by_role("alert")).to_contain_text("Your account has no part in operating MOMO.")
        await log_in(page, ADMIN.email, "not-the-password")
        await expect(page.get_by_role("alert")).to_contain_text("E-mail or password is wrong")
        assert await page.context.cookies() == []


async def test_pass_is_out_of_reach_for_scripts_and_other_sites_and_gone_after_logging_out(page: Page) -> None:
    [cookie] = await page.context.cookies()
    assert (cookie["name"], cookie["path"]) == ("momo_console", "/console")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert await page.context.cookies() == []
    await page.reload()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()


async def test_keyboard_alone_finds_a_letter_drops_it_with_a_reason_and_reads_the_audit(
    stage: Stage, page: Page
) -> None:
    letters = [dead(1, "seat 1 is odd"), dead(2, "seat 2 is odd"), dead(3, "something else")]
    await plant(stage.settings, letters)
    press = page.keyboard.press
    await press("g")
    await press("d")
    await expect(page.get_by_role("link", name=re.compile("2 letters of"))).to_be_visible()
    await press("j")
    await expect(page.get_by_role("link", name=re.compile("2 letters of"))).to_be_focused()
    await press("ArrowDown")
    await press("k")
    await press("Enter")
    await expect(page.get_by_role("link", name=letters[0].message_id)).to_be_visible()
    await press("j")
    await press("j")
    await press("Enter")
    await expect(page.locator(".why")).to_contain_text("seat 2 is odd")
    await press("x")
    await page.keyboard.type("a test of the keyboard")
    await press("Enter")
    await expect(page.get_by_text("Dropped 1 letter.")).to_be_visible()
    await press("g")
    await press("a")
    row = page.locator("tr", has_text=letters[1].message_id)
    await expect(row).to_contain_text("drop")
    await expect(row).to_contain_text("admin (member:")
    await expect(row).to_contain_text("a test of the keyboard")
    await press("Escape")
    await expect(page).to_have_url(re.compile("#/letter|#/dead"))
    await press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("meeting.join")
    await press("Enter")
    await expect(page.get_by_role("heading", name="meeting.join")).to_be_visible()
    await expect(page.get_by_role("link", name="meeting.join.queue")).to_be_visible()
    await expect(page.get_by_role("searchbox")).not_to_be_focused()
    await press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("next, previous row")


async def test_queue_is_paused_and_resumed_in_the_browser(page: Page) -> None:
    await page.goto(page.url.partition("#")[0] + "#/queues/user.follow.queue")
    await page.get_by_role("button", name="Pause…").click()
    await page.get_by_label("Reason, for the audit").fill("a look at it")
    await page.get_by_role("button", name="Pause the queue").click()
    await expect(page.locator("p.notice")).to_contain_text("by admin (member:")
    await expect(page.locator("#banner")).to_contain_text("user.follow.queue is paused")
    await page.keyboard.press("p")
    await expect(page.locator("#banner")).to_contain_text("All is well")


async def test_light_and_dark_follow_the_system_and_the_switch(browser: Browser, address: str) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        async with visiting(browser, address, color_scheme=scheme) as page:
            grounds[scheme] = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            await page.get_by_role("button", name="Theme").click()
            switched = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert switched != grounds[scheme]
            await page.reload()
            assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == switched
    assert grounds["light"] != grounds["dark"]


async def test_nothing_is_wider_than_a_phone(stage: Stage, page: Page) -> None:
    await plant(stage.settings, [dead(1, "seat 1 is odd")])
    await page.set_viewport_size({"width": 390, "height": 800})
    for place in ("#/", "#/dead", "#/sagas", "#/audit", f"#/queues/{QUEUE.name}"):
        await page.goto(page.url.partition("#")[0] + place)
        await expect(page.locator("main table:visible, main p:visible").first).to_be_visible()
        assert await page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, place


async def test_ten_thousand_dead_letters_are_painted_within_a_second_and_delay_nobody(
    stage: Stage, page: Page, address: str
) -> None:
    await plant(stage.settings, [dead(n, f"seat {n} is odd" if n % 3 else f"{n} is other") for n in range(10_000)])
    slowest = 0.0

    async def others() -> None:
        nonlocal slowest
        while True:
            began = time.perf_counter()
            async with stage.client.get("/health/live"):
                slowest = max(slowest, time.perf_counter() - began)
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(others())
    await page.goto(f"{address}/console#/dead")
    await page.reload()
    try:
        await expect(page.get_by_role("link", name=re.compile("6,666 letters of"))).to_be_visible(timeout=20_000)
    finally:
        asking.cancel()
    paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    shipped = await page.evaluate(
        "performance.getEntriesByType('resource').reduce((sum, r) => sum + r.transferSize, 0)"
    )
    assert paint < 1_000
    assert shipped < 300_000
    assert slowest < 1.0
    assert await page.locator("main tr[data-place]").count() == 2
