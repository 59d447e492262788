"""Everything can be made to fail, and is told apart from what was done."""

from __future__ import annotations

import contextlib
import http.client

import pytest
import requests
from pyVmomi import vim, vmodl

from tests.waiting import wait_for

from .client import Client
from .simulator import VsphereSimulator

BROKEN = (OSError, http.client.HTTPException)


def test_a_fault_comes_once_or_as_often_as_asked(client: Client) -> None:
    vm = client.clone("vm")
    client.vcenter.fault("PowerOnVM_Task", "fault", fault="InsufficientResourcesFault", message="no room", count=2)
    for _ in range(2):
        with pytest.raises(vim.fault.InsufficientResourcesFault, match="no room"):
            vm.PowerOnVM_Task()
    client.wait(vm.PowerOnVM_Task())


@pytest.mark.parametrize(
    "name", ["NoDiskSpace", "NoPermission", "TaskInProgress", "DuplicateName", "InvalidPowerState", "NotAuthenticated"]
)
def test_a_task_fails_with_any_fault(client: Client, name: str) -> None:
    client.vcenter.fault("CloneVM_Task", "taskfault", fault=name, message="as asked")
    task = client.cloning("never")
    wait_for(lambda: task.info.state == "error")
    assert type(task.info.error).__name__.endswith(name)
    assert task.info.error.msg == "as asked"
    assert client.vcenter.holds_nothing()


def test_a_fault_that_does_not_exist_is_refused(vcenter: VsphereSimulator) -> None:
    with pytest.raises(ValueError, match="no such fault: Nonsense"):
        vcenter.fault("CloneVM_Task", "fault", fault="Nonsense")


def test_an_answer_that_is_lost_was_done_all_the_same(client: Client) -> None:
    client.vcenter.fault("CloneVM_Task", "drop")
    with pytest.raises(BROKEN):
        client.cloning("dropped")
    client.vcenter.fault("CloneVM_Task", "lost")
    with pytest.raises(BROKEN):
        client.cloning("lost")
    wait_for(lambda: client.vcenter.held()["vms"] == ["lost"])


def test_the_server_is_unavailable_for_a_moment(client: Client) -> None:
    client.vcenter.fault("CurrentTime", "http503")
    with pytest.raises(http.client.HTTPException):
        client.service.CurrentTime()
    assert client.service.CurrentTime()


def test_a_session_ends_in_the_middle(client: Client) -> None:
    client.vcenter.end_sessions()
    with pytest.raises(vim.fault.NotAuthenticated):
        client.cloning("late")
    with pytest.raises(vim.fault.NotAuthenticated):
        client.folder.CreateFolder("late")
    with contextlib.closing(Client(client.vcenter)) as again:
        assert again.template


def test_a_wrong_password_is_refused(client: Client) -> None:
    client.content.sessionManager.Logout()
    with pytest.raises(vim.fault.InvalidLogin):
        client.content.sessionManager.Login(client.vcenter.user, "wrong")


def test_a_certificate_that_changed_is_noticed(vcenter: VsphereSimulator) -> None:
    assert requests.get(vcenter.url, verify=vcenter.ca, timeout=10).status_code == requests.codes.not_found
    vcenter.new_certificate()
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        requests.get(vcenter.url, verify=vcenter.ca, timeout=10)


def test_an_unset_property_is_none(client: Client) -> None:
    assert client.clone("plain").snapshot is None


def test_a_property_of_what_is_gone_is_a_fault(client: Client) -> None:
    vm = client.clone("gone")
    client.wait(vm.Destroy_Task())
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.PowerOnVM_Task()
