"""Signing in to a vCenter that can be trusted, and staying signed in."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyVmomi import vim

from builds.engine.errors import BuildError, WorkerError
from builds.engine.vmware.session import Session
from builds.engine.vmware.trust import fingerprint
from tests.engine.vmware.lab import Lab, account
from tests.simulators.vsphere import VsphereSimulator


def shown(vcenter: VsphereSimulator) -> str:
    """The certificate that the vCenter shows."""
    return ssl.get_server_certificate((vcenter.host, vcenter.port))


def networks(session: Session) -> set[str]:
    return {about["name"] for _, about in session.all(session.content.rootFolder, vim.Network, "name")}


def test_a_server_without_a_known_authority_is_refused_on_this_host_too(vcenter: VsphereSimulator) -> None:
    with pytest.raises(WorkerError, match="is not the one that the account trusts"), account(vcenter, ca="").session():
        pass


def test_the_server_s_own_certificate_pins_it_whatever_its_names_are(vcenter: VsphereSimulator) -> None:
    pinned = shown(vcenter)
    short = f"127.1:{vcenter.port}"  # 127.0.0.1, under a name that is not in the certificate
    with account(vcenter, ca=pinned, host=short).session() as session:
        assert networks(session)
    vcenter.new_certificate(vcenter._authority)  # the same authority's, and yet another
    with pytest.raises(WorkerError, match="is not the one") as raised, account(vcenter, ca=pinned).session():
        pass
    assert fingerprint(vcenter.host, vcenter.port) in raised.value.message


def test_an_authority_vouches_only_for_the_names_in_a_certificate(vcenter: VsphereSimulator) -> None:
    short = f"127.1:{vcenter.port}"
    with pytest.raises(WorkerError, match="is not valid for"), account(vcenter, host=short).session():
        pass


def test_a_certificate_that_changed_in_the_middle_is_seen(lab: Lab) -> None:
    with lab.account.session() as session:
        lab.vcenter.new_certificate()
        session._stub.close()  # as after some seconds of silence
        with pytest.raises(WorkerError) as raised:
            networks(session)
    assert fingerprint(lab.vcenter.host, lab.vcenter.port) in raised.value.message
    assert "Team settings → Accounts" in raised.value.hint


def test_the_environment_names_no_authorities(vcenter: VsphereSimulator, tmp_path: Path, monkeypatch) -> None:
    vcenter.new_certificate()
    everybody = tmp_path / "bundle.pem"
    everybody.write_text(shown(vcenter))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(everybody))
    with pytest.raises(WorkerError), account(vcenter).session():
        pass


def test_a_wrong_password_says_who_was_refused(vcenter: VsphereSimulator) -> None:
    with pytest.raises(BuildError, match=f"refuses {vcenter.user}") as raised, account(vcenter, password="x").session():
        pass
    assert "Team settings" in raised.value.hint


def test_a_vcenter_that_does_not_listen_is_said_to_be_silent(vcenter: VsphereSimulator) -> None:
    with pytest.raises(WorkerError, match="does not answer"), account(vcenter, host="127.0.0.1:9").session():
        pass


def test_an_ended_session_is_renewed_by_whichever_thread_sees_it_first(lab: Lab) -> None:
    with lab.account.session() as session, ThreadPoolExecutor(4) as pool:
        expected = networks(session)
        lab.vcenter.end_sessions()
        assert all(seen == expected for seen in pool.map(lambda _: networks(session), range(12)))


def test_what_only_looks_is_asked_again_when_the_connection_breaks(lab: Lab) -> None:
    with lab.account.session() as session:
        lab.vcenter.fault("RetrievePropertiesEx", "drop")
        assert networks(session)


@pytest.mark.parametrize("mode", ["drop", "lost"])
def test_what_changes_something_is_asked_once(lab: Lab, mode: str) -> None:
    with lab.account.session() as session:
        (folder,) = session.all(session.content.rootFolder, vim.Datacenter, "vmFolder")
        lab.vcenter.fault("CreateFolder", mode, count=1)
        with pytest.raises(WorkerError, match="does not answer when it was asked for CreateFolder"):
            folder[1]["vmFolder"].CreateFolder("once")
    assert lab.vcenter.held()["folders"] == ([] if mode == "drop" else ["once"])


def test_a_fault_that_nobody_explains_is_explained_when_the_session_ends(lab: Lab) -> None:
    lab.vcenter.settings(denied_privileges=["Folder.Create"])
    with pytest.raises(BuildError, match=r"lacks the privilege Folder\.Create on vm"), lab.account.session() as session:
        session.all(session.content.rootFolder, vim.Datacenter, "vmFolder")[0][1]["vmFolder"].CreateFolder("x")
