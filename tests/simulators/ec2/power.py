"""The machines behind the instances: booted from a copy of the image's snapshot, and in the state that EC2 tells."""

from __future__ import annotations

import base64
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.ec2.models.instances import Instance, InstanceState, StateReason

from tests.simulators.machine import Identity, Machine

from .cloud import Cloud
from .snapshots import fill

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
GLANCE = 0.1  # seconds between two looks at whether a machine has powered off by itself


def become(instance: Instance, state: str, code: str = "", message: str = "") -> None:
    instance._state = InstanceState(state, STATES[state])
    if code:
        instance.state_reason = StateReason(f"{code}: {message}", code)


class Power:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._machines: dict[str, Machine] = {}
        self._silent: set[str] = set()
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def console(self, instance: Instance) -> Path:
        return self._cloud.folder / f"{instance.id}.console"

    def launch(self, instance: Instance, silent: bool = False) -> None:
        """A new instance: its disks are copied, then it boots. If `silent`, its SSH server never runs."""
        address = self._cloud.subnet.address()
        nic = instance.nics[0]
        nic.private_ip_address = address
        nic.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
        nic.private_dns_name = instance.private_dns_name
        nic.public_ip = address if nic.public_ip else None  # there is no other network from here to it
        if silent:
            self._silent.add(instance.id)
        become(instance, "pending")

        def work() -> None:
            with self._locks[instance.id]:
                if instance.state != "pending":
                    return
                for _, block in instance.get_block_device_mapping:
                    fill(self._cloud.disks, instance.ec2_backend.get_volume(block.volume_id))
                self._boot(instance)
                become(instance, "running")

        self._cloud.meanwhile(work, self._cloud.settings.booting)

    def start(self, instance: Instance) -> None:
        become(instance, "pending")

        def work() -> None:
            with self._locks[instance.id]:
                if instance.state == "pending":
                    self._boot(instance)
                    become(instance, "running")

        self._cloud.meanwhile(work)

    def stop(self, instance: Instance, force: bool) -> None:
        become(instance, "stopping")

        def work() -> None:
            with self._locks[instance.id]:
                if instance.state == "stopping":
                    self._off(instance, force)
                    become(instance, "stopped", "Client.UserInitiatedShutdown", "User initiated shutdown")

        self._cloud.meanwhile(work)

    def reboot(self, instance: Instance) -> None:
        def work() -> None:
            with self._locks[instance.id]:
                if instance.state == "running":
                    self._off(instance)
                    self._boot(instance)

        self._cloud.meanwhile(work)

    def terminate(
        self,
        instance: Instance,
        code: str = "Client.UserInitiatedShutdown",
        message: str = "User initiated shutdown",
    ) -> None:
        if instance.state in ("shutting-down", "terminated"):
            return
        become(instance, "shutting-down", code, message)

        def work() -> None:
            with self._locks[instance.id]:
                self._off(instance, force=True)
                volumes = [block for _, block in instance.get_block_device_mapping]
                nics = list(instance.nics.values())
                instance.terminate()
                for block in volumes:
                    if block.delete_on_termination:
                        self._cloud.disks.delete(block.volume_id)
                for nic in nics:  # EC2 made it with the instance, and it goes with it
                    instance.ec2_backend.enis.pop(nic.id, None)
                become(instance, "terminated", code, message)

        self._cloud.meanwhile(work)

    @contextmanager
    def paused(self, instance: Instance, running: bool) -> Iterator[None]:
        """While its disks are copied: off, unless it shall stay `running`."""
        with self._locks[instance.id]:
            was_on = instance.id in self._machines and not running
            if was_on:
                self._off(instance)
            yield
            if was_on and instance.state == "running":
                self._boot(instance)

    def clear(self) -> None:
        for machine in list(self._machines.values()):
            machine.kill()
        self._machines.clear()
        for console in self._cloud.folder.glob("*.console*"):
            console.unlink()

    def _boot(self, instance: Instance) -> None:
        volume = instance.block_device_mapping[instance.root_device_name].volume_id
        key = instance.ec2_backend.key_pairs.get(instance.key_name)
        machine = Machine(
            self._cloud.disks.path(volume),
            instance.private_ip,
            console=self.console(instance),
            ssh=instance.id not in self._silent,
            identity=Identity(
                hostname=f"ip-{instance.private_ip.replace('.', '-')}",
                instance_id=instance.id,
                keys=(key.public_key.strip(),) if key else (),
                user_data=base64.b64decode(str(instance.user_data or "")).decode(),
            ),
        )
        try:
            machine.start()
        except RuntimeError as error:  # EC2 shows such an instance as running, too
            with self.console(instance).open("a") as console:
                console.write(f"{error}\n")
            return
        self._machines[instance.id] = machine
        threading.Thread(target=self._watch, args=[instance, machine], daemon=True).start()

    def _off(self, instance: Instance, force: bool = False) -> None:
        if machine := self._machines.pop(instance.id, None):
            machine.kill() if force else machine.stop()

    def _watch(self, instance: Instance, machine: Machine) -> None:
        """What powers itself off is stopped or terminated, as its shutdown behaviour says."""
        while machine.running:
            time.sleep(GLANCE)
        with self._locks[instance.id]:
            if self._machines.get(instance.id) is not machine:
                return
            del self._machines[instance.id]
            machine.stop()
            reason = "Client.InstanceInitiatedShutdown", "Instance initiated shutdown"
            if instance.instance_initiated_shutdown_behavior == "terminate":
                self.terminate(instance, *reason)
            else:
                become(instance, "stopped", *reason)
