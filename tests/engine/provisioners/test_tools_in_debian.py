"""The real Puppet and Ansible in a real Debian, and in the place of Chef, which Debian does not have, a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline
from builds.engine.template import parse
from tests.simulators import disks

from .debian_machine import DebianMachine, debian_machine
from .test_chef import ACTION

pytestmark = pytest.mark.network

PUPPET = {
    "puppet/site.pp": "include site\nfile { '/srv/env': content => $environment }\n",
    "puppet/modules/site/manifests/init.pp": """\
class site {
  file { '/srv/page': content => epp('site/page.epp', { 'text' => lookup('greeting') }), mode => '0600' }
}
""",
    "puppet/modules/site/templates/page.epp": "<%= $text %> <%= $facts['slipway']['site_title'] %> <%= $facts[role] %>",
    "puppet/hiera.yaml": """\
version: 5
defaults: {datadir: data, data_hash: yaml_data}
hierarchy: [{name: common, path: common.yaml}]
""",
    "puppet/data/common.yaml": "greeting: Welcome\n",
    "puppet/broken.pp": """\
exec { 'migrate': command => '/bin/sh -c "echo no such table; exit 3"' }
file { '/srv/after': ensure => directory, require => Exec['migrate'] }
""",
    "puppet/unread.pp": "\ninclude nothere\n",
}
ANSIBLE = {
    "play/site.yml": """\
- hosts: all
  roles: [site]
- hosts: all
  gather_facts: false
  tasks:
    - name: Migrate
      shell: echo no such table; exit 3
      when: broken | default(false)
""",
    "play/roles/site/tasks/main.yml": """\
- name: Write the page
  template: {src: page.j2, dest: "/srv/{{ where }}", mode: "0600", owner: www-data}
- name: Look around
  shell: cat ~{{ login }}/.ssh/authorized_keys | wc -l; id -un
  register: seen
- debug: var=seen.stdout
""",
    "play/roles/site/templates/page.j2": "{{ slipway.site_title }} {{ slipway.admin_password }} {{ ansible_system }}",
}
TRACES = (
    "ls -d /etc/puppet* /var/*/puppet /var/tmp/provision* /root/.ansible ~admin/.ansible /root/.puppet* 2>/dev/null; :"
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianMachine]:
    """One with the tools, for all tests: each writes files of its own."""
    with debian_machine(disks.tools(), tmp_path_factory.mktemp("tools")) as machine:
        yield machine


def provision(kind: str, machine: DebianMachine, context: Context, **options: Any) -> None:
    made = PROVISIONERS[kind]
    made(made.Options(**options)).provision(machine, context)


def said(context: Context) -> str:
    assert isinstance(context.console, Recorder)
    return context.console.text


def test_puppet_comes_applies_and_goes_without_a_trace(context: Context, tmp_path: Path) -> None:
    inline(PUPPET, context.source)
    options = {"manifest": "puppet/site.pp", "modules": ["puppet/modules"], "hiera": "puppet/hiera.yaml"}
    options |= {"hiera_data": ["puppet/data"], "facts": {"role": "web"}, "environment": "staging", "remove": True}
    with debian_machine(disks.debian(), tmp_path) as machine:
        packages = "dpkg-query --show --showformat '${Package} ${Status}\\n'"
        before = machine.expect(packages, context)
        provision("puppet", machine, context, **options)
        assert machine.expect("cat /srv/page; stat -c ' %a' /srv/page; cat /srv/env", context).split("\n") == [
            "Welcome Our wiki web 600",
            "staging",
        ]
        assert machine.expect(packages, context) == before
        assert machine.expect(TRACES, context) == ""


def test_puppet_tells_the_failing_resource_with_its_place(machine: DebianMachine, context: Context) -> None:
    inline(PUPPET, context.source)
    with pytest.raises(BuildError) as caught:
        provision("puppet", machine, context, manifest="puppet/broken.pp", install=False)
    first, *says = caught.value.message.splitlines()
    assert first == "puppet: puppet/broken.pp: Exec[migrate] failed (puppet/broken.pp, line 1):"
    assert says[0] == "no such table"
    with pytest.raises(BuildError, match=r"compiling the catalog failed \(puppet/unread\.pp, line 2\)") as caught:
        provision("puppet", machine, context, manifest="puppet/unread.pp")
    assert "Modules are not downloaded" in caught.value.hint
    assert machine.expect("ls -d /var/tmp/provision* 2>/dev/null || :", context) == ""


def test_the_example_is_a_web_site(machine: DebianMachine, context: Context) -> None:
    example = Path(__file__).parents[3] / "examples/puppet-site"
    plan = parse((example / "appliance.yaml").read_text()).plans("a-1", {}, example)["qemu"]
    machine.expect("apt-get update", context)  # where the example has the web server in its base
    plan.provisioners[0].provision(machine, replace(context, source=example, variables=plan.variables))
    page = machine.expect("curl --silent http://localhost/", context)
    assert "<h1>Our site</h1>" in page
    assert "<p>Welcome.</p>" in page
    assert machine.expect("systemctl is-enabled lighttpd", context) == "enabled\n"


@pytest.mark.parametrize("where", ["machine", "worker"])
def test_ansible_plays_and_tells_the_failing_task(machine: DebianMachine, context: Context, where: str) -> None:
    inline(ANSIBLE, context.source)
    extra = {"where": where, "login": machine.user}
    options = {"playbook": "play/site.yml", "from": where, "install": False}
    keys = machine.expect("cat ~admin/.ssh/authorized_keys", context)
    with pytest.raises(BuildError) as caught:
        provision("ansible", machine, context, **options, extra_vars={**extra, "broken": True})
    assert caught.value.message.splitlines()[:2] == [
        "ansible: play/site.yml: the task “Migrate” failed (play/site.yml, line 6):",
        "no such table",
    ]
    page = f"cat /srv/{where}; stat -c ' %a %U' /srv/{where}"
    assert machine.expect(page, context) == "Our wiki hunter2 Linux 600 www-data\n"
    # From the worker it has a key of its own, beside the one that we came with, and both become root.
    assert f'"seen.stdout": "{1 if where == "machine" else 2}\\nroot"' in said(context)
    assert machine.expect("cat ~admin/.ssh/authorized_keys", context) == keys
    assert machine.expect("ls -d /var/tmp/provision* ~admin/.ansible 2>/dev/null || :", context) == ""
    assert not list(context.work.iterdir())


def test_a_playbook_on_the_worker_has_nothing_of_the_worker(
    machine: DebianMachine, context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "secret-of-the-worker")
    (context.cache / "another-build").write_text("secret-of-the-worker")
    task = """\
- hosts: all
  gather_facts: false
  tasks:
    - delegate_to: localhost
      become: false
      shell: "{{ item }}"
      ignore_errors: true
      loop:
        - cat CACHE/another-build
        - grep secret-of /proc/1/environ /proc/self/environ
        - cat /etc/hostname
    - debug: msg="piped {{ lookup('pipe', 'cat CACHE/another-build || echo nothing') }}"
    - debug: msg="read {{ lookup('file', 'CACHE/another-build', errors='ignore') or 'nothing' }}"
    - debug: msg="env {{ lookup('env', 'DATABASE_URL') or 'nothing' }}"
    - name: Fetch
      delegate_to: localhost
      become: false
      uri: {url: "http://MIRROR/"}
"""
    inline({"site.yml": task.replace("CACHE", str(context.cache)).replace("MIRROR", "deb.debian.org")}, context.source)
    with pytest.raises(BuildError, match=r"“Fetch” failed"):
        provision("ansible", machine, context, **{"playbook": "site.yml", "from": "worker"})
    log = said(context)
    assert log.count("failed: [machine -> localhost] (item=") == 3
    for way in ("piped", "read", "env"):
        assert f'"msg": "{way} nothing"' in log
    assert "secret-of-the-worker" not in log


def test_chef_s_program_gets_its_command_line_and_its_failure_is_told(machine: DebianMachine, context: Context) -> None:
    inline({"cookbooks/wiki/recipes/default.rb": "package 'nginx'\n"}, context.source)
    program = """#!/bin/sh
[ "$(id -un) $CHEF_LICENSE $1 $2" = "root accept-no-persist --local-mode --no-color" ] || exit 9
for each; do case $each in --config=*) config=${each#*=} ;; --json-attributes=*) node=${each#*=} ;; esac; done
cookbooks=$(sed -n 's/^cookbook_path \\["\\(.*\\)"\\]$/\\1/p' "$config")
cat "$cookbooks/wiki/recipes/default.rb" "$node" > /srv/chef
[ -z "$(grep fail "$node")" ] || { cat /srv/failure; exit 1; }
"""
    machine.put(program.encode(), "/usr/local/bin/chef-client", context, mode=0o755)
    machine.put(ACTION.encode(), "/srv/failure", context)
    options = {"cookbooks": ["cookbooks"], "run_list": ["recipe[wiki]"], "accept_license": True, "remove": True}
    provision("chef", machine, context, **options)
    assert machine.expect("head -n 1 /srv/chef", context) == "package 'nginx'\n"
    assert '"admin_password": "hunter2"' in machine.expect("tail -n 1 /srv/chef", context)
    with pytest.raises(BuildError, match=r"execute\[migrate\] failed \(wiki::default, line 12\)"):
        provision("chef", machine, context, **options, attributes={"fail": True})
    assert machine.expect("ls -d /var/tmp/provision* 2>/dev/null || :; ls /usr/local/bin", context) == "chef-client\n"
