"""Takes the README's screenshots of a MOMO that runs in a folder: `python -m tests.console.screenshots .momo`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from contracts.meeting import JoinMeeting
from momo.demo import demo
from momo.gateway.internal import internal_secret
from momo.local.demo_login import ADMIN
from momo.local.instance import Instance, running_instance
from momo.store.connection import connected
from tests.console.browser import chromium, log_in, visiting
from tests.console.poison import dead, plant, poisoned

FOLDER = Path(__file__).parents[2] / "docs" / "console"
SLOW = "notification.create.queue"


async def main(instance: Instance) -> None:
    """A day is played meanwhile; one queue is paused for a moment, and some letters die."""
    settings, address = instance.settings(), instance.addresses["gateway"]
    day = asyncio.create_task(
        demo(
            address,
            settings.toss_url,
            members=60,
            seed=5,
            progress=False,
            internal_secret=internal_secret(settings.token_secret),
        )
    )
    async with chromium() as browser:
        async with seen(browser, address, "light") as page:
            await asyncio.sleep(12)
            poison = [
                poisoned(JoinMeeting(meeting_id=n, member_id=n, nickname="kim"), meetingId=f"m-{n}") for n in range(23)
            ]
            await plant(settings, [*poison, *(dead(n, f"seat {n} is odd") for n in range(4))])
            await ordered(page, SLOW, {"act": "pause", "reason": "the mail provider is slow"})
            await asyncio.sleep(6)
            await page.screenshot(path=FOLDER / "overview.png")
            await ordered(page, SLOW, {"act": "resume"})
        await day
        async with seen(browser, address, "dark") as page:
            await page.goto(f"{address}/console#/dead")
            await page.locator("main tr[data-place] a").first.click()
            await page.locator("main tr[data-place] a").first.click()
            await page.get_by_role("button", name="Edit").click()
            await page.screenshot(path=FOLDER / "dead-letter.png")
        async with seen(browser, address, "light") as page:
            await page.goto(f"{address}/console#/search/{await paid_order(settings.payment_db_url)}")
            await page.get_by_role("link", name="payment.confirm by member").first.click()
            await page.locator("table.story").wait_for()
            await page.mouse.move(0, 0)
            await page.screenshot(path=FOLDER / "story.png", full_page=True)


@asynccontextmanager
async def seen(browser: Browser, address: str, scheme: str) -> AsyncIterator[Page]:
    async with visiting(browser, address, color_scheme=scheme, viewport={"width": 1280, "height": 800}) as page:
        await log_in(page, ADMIN.email, ADMIN.password)
        await page.wait_for_selector("table.queues tbody tr")
        yield page


async def ordered(page: Page, queue: str, order: dict[str, str]) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    origin = page.url.partition("/console")[0]
    answer = await page.request.post(f"{origin}/console/api/queues/{queue}", data=order, headers=headers)
    assert answer.ok, await answer.text()


async def paid_order(url: str) -> Any:
    async with connected(url) as database:
        found = await database.rows("SELECT order_id FROM payments WHERE status = 'COMPLETED' LIMIT 1")
    return found[0][0]


if __name__ == "__main__":
    asyncio.run(main(running_instance(Path(sys.argv[1]).absolute())))
