"""A real Chromium, headless, and an operator who uses it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Raises RuntimeError where there is none."""
    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("the console's tests need Chromium: `apt-get install chromium`, which `make test` does")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visiting(browser: Browser, address: str, **options: Any) -> AsyncIterator[Page]:
    """A page of its own at the console; what it logs as an error, or throws, fails the block."""
    context: BrowserContext = await browser.new_context(**options)
    context.set_default_timeout(15_000)
    wrong: list[str] = []
    try:
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_ours(said) else None)
        await page.goto(f"{address}/console")
        yield page
        assert wrong == []
    finally:
        await context.close()


def _is_ours(said: Any) -> bool:
    """That a request was refused the browser says by itself, and the page shows it."""
    return said.type == "error" and "Failed to load resource" not in said.text


async def log_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()
