"""A real Chromium on a real server, with the showcase's catalog behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.showcase.rows import fill

CHROMIUM = "/usr/bin/chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


def worth_a_complaint(message: ConsoleMessage) -> list[str]:
    """Errors and warnings; but Chromium also reports the 422 with which a form comes back for correction."""
    return [message.text] if message.type in ("error", "warning") and " 422 " not in message.text else []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread; Django then takes its own queries for mistakes.
    former = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    if former is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def owner(transactional_db):
    return fill()


@pytest.fixture
def visit(browser: Browser, live_server, owner) -> Iterator[Callable[..., Page]]:
    """Open an address as a visitor, or as `maria`; what the console complains about fails the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(address: str, *, signed_in: bool = False, **options) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.extend(worth_a_complaint(message)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if signed_in:
            page.goto("/login")
            page.fill("[name=username]", "maria")
            page.fill("[name=password]", "showcase")
            page.click("main button")
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
