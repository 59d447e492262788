"""Which accounts a template signs in with, and what is missing when the team has not got them."""

import pytest

from builds.engine import template
from builds.engine.accounts import ACCOUNTS
from builds.engine.formats import FORMATS
from builds.engine.platforms import PLATFORMS

QEMU = "base: debian:12\nplatforms:\n  qemu: {formats: [qcow2]}\n"
IMPORT = "base: debian:12\nplatforms:\n  qemu:\n    formats:\n      - qcow2\n      - ami: {account: prod}\n"
NATIVE = """\
variables: {where: {default: prod}}
platforms:
  ec2: {source: {id: ami-0123456789abcdef0}, account: "{{ where }}", formats: [ami]}
"""


def said(text: str, **accounts: str) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in template.parse(text).problems(accounts=accounts)]


def test_what_is_made_on_the_worker_needs_none():
    assert said(QEMU) == []
    assert template.parse(QEMU).needs() == []


def test_an_account_that_is_not_there_is_a_problem_on_its_line():
    [(line, message)] = said(IMPORT, production="aws")
    assert line == 6
    assert "no AWS account called 'prod'" in message
    assert "Team settings → Accounts" in message
    assert said(IMPORT, prod="aws", other="aws") == []


def test_a_name_that_was_meant_is_suggested():
    [(_, message)] = said(IMPORT, prods="aws")
    assert "did you mean 'prods'?" in message


def test_an_account_of_another_kind_does_not_help():
    assert len(said(IMPORT, prod="vsphere")) == 1


def test_without_a_name_it_is_the_only_one_of_its_kind():
    text = IMPORT.replace("ami: {account: prod}", "ami")
    assert said(text, one="aws", dc="vsphere") == []
    assert "no AWS account" in said(text, dc="vsphere")[0][1]
    assert "several AWS accounts" in said(text, one="aws", two="aws")[0][1]


def test_a_format_that_the_platform_makes_uses_its_account_and_variables_are_filled_in():
    [need] = template.parse(NATIVE).needs()
    assert (need.kind, need.name) == ("aws", "prod")
    assert said(NATIVE, prod="aws", other="aws") == []
    assert len(said(NATIVE, other="aws")) == 1


@pytest.mark.parametrize("plugin", [*PLATFORMS.values(), *FORMATS.values()], ids=lambda plugin: plugin.name)
def test_whatever_has_the_option_account_says_of_which_kind(plugin):
    assert ("account" in plugin.Options.model_fields) == bool(plugin.account_kind)
    assert plugin.account_kind in {"", *ACCOUNTS}
