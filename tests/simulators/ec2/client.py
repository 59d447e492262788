"""The simulator as tests see it: a program that they start, and its /_simulator/ address."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

PROJECT = Path(__file__).parents[3]
REGION = "us-east-1"


class Ec2Simulator:
    """Its programs and machines end with the `with` block, and with the process that it is in."""

    def __init__(self, folder: Path, disk: str = "tiny") -> None:
        self.folder = folder
        self.disk = disk
        self.url = ""
        self._clients: dict[tuple[str, str, int], Any] = {}

    def __enter__(self) -> Self:
        argv = [
            sys.executable,
            "-m",
            "tests.simulators.ec2",
            "--folder",
            self.folder,
            "--disk",
            self.disk,
            "--lifeline",
        ]
        pipe = subprocess.PIPE
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = (self.folder / "log").open("w")
        self._process = subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=self._log, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.__exit__(None, None, None)
            raise RuntimeError(f"The simulated EC2 does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        with self._process, self._log:
            self._process.wait(30)

    def kill(self) -> None:
        """As if its host lost power."""
        self._process.kill()
        self._process.wait()

    def environment(self, region: str = REGION) -> dict[str, str]:
        """For a program that speaks to AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str = REGION, attempts: int = 1) -> Any:
        key = (service, region, attempts)
        if key not in self._clients:  # making one takes longer than most calls
            self._clients[key] = self._client(*key)
        return self._clients[key]

    def _client(self, service: str, region: str, attempts: int) -> Any:
        environment = self.environment(region)
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )

    def source(self, region: str = REGION, word: str = "amd64") -> str:
        """The id of Debian's image."""
        name = f"/aws/service/debian/release/12/latest/{word}"
        return str(self.client("ssm", region).get_parameter(Name=name)["Parameter"]["Value"])

    def fault(self, action: str, mode: str = "error", **values: object) -> None:
        self._ask("faults", {"action": action, "mode": mode, **values})

    def set(self, **values: float) -> None:
        self._ask("settings", values)

    def held(self) -> dict[str, dict[str, list[str]]]:
        """What exists of the account's own, by region and kind; empty when nothing is left."""
        return self._ask("held")

    def settle(self) -> None:
        """Wait for what goes on in the background: terminations, copies, imports."""
        self._ask("settle")

    def interrupt(self, instance: str) -> None:
        """Take a spot instance away."""
        self._ask("interrupt", {"instance": instance})

    def forget_default_vpc(self, region: str = REGION) -> None:
        self._ask("forget-default-vpc", {"region": region})

    def reset(self) -> None:
        """Everything is gone, machines too, and the settings are those of the beginning."""
        self._ask("reset")

    def _ask(self, verb: str, said: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 -- our own server
            f"{self.url}/_simulator/{verb}", json.dumps(said or {}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.load(answer)
