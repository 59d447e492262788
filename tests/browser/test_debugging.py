"""The console of a kept machine, as somebody uses it."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from appliances.models import User
from builds.models import Build
from tests.showcase.rows import kept


@pytest.fixture
def build(owner) -> Build:
    failed = Build.objects.filter(state="failed")[0]
    return kept(failed.revision, User.objects.get(username="maria"), timezone.now())


def test_a_command_is_run_and_its_output_comes_by_itself(visit, build):
    page = visit(f"/builds/{build.pk}", signed_in=True, viewport={"width": 390, "height": 844})
    line = page.get_by_label("Run as root")
    line.fill("uname -a")
    line.press("Enter")
    console = page.locator("#console")
    expect(console).to_contain_text("uname -a")
    expect(line).to_have_value("")
    expect(line).to_be_focused()
    line.fill("half a line")
    build.debug_commands.filter(finished_at=None).update(output="Linux tiny\n", exit_code=0, finished_at=timezone.now())
    expect(console).to_contain_text("Linux tiny", timeout=10_000)
    expect(line).to_have_value("half a line")  # what is being typed stays
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_label("Run as root")).to_have_count(0)


def test_it_works_without_scripts_too(visit, build):
    page = visit(f"/builds/{build.pk}", signed_in=True, java_script_enabled=False)
    page.get_by_label("Run as root").fill("uname -a")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#console")).to_contain_text("uname -a")
    page.get_by_role("button", name="+15 min").click()
    expect(page.locator("#head")).to_contain_text("about 2")
