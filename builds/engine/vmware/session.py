"""A session with a vCenter: signed in, in again when it has ended, and out at the end."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self
from xml.parsers.expat import ExpatError

import urllib3
from pyVim import connect
from pyVmomi import SoapAdapter, vim, vmodl

from ..errors import BuildError, WorkerError
from .errors import ACCOUNTS, explain, unreachable
from .trust import refused, trust

PATIENCE = 30  # seconds for an answer
IDLE = 10  # seconds after which a connection is not used again: a server that has closed it would drop the next call
# Calls that change nothing, or no more the second time: repeated when the connection breaks.
REPEATABLE = frozenset(
    {
        "ContinueRetrievePropertiesEx",
        "CreateContainerView",
        "CreateDescriptor",
        "CreateImportSpec",
        "Fetch",
        "FindByInventoryPath",
        "FindChild",
        "HasPrivilegeOnEntities",
        "HttpNfcLeaseProgress",
        "RetrievePropertiesEx",
        "RetrieveServiceContent",
    }
)
Found = tuple[Any, Mapping[str, Any]]


class Session:
    """Use as a context manager. Safe in threads. Faults that leave the block are explained."""

    def __init__(self, host: str, port: int, user: str, password: str, ca: str = "") -> None:
        self.host, self.port, self.user = host, port, user
        self._password = password
        self.tls = trust(ca)
        self._stub: _Stub
        self.content: Any

    def __enter__(self) -> Self:
        self._stub = _Stub(self, self._connect())
        try:
            self._stub.sign_in()
            self.content = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        except BaseException:
            self._stub.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        explained = explain(error, self) if isinstance(error, vmodl.MethodFault) else None
        with contextlib.suppress(vmodl.MethodFault, WorkerError):
            self.content.sessionManager.Logout()
        self._stub.close()
        if explained:
            raise explained from error

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def cookie(self) -> str:
        """What opens the datastores' files, too."""
        return self._stub.cookie

    def http(self) -> urllib3.PoolManager:
        """For what is not SOAP. It asks no environment for certificates, and repeats nothing by itself."""
        return urllib3.PoolManager(ssl_context=self.tls, retries=False, timeout=urllib3.Timeout(PATIENCE))

    def authorization(self) -> dict[str, str]:
        """Headers that sign in to the REST services."""
        return urllib3.make_headers(basic_auth=f"{self.user}:{self._password}")

    def read(self, entity: Any, *paths: str) -> dict[str, Any]:
        """Properties by path, in one call; unset ones are missing."""
        spec = vmodl.query.PropertyCollector.ObjectSpec(obj=entity)
        found, faults = self._retrieve([spec], type(entity), paths)
        for fault in faults:
            raise fault
        return {path: value for _, values in found for path, value in values.items()}

    def all(self, root: Any, kind: type[Any], *paths: str) -> list[Found]:
        """Every object of a kind below `root`, with its properties."""
        view = self.content.viewManager.CreateContainerView(root, [kind], True)
        try:
            collector = vmodl.query.PropertyCollector
            select = collector.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
            spec = collector.ObjectSpec(obj=view, selectSet=[select], skip=True)
            return self._retrieve([spec], kind, paths)[0]
        finally:
            with contextlib.suppress(vmodl.MethodFault, WorkerError):
                view.Destroy()

    def name_of(self, entity: Any) -> str:
        """For messages; its id when its name cannot be had."""
        with contextlib.suppress(vmodl.MethodFault, WorkerError):
            if isinstance(entity, vim.ManagedEntity):
                return str(self.read(entity, "name").get("name", entity._moId))
        return str(getattr(entity, "_moId", entity))

    def by_id(self, kind: type[Any], identity: str) -> Any:
        """The object with this id, which may not exist."""
        return kind(identity, self._stub)

    def _retrieve(self, objects: list[Any], kind: type[Any], paths: tuple[str, ...]) -> tuple[list[Found], list[Any]]:
        """The objects with their properties, and the faults that kept properties back."""
        collector = vmodl.query.PropertyCollector
        wanted = collector.PropertySpec(type=kind, pathSet=list(paths), all=False)
        spec = collector.FilterSpec(objectSet=objects, propSet=[wanted])
        times = self._stub.times
        found, faults = self._collect(spec)
        if any(isinstance(fault, vim.fault.NotAuthenticated) for fault in faults):  # this call tells it so
            self._stub.sign_in(times)
            found, faults = self._collect(spec)
        return found, faults

    def _collect(self, spec: Any) -> tuple[list[Found], list[Any]]:
        asked = self.content.propertyCollector
        result = asked.RetrievePropertiesEx([spec], vmodl.query.PropertyCollector.RetrieveOptions())
        found: list[Found] = []
        faults: list[Any] = []
        while result:
            found += [(each.obj, {value.name: value.val for value in each.propSet}) for each in result.objects]
            faults += [missing.fault for each in result.objects for missing in each.missingSet]
            result = asked.ContinueRetrievePropertiesEx(result.token) if result.token else None
        return found, faults

    def _connect(self) -> SoapAdapter.SoapStubAdapter:
        with self._reached():
            try:
                return connect.SmartStubAdapter(
                    self.host,
                    self.port,
                    sslContext=self.tls,
                    httpConnectionTimeout=PATIENCE,
                    connectionPoolTimeout=IDLE,
                )
            except Exception as error:
                if type(error) is not Exception:  # pyvmomi has no other for this
                    raise
                raise BuildError(
                    f"{self.address} answers, but is no vCenter.", hint=f"Mend it in {ACCOUNTS}."
                ) from error

    @contextlib.contextmanager
    def _reached(self, doing: str = "") -> Iterator[None]:
        """Whatever goes wrong on the way to the vCenter, explained."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise refused(self.host, self.port, error) from error
        except (OSError, HTTPException, ExpatError) as error:
            raise unreachable(self.address, error, doing) from error


class _Stub(SoapAdapter.StubAdapterBase):  # type: ignore[misc]
    """Stands between all managed objects and the connection."""

    def __init__(self, session: Session, soap: SoapAdapter.SoapStubAdapter) -> None:
        super().__init__(version=soap.version)
        self._session = session
        self._soap = soap
        self._lock = threading.Lock()
        self.times = 0  # that it has signed in

    @property
    def cookie(self) -> str:
        return str(self._soap.cookie).split(";", 1)[0]

    def close(self) -> None:
        self._soap.DropConnections()

    def sign_in(self, times: int = 0) -> None:
        """Unless somebody else has since it had been done so many times."""
        with self._lock:
            if self.times > times:
                return
            self._soap.cookie = ""  # a vCenter refuses whoever is signed in already
            raw = vim.ServiceInstance("ServiceInstance", self._soap)
            with self._session._reached("to sign in"):
                try:
                    manager = raw.RetrieveContent().sessionManager
                    manager.Login(self._session.user, self._session._password)
                except vmodl.MethodFault as fault:
                    raise explain(fault, self._session) from fault
            self.times += 1

    def InvokeMethod(self, mo: Any, info: Any, args: Any) -> Any:  # noqa: N802 -- pyvmomi's name
        call = info.wsdlName
        with self._session._reached(call):
            for last in (False, True):
                times = self.times
                try:
                    status, result = self._soap.InvokeMethod(mo, info, args, self)
                except ssl.SSLCertVerificationError:
                    raise
                except (OSError, HTTPException, ExpatError):
                    if last or call not in REPEATABLE:
                        raise
                    continue
                if status == 200:
                    return result
                # It was not done, whatever it is: asking again is safe.
                if last or not isinstance(result, vim.fault.NotAuthenticated):
                    raise result
                self.sign_in(times)
        raise AssertionError("unreachable")
