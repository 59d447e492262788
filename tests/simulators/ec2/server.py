"""One HTTP server: moto with our parts over it, faults before it, and /_simulator/ for tests beside it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

# Before moto is imported, which reads them then.
os.environ.update(MOTO_EC2_LOAD_DEFAULT_AMIS="false", MOTO_ENABLE_KEYPAIR_VALIDATION="1")

import moto.ebs.urls
import moto.ec2.urls
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from . import sources
from .calls import Call
from .cloud import Cloud
from .direct import Direct
from .faults import Fault
from .held import held
from .images import Images
from .imports import Imports
from .instances import Instances
from .power import Power
from .snapshots import Snapshots

ACCOUNT = DEFAULT_ACCOUNT_ID
Answer = Callable[..., Any]


class Ec2(Images, Instances, Snapshots, Imports, EC2Response):
    """All of EC2: ours first, the rest is moto's."""


class Simulator:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._power = Power(cloud)
        Ec2.cloud = Direct.cloud = cloud
        Ec2.power = self._power
        moto.ec2.urls.url_paths = {"{0}/": Ec2.dispatch}
        moto.ebs.urls.url_paths = dict.fromkeys(moto.ebs.urls.url_paths, Direct.dispatch)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._begin()

    def __call__(self, environ: dict[str, Any], answer: Answer) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_simulator/"):
            return self._control(environ, answer)
        call = Call.of(environ)
        if call.service in ("ec2", "ssm", "ebs"):
            sources.publish(self._cloud, ACCOUNT, call.region)
        fault = self._cloud.faults.at_the_door(call.action, call.region, call.parameters)
        if fault is None:
            return self._moto(environ, answer)
        if fault.mode == "delay":
            time.sleep(fault.seconds)
            return self._moto(environ, answer)
        if fault.mode == "lose":
            list(self._moto(environ, lambda *_: None))
        if fault.mode in ("drop", "lose"):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("The simulator was told to drop the connection.")
        headers, body = call.error(fault.code, fault.message)
        if fault.mode == "http":
            headers, body = [("Content-Type", "text/plain")], b""
        answer(f"{fault.status} {HTTPStatus(fault.status).phrase}", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def close(self) -> None:
        self._power.clear()

    def _begin(self) -> None:
        """An account as it is on the first day, with the role that VM Import needs."""
        iam_backends[ACCOUNT]["aws"].create_role(
            role_name="vmimport",
            assume_role_policy_document="{}",
            path="/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        )

    def _reset(self) -> None:
        self._power.clear()
        self._cloud.clear()
        self._power.clear()  # what was still booting
        Direct.uploads.clear()
        Imports.tasks.clear()
        BackendDict.reset()
        reset_model_data()
        self._begin()

    def _control(self, environ: dict[str, Any], answer: Answer) -> Iterable[bytes]:
        verb = environ["PATH_INFO"].removeprefix("/_simulator/")
        said = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, result = "200 OK", self._do(verb, json.loads(said or b"{}"))
        if result is None:
            status, result = "404 Not Found", {"error": f"There is no /_simulator/{verb}."}
        body = json.dumps(result).encode()
        answer(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _do(self, verb: str, said: dict[str, Any]) -> object | None:
        match verb:
            case "held":
                return held(ACCOUNT)
            case "faults":
                self._cloud.faults.add(Fault(**said))
            case "settings":
                self._cloud.change(said)
            case "reset":
                self._reset()
            case "settle":
                self._cloud.settle()
            case "interrupt":
                self._interrupt(said["instance"])
            case "forget-default-vpc":
                self._forget_default_vpc(said["region"])
            case _:
                return None
        return {}

    def _interrupt(self, wanted: str) -> None:
        """The end of a spot instance, as its owner sees it who missed the two minutes' notice."""
        for backend in ec2_backends[ACCOUNT].values():
            for instance in backend.all_instances():
                if instance.id == wanted:
                    reason = "Server.SpotInstanceTermination", "Spot instance termination"
                    self._power.terminate(instance, *reason)

    def _forget_default_vpc(self, region: str) -> None:
        backend = ec2_backends[ACCOUNT][region]
        for vpc in [vpc for vpc in backend.vpcs.values() if vpc.is_default]:
            for subnets in backend.subnets.values():
                for subnet in [each for each in subnets.values() if each.vpc_id == vpc.id]:
                    del subnets[subnet.id]
            del backend.vpcs[vpc.id]


def make(port: int, folder: Path, source: Path) -> tuple[BaseWSGIServer, Simulator]:
    simulator = Simulator(Cloud(folder, source))
    server = make_server("127.0.0.1", port, simulator, threaded=True, request_handler=MotoRequestHandler)
    return server, simulator
