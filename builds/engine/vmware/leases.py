"""Leases: a vCenter lends the files of one machine for a transfer, as long as it hears that it goes on."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import urllib3
from pyVmomi import vim, vmodl
from urllib3.exceptions import HTTPError

from ..context import Context
from ..errors import BuildError, SlipwayError, WorkerError
from . import errors
from .session import Session
from .transfer import LOOK, PATIENCE, PIECE, Body, Count, carry

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SIGNS = 4  # of life, in the time that a lease waits for one
DISK_TYPE = "application/x-vnd.vmware-streamVmdk"


class Broken(BuildError):  # noqa: N818
    """A transfer ended before its end. Another try may succeed."""


@dataclass(frozen=True)
class Download:
    """A file that has come, and its digests by name."""

    path: Path
    size: int
    digests: dict[str, str]


@contextlib.contextmanager
def borrowed(session: Session, begin: Callable[[], Any], context: Context, doing: str) -> Iterator[Lease]:
    """A lease, ready; completed at the end of the block, aborted on every other way out."""
    with errors.explained(session, doing):
        lease = Lease(session, begin(), context, doing)
        try:
            lease.wait()
            yield lease
            lease.handle.HttpNfcLeaseComplete()
        except BaseException:
            with contextlib.suppress(vmodl.MethodFault, SlipwayError):
                lease.handle.HttpNfcLeaseAbort()
            raise


class Lease:
    def __init__(self, session: Session, handle: Any, context: Context, doing: str) -> None:
        self.handle = handle
        self._session = session
        self._context = context
        self._doing = doing
        self._pause = LOOK
        self._told = 0.0

    def wait(self) -> None:
        while self._state() == "initializing":
            self._context.wait(LOOK)
        self.info = self._session.read(self.handle, "info")["info"]
        self._pause = min(5.0, self.info.leaseTimeout / SIGNS)

    def download(self, device: Any, target: Path, expected: int) -> Download:
        """`expected` bytes at most; how many there are is not known before."""
        digests = [hashlib.sha1(usedforsecurity=False), hashlib.sha256()]
        done = Count()

        def work() -> None:
            with self._ask("GET", device) as answer, target.open("wb") as file:
                for data in answer.stream(PIECE):
                    for digest in digests:
                        digest.update(data)
                    file.write(data)
                    done.add(len(data))

        self._carry(work, done, expected)
        return Download(target, done.bytes, {each.name: each.hexdigest() for each in digests})

    def upload(self, device: Any, source: BinaryIO, size: int, *, create: bool) -> None:
        """`size` bytes from where the source stands. `create`: the file is none of the machine's devices yet."""
        done = Count()
        body = Body(source, size, done)
        headers = {"Content-Length": str(size), "Content-Type": DISK_TYPE, "Overwrite": "t"}

        def work() -> None:
            with self._ask("PUT" if create else "POST", device, body=body, headers=headers):
                pass

        self._carry(work, done, size)

    def sums(self) -> dict[str, Any]:
        """What the vCenter has sent, by device; {} when it does not say."""
        with contextlib.suppress(vmodl.fault.NotSupported, vmodl.fault.MethodNotFound):
            return {each.key: each for each in self.handle.HttpNfcLeaseGetManifest()}
        return {}

    def _carry(self, work: Callable[[], None], done: Count, size: int) -> None:
        if error := carry(work, done, size, self._context, self._tell):
            self._raise(error, done)

    def _tell(self, fraction: float) -> None:
        if time.monotonic() - self._told < self._pause:
            return
        try:
            self.handle.HttpNfcLeaseProgress(int(fraction * 100))
        except vmodl.MethodFault:
            self._state()
            raise
        self._told = time.monotonic()

    def _raise(self, error: Exception, done: Count) -> None:
        if not isinstance(error, HTTPError | OSError):
            raise error
        if isinstance(error, OSError) and error.errno in FULL:
            raise WorkerError(f"{self._doing} found no room on this worker: {error}.", hint="Free some disk space.")
        self._state()
        raise Broken(
            f"{self._doing} broke off after {done.bytes / 2**20:.0f} MiB: {error}.",
            hint="See whether the worker reaches the vCenter's hosts on port 443, then retry the build.",
        ) from error

    def _state(self) -> str:
        """The lease's; BuildError when it has ended."""
        try:
            seen = self._session.read(self.handle, "state", "error")
        except vmodl.fault.ManagedObjectNotFound:
            seen = {"state": "error"}
        if seen["state"] != "error":
            return str(seen["state"])
        why = errors.said(seen["error"]) if seen.get("error") else "it is gone"
        raise Broken(
            f"{self._doing} failed: the vCenter ended the lease: {why}.",
            hint="Its events tell more; then retry the build.",
        )

    @contextlib.contextmanager
    def _ask(self, method: str, device: Any, **details: Any) -> Iterator[urllib3.BaseHTTPResponse]:
        with self._pool(device) as pool:
            url = device.url.replace("*", self._session.address)
            answer = pool.request(method, url, preload_content=False, timeout=PATIENCE, **details)
            try:
                if answer.status >= 300:
                    raise HTTPError(f"{answer.status} {answer.reason}")
                yield answer
            finally:
                answer.close()

    def _pool(self, device: Any) -> urllib3.PoolManager:
        # A host shows a certificate of its own; the vCenter has told which.
        if urlsplit(device.url).hostname not in ("*", self._session.host) and device.sslThumbprint:
            return urllib3.PoolManager(
                cert_reqs="CERT_NONE", assert_fingerprint=device.sslThumbprint, retries=False, blocksize=PIECE
            )
        return urllib3.PoolManager(ssl_context=self._session.tls, retries=False, blocksize=PIECE)


def device_of(info: Any, key: str) -> Any:
    """The device that an import spec calls so."""
    return next(each for each in info.deviceUrl if each.importKey == key)


def disks_of(info: Any) -> list[vim.HttpNfcLease.DeviceUrl]:
    return [each for each in info.deviceUrl if each.disk]
