"""Instances: reached, guarded, and gone with all that they needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builds.engine.accounts.aws import Aws
from builds.engine.aws import arrival, instance, machine, network
from builds.engine.aws.launch import Disk, Extras, Launch
from builds.engine.aws.machine import Ec2Machine
from builds.engine.console import Recorder
from builds.engine.context import Context, Deadline
from builds.engine.errors import BuildError, Cancelled, TimedOut
from tests.engine.aws.fixtures import REGION, TAGS, Book
from tests.simulators.ec2 import Ec2Simulator
from tests.waiting import wait_for

CAPACITY = {"code": "InsufficientInstanceCapacity", "message": "There is no capacity.", "status": 500}
SPOT = {"InstanceMarketOptions.MarketType": "spot"}
LISTENER = """\
cat > /tmp/answer <<'END'
#!/bin/sh
echo hello
END
chmod +x /tmp/answer
nc -ll -p 8080 -e /tmp/answer > /dev/null 2>&1 &
"""


class Since(Deadline):
    """A limit that begins to run when something has happened: how long that takes depends on what else runs here."""

    def __init__(self, seconds: float, happened: Callable[[], object]) -> None:
        super().__init__(None, "Starting the machine")
        self.limit, self.happened = seconds, happened

    def check(self) -> None:
        if self._end is None and self.happened():
            super().__init__(self.limit, "Starting the machine")
        super().check()


@pytest.fixture
def launch(ec2: Ec2Simulator, account: Aws, context: Context) -> Callable[..., Any]:
    def launch(context: Context = context, extras: Extras | None = None, **options: Any) -> Any:
        return instance.launched(account, REGION, ec2.source(), Launch(**options), context, extras)

    return launch


def described(ec2: Ec2Simulator, machine: Ec2Machine) -> dict[str, Any]:
    return ec2.client("ec2").describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"][0]


def test_it_is_reached_guarded_tagged_and_gone(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, book: Book
) -> None:
    with launch(extras=Extras(disk=Disk(3 << 30))) as machine:
        assert machine.expect("id -u", context) == "0\n"
        assert "BEGIN SSH HOST KEY KEYS" in machine.console_text()
        assert machine.boot_seconds > 0
        seen = described(ec2, machine)
        assert seen["MetadataOptions"]["HttpTokens"] == "required"
        client = ec2.client("ec2")
        [volume] = client.describe_volumes()["Volumes"]
        assert (volume["Size"], volume["VolumeType"]) == (3, "gp3")
        [group] = client.describe_security_groups(GroupIds=[seen["SecurityGroups"][0]["GroupId"]])["SecurityGroups"]
        [rule] = group["IpPermissions"]
        own = network.worker_network(Launch(), seen["PrivateIpAddress"])
        assert (rule["FromPort"], rule["ToPort"], [each["CidrIp"] for each in rule["IpRanges"]]) == (22, 22, [own])
        assert own.endswith("/32")
        [key] = client.describe_key_pairs()["KeyPairs"]
        for thing in (seen, volume, group, key):
            assert TAGS.items() <= {tag["Key"]: tag["Value"] for tag in thing["Tags"]}.items()
        assert book.standing.keys() == {"instance", "volume", "key-pair", "security-group"}
        assert book.standing["instance"] == [machine.id]
    assert ec2.held() == {}
    assert book.standing == {}


def test_ports_are_opened_to_the_worker_when_they_are_asked_for(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context
) -> None:
    with launch() as machine:
        machine.expect(LISTENER, context)
        wait_for(lambda: _hears(machine, 8080) == b"hello\n")
        with pytest.raises(OSError, match="refused"):
            machine.connect(8081)
        group = described(ec2, machine)["SecurityGroups"][0]["GroupId"]
        [found] = ec2.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert sorted(rule["FromPort"] for rule in found["IpPermissions"]) == [22, 8080, 8081]
        assert {each["CidrIp"] for rule in found["IpPermissions"] for each in rule["IpRanges"]} == {
            network.worker_network(Launch(), described(ec2, machine)["PrivateIpAddress"])
        }


def _hears(machine: Ec2Machine, port: int) -> bytes:
    try:
        with machine.connect(port) as connection:
            return connection.recv(100)
    except OSError:
        return b""


def test_a_machine_without_network_opens_no_connections(ec2: Ec2Simulator, launch: Callable[..., Any]) -> None:
    with launch(extras=Extras(network="none")) as machine:
        group = described(ec2, machine)["SecurityGroups"][0]["GroupId"]
        [found] = ec2.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert found["IpPermissionsEgress"] == []


def test_a_restart_keeps_the_work(launch: Callable[..., Any], context: Context) -> None:
    with launch() as machine:
        machine.expect("echo kept > /home/admin/kept; echo lost > /run/lost", context)
        machine.reboot(context)
        assert machine.expect("cat /home/admin/kept; ls /run/lost 2>&1 || true", context).startswith("kept\nls: ")


def test_without_spot_capacity_it_takes_an_ordinary_one(
    ec2: Ec2Simulator, launch: Callable[..., Any], console: Recorder, book: Book
) -> None:
    ec2.fault("RunInstances", **CAPACITY, when=SPOT, count=None)
    with launch(extras=Extras(spot=0.05)) as machine:
        assert described(ec2, machine).get("InstanceLifecycle") != "spot"
        assert not machine.spot
    assert "no spot instance to be had (InsufficientInstanceCapacity)" in console.text
    assert book.standing == {}


def test_a_spot_instance_that_is_given_and_taken_back_at_once(
    ec2: Ec2Simulator, launch: Callable[..., Any], console: Recorder
) -> None:
    ec2.fault("RunInstances", "fail", code="Server.InsufficientInstanceCapacity", message="No capacity after all.")
    with launch(extras=Extras(spot=True)) as machine:
        assert not machine.spot
    assert "Server.InsufficientInstanceCapacity" in console.text
    assert ec2.held() == {}


def test_an_interruption_is_told_as_such(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "WATCH", 0.2)
    with launch(extras=Extras(spot=True)) as spot:
        threading.Timer(0.5, ec2.interrupt, [spot.id]).start()
        with pytest.raises(BuildError, match="AWS has taken the spot instance back") as caught:
            spot.run("sleep 100", context)
    assert "Retry" in caught.value.hint
    assert ec2.held() == {}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (CAPACITY, "AWS has no capacity for ec2:RunInstances"),
        ({"code": "VcpuLimitExceeded", "message": "You have requested more vCPU capacity."}, "A quota of the AWS acc"),
        ({"code": "UnauthorizedOperation", "message": "Not authorized."}, "lacks the permission ec2:RunInstances"),
        ({"mode": "fail", "code": "Client.VolumeLimitExceeded", "message": "Volume limit"}, "is .*: Volume limit"),
    ],
)
def test_what_keeps_an_instance_from_starting(
    ec2: Ec2Simulator, launch: Callable[..., Any], book: Book, fault: dict[str, Any], said: str
) -> None:
    ec2.fault("RunInstances", **{"count": None, **fault})
    with pytest.raises(BuildError, match=said) as caught, launch():
        pass
    assert caught.value.hint
    assert ec2.held() == {}
    assert book.standing == {}


def test_a_permission_that_lacks_in_the_middle_is_named_and_nothing_stays(
    ec2: Ec2Simulator, launch: Callable[..., Any]
) -> None:
    ec2.fault("AuthorizeSecurityGroupIngress", code="UnauthorizedOperation", message="Not authorized.", status=403)
    with pytest.raises(BuildError, match="lacks the permission ec2:AuthorizeSecurityGroupIngress"), launch():
        pass
    assert ec2.held() == {}


@pytest.mark.parametrize("action", ["ImportKeyPair", "CreateSecurityGroup", "RunInstances"])
def test_an_answer_that_is_lost_makes_nothing_twice(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, action: str
) -> None:
    ec2.fault(action, "lose")
    with launch() as machine:
        assert machine.expect("echo up", context) == "up\n"
        held = ec2.held()[REGION]
        assert {kind: len(ids) for kind, ids in held.items() if kind != "interfaces"} == {
            "instances": 1,
            "volumes": 1,
            "key_pairs": 1,
            "security_groups": 1,
        }
    assert ec2.held() == {}


def test_what_was_made_a_moment_ago_may_be_unknown_for_another(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context
) -> None:
    ec2.fault("RunInstances", code="InvalidGroup.NotFound", message="no such group", count=1)
    ec2.fault("DescribeInstances", code="InvalidInstanceID.NotFound", message="no such instance", count=2)
    with launch() as machine:
        assert machine.expect("echo up", context) == "up\n"


def test_throttling_is_waited_out(ec2: Ec2Simulator, launch: Callable[..., Any], context: Context) -> None:
    ec2.fault("*", code="RequestLimitExceeded", message="Slow down.", status=503, count=4, every=3)
    with launch() as machine:
        assert machine.expect("echo up", context) == "up\n"


def test_an_instance_that_never_answers_says_how_far_it_came(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, console: Recorder
) -> None:
    ec2.fault("RunInstances", "silent")
    limited = replace(context, deadline=Since(2, lambda: "waiting for it to answer" in console.text))
    with pytest.raises(TimedOut, match=r"nothing answers at .*, port 22") as caught, launch(limited):
        pass
    assert caught.value.message.startswith("Starting the machine took longer than 2 s. The instance i-")
    assert "Its console said last:" in caught.value.message
    assert "ssh_port" in caught.value.hint
    assert ec2.held() == {}


def test_an_instance_that_does_not_start_is_told_as_such(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context
) -> None:
    ec2.set(booting=3)
    limited = replace(context, deadline=Since(0.5, lambda: "instances" in ec2.held().get(REGION, {})))
    with pytest.raises(TimedOut, match="EC2 has not started the instance i-"), launch(limited):
        pass
    assert ec2.held() == {}


def test_a_machine_that_knows_no_such_user_shows_its_console(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context
) -> None:
    limited = replace(context, deadline=Since(10, lambda: "tiny is up" in _consoles(ec2)))
    with pytest.raises(TimedOut, match="does not let ubuntu in") as caught, launch(limited, ssh_user="ubuntu"):
        pass
    assert "tiny is up" in caught.value.message
    assert "`ssh_user`" in caught.value.hint


def _consoles(ec2: Ec2Simulator) -> str:
    client = ec2.client("ec2")
    ids = ec2.held().get(REGION, {}).get("instances", ())
    return "".join(client.get_console_output(InstanceId=each).get("Output", "") for each in ids)


def test_a_console_without_host_keys_is_an_error_unless_the_first_is_trusted(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "KEYLESS", 1)
    ec2.fault("GetConsoleOutput", "empty", count=None)
    with pytest.raises(BuildError, match="shows no SSH host keys") as caught, launch():
        pass
    assert "trust-first" in caught.value.hint
    with launch(host_key="trust-first") as machine:
        assert machine.expect("echo up", context) == "up\n"
    assert ec2.held() == {}


def test_without_a_default_vpc_it_names_what_is_missing(ec2: Ec2Simulator, launch: Callable[..., Any]) -> None:
    ec2.forget_default_vpc()
    with pytest.raises(BuildError, match=f"no default VPC in {REGION}") as caught, launch():
        pass
    assert "`subnet`" in caught.value.hint
    assert ec2.held() == {}


def test_in_a_subnet_at_its_private_address(ec2: Ec2Simulator, launch: Callable[..., Any], context: Context) -> None:
    subnet = ec2.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    with launch(subnet=subnet, address="private") as machine:
        seen = described(ec2, machine)
        assert seen["SubnetId"] == subnet
        assert "PublicIpAddress" not in seen
        assert machine.expect("echo up", context) == "up\n"
    with pytest.raises(BuildError, match="There is no subnet subnet-0bad"), launch(subnet="subnet-0bad"):
        pass


def pending(ec2: Ec2Simulator) -> None:
    ec2.set(booting=5)


def silent(ec2: Ec2Simulator) -> None:
    ec2.fault("RunInstances", "silent")


def keyless(ec2: Ec2Simulator) -> None:
    ec2.fault("GetConsoleOutput", "empty", count=None)


@pytest.mark.parametrize("hold", [pending, silent, keyless])
def test_cancel_ends_every_wait_at_once_and_leaves_nothing(
    ec2: Ec2Simulator, launch: Callable[..., Any], context: Context, book: Book, hold: Callable[[Ec2Simulator], None]
) -> None:
    hold(ec2)

    def cancel() -> None:
        wait_for(lambda: "instances" in ec2.held().get(REGION, {}), 30)
        time.sleep(1)  # well inside the wait
        context.stop.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled), launch():
        pass
    thread.join()
    assert ec2.held() == {}
    assert book.standing == {}


def test_what_cannot_be_removed_now_is_said_and_stays_in_the_ledger(
    ec2: Ec2Simulator, launch: Callable[..., Any], account: Aws, context: Context, console: Recorder, book: Book
) -> None:
    with launch():
        ec2.fault("DeleteKeyPair", code="UnauthorizedOperation", message="Not authorized.", status=403)
    assert "could not be removed" in console.text
    assert "ec2:DeleteKeyPair" in console.text
    assert book.standing.keys() == {"key-pair"}
    [line] = [line for line in book.lines if not line.is_gone]
    account.remove(line.resource, context)
    assert ec2.held() == {}
