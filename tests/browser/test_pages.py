"""Pages in a real browser: they fit, they obey the policy, they can be used by keyboard and without scripts."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from appliances.models import Hook, Release, Team
from builds.models import Build, LogChunk
from tests import factories, yard

SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
PUBLIC = ["/", "/acme/bookstack", "/acme/bookstack/1.2.0", "/acme/bookstack/subscribe", "/api/", "/login"]
WORKSHOP = [
    "/dashboard/",
    "/dashboard/appliances/new",
    "/dashboard/appliances/import",
    "/dashboard/appliances/acme/bookstack",
    "/dashboard/appliances/acme/bookstack/source",
    "/dashboard/appliances/acme/bookstack/rebuilds",
    "/dashboard/appliances/acme/bookstack/audit",
    "/dashboard/appliances/acme/bookstack/edit",
    "/dashboard/appliances/acme/bookstack/new-channel",
    "/dashboard/appliances/acme/bookstack/releases/1.5.0/flattened",
    "/dashboard/appliances/acme/bookstack/releases/1.4.0/withdraw",
    "/dashboard/appliances/acme/bookstack/releases/1.5.0",
    "/dashboard/appliances/acme/bookstack/releases/1.4.0/r1",
    "/dashboard/teams/acme",
    "/dashboard/teams/acme/accounts",
    "/dashboard/teams/acme/tokens",
    "/dashboard/teams/acme/notifications",
    "/dashboard/teams/acme/audit",
    "/dashboard/teams/acme/new-hook",
    "/dashboard/teams/acme/hooks/{hook}",
    "/tokens",
    "/notifications",
    "/dashboard/teams/acme/new-account",
    "/dashboard/teams/acme/new-account?kind=aws",
    "/dashboard/teams/acme/accounts/north",
    "/dashboard/teams/acme/accounts/production/remove",
    "/resources",
    "/layers",
    "/bases",
    "/rebuild?team=acme",
    "/builds/{running}",
    "/builds/{failed}",
    "/queue",
]


def running() -> Build:
    return Build.objects.get(state="running")


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "dark"), ("phone", "light")])
def test_nothing_is_cut_off_and_the_policy_is_never_broken(visit, size, scheme):
    numbers = {
        "running": running().pk,
        "failed": Build.objects.get(state="failed").pk,
        "hook": Hook.objects.filter(team__slug="acme").first().pk,
    }
    options = {"viewport": SIZES[size], "color_scheme": scheme}
    page = visit("/", signed_in=True, **options)
    for address in [*PUBLIC, *WORKSHOP]:
        page.goto(address.format(**numbers))
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, address
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("home", ["/dashboard/appliances/acme/bookstack", "/dashboard/teams/acme"])
def test_each_page_of_an_appliance_and_of_a_team_leads_to_the_others(visit, home, size):
    page = visit(home, signed_in=True, viewport=SIZES[size])
    links = page.locator("nav.local a")
    for name in links.all_inner_texts():
        links.get_by_text(name, exact=True).click()
        expect(page.locator("nav.local [aria-current=page]")).to_have_text(name)
        expect(page.locator("nav.local [aria-current=page]")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("heading", level=1)).to_contain_text(f": {name}")
    assert links.count() == 5


def test_keys(visit):
    page = visit("/acme/bookstack", signed_in=True)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/dashboard/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url(re.compile(r":\d+/$"))
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("wiki")
    page.keyboard.press("Enter")
    expect(page.locator(".card h2")).to_have_text(["Bookstack Wiki"])


def test_the_tab_is_remembered(visit):
    page = visit("/acme/bookstack")
    expect(page.get_by_text("aws ec2 run-instances")).to_be_visible()
    page.get_by_text("Vagrant", exact=True).click()
    expect(page.get_by_text("vagrant box add").first).to_be_visible()
    page.goto("/harbour/grafana")
    expect(page.get_by_text("vagrant box add").first).to_be_visible()
    expect(page.get_by_text("aws ec2 run-instances")).not_to_be_visible()


def test_a_tab_in_the_address_counts_more_than_the_remembered_one(visit):
    page = visit("/acme/bookstack")
    page.get_by_text("Vagrant", exact=True).click()
    page.goto("/acme/bookstack?for=vmware")
    expect(page.get_by_text("govc import.ova")).to_be_visible()


def test_a_command_is_copied_as_it_stands(visit):
    page = visit("/acme/bookstack?for=vmware", permissions=["clipboard-read", "clipboard-write"])
    box = page.locator(".copy", has_text="govc import.ova")
    box.get_by_role("button").click()
    expect(box.get_by_role("button")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "govc import.ova -name=bookstack acme-bookstack-1.3.0.ova\ngovc vm.power -on bookstack"


def test_packages_are_found_while_typing(visit):
    page = visit("/acme/bookstack")
    page.locator("#inside summary").click()
    page.fill("#find", "OPENSSH")
    expect(page.locator("#packages tbody tr:visible")).to_have_count(1)


def test_the_log_follows_and_the_page_ends_by_itself(visit):
    build = running()
    page = visit(f"/builds/{build.pk}", signed_in=True)
    log = page.locator("#log")
    expect(log).to_contain_text("Setting up nginx-common")
    step = build.steps.get(state="running")
    for number in range(80):
        LogChunk.objects.create(build=build, step=step, sequence=500 + number, text=f"line {number}\n")
    expect(log).to_contain_text("line 79", timeout=10_000)
    left = log.evaluate("log => log.scrollHeight - log.clientHeight - log.scrollTop")
    assert left < 30  # it followed
    assert log.inner_text().count("line 79\n") <= 1
    Build.objects.filter(pk=build.pk).update(state="succeeded", finished_at=timezone.now())
    expect(page.locator("#head")).to_contain_text("passed", timeout=10_000)
    expect(page.locator("[hx-trigger]")).to_have_count(0)
    assert log.inner_text().count("line 0\n") == 1
    expect(page.get_by_role("button", name="Cancel this build")).to_have_count(0)


def test_a_build_that_fails_while_one_watches_opens_with_its_reason(visit):
    build = running()
    page = visit(f"/builds/{build.pk}", signed_in=True)
    Build.objects.filter(pk=build.pk).update(
        state="failed", finished_at=timezone.now(), error="The disk is full.", hint="Make room."
    )
    expect(page.locator(".failure")).to_contain_text("Make room.", timeout=10_000)


def test_problems_appear_beside_their_lines_while_typing(visit):
    page = visit("/dashboard/appliances/acme/bookstack/releases/1.5.0", signed_in=True)
    expect(page.locator("#verdict")).to_contain_text("The plan")
    page.fill("#id_template", "base: debian:12\nplatforms:\n  qemu: {formats: [floppy]}\n")
    expect(page.locator("#verdict")).to_contain_text("floppy", timeout=10_000)
    expect(page.locator("#gutter li.bad")).to_have_text(["3"])
    page.locator("#verdict a", has_text="Line 3").click()
    selected = page.evaluate("getSelection().toString()")
    assert "floppy" in selected


@pytest.fixture
def yard_account(owner, kinds, tmp_path):
    yard.open_yard(tmp_path / "yard", "open sesame")
    return factories.account(
        Team.objects.get(slug="acme"), name="yard", options={"folder": str(tmp_path / "yard"), "token": "wrong secret"}
    )


def test_an_account_is_tried_in_its_place_and_the_right_secret_makes_it_work(visit, yard_account):
    page = visit("/dashboard/teams/acme/accounts/yard", signed_in=True)
    page.fill("[name=depth]", "7")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#trial")).to_contain_text("does not work")
    expect(page.locator("#trial")).to_contain_text("Ask the warden.")
    expect(page.locator("[name=depth]")).to_have_value("7")  # what was being typed is still there
    page.fill("[name=token]", "open sesame")
    page.get_by_role("button", name="Save and try it").click()
    expect(page.locator("#trial")).to_contain_text("warden of yard")
    expect(page.locator("[name=token]")).to_have_value("")
    assert yard_account.team.accounts.get(name="yard").options()["depth"] == 7


def test_an_account_is_tried_without_scripts_too(visit, yard_account):
    page = visit("/dashboard/teams/acme/accounts/yard", signed_in=True, java_script_enabled=False)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#trial")).to_contain_text("Ask the warden.")


def test_resources_are_filtered_at_once(visit):
    page = visit("/resources", signed_in=True)
    expect(page.locator("body")).to_contain_text("ami-")
    page.get_by_label("Account").select_option("acme/north")
    page.wait_for_url("**/resources?account=acme%2Fnorth")
    expect(page.get_by_text("vm-1042")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("ami-")


def test_all_of_it_works_without_scripts(visit):
    page = visit("/", java_script_enabled=False)
    page.fill("#q", "wiki")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Bookstack Wiki").click()
    page.get_by_text("QEMU", exact=True).click()
    expect(page.get_by_text("qemu-system-x86_64")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.goto("/login")
    page.fill("[name=username]", "maria")
    page.fill("[name=password]", "showcase")
    page.click("main button")
    page.goto("/dashboard/appliances/acme/bookstack/new-release")
    page.fill("[name=version]", "9.0.0")
    page.fill("[name=template]", "base: nonsense\n")
    page.get_by_role("button", name="Save & build").click()
    expect(page.locator("#verdict")).to_contain_text("problem")
    assert Release.objects.filter(version="9.0.0").exists()
    page.goto(f"/builds/{running().pk}")
    expect(page.get_by_text("Open it now")).to_be_visible()
    page.get_by_role("button", name="Cancel this build").click()
    expect(page.locator("#head")).to_contain_text("cancelling")
