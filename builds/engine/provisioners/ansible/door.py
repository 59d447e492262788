"""The one way out of the sandbox: a unix socket, behind which the machine's SSH server answers."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE = 32768


class Door:
    """Open during the `with` block. `dial` makes a connection to the machine; `tell` hears why there was none."""

    def __init__(self, path: Path, dial: Callable[[], socket.socket], tell: Callable[[str], None]) -> None:
        self._path = path
        self._dial = dial
        self._tell = tell
        self._one_at_a_time = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener = _listen(self._path)
        self._start(self._let_in)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shut(self._listener)
        self._threads[0].join()  # nobody comes in any more
        for end in list(self._open):
            _shut(end)
        for thread in self._threads[1:]:
            thread.join()

    def _let_in(self) -> None:
        with suppress(OSError):  # the door was shut
            while True:
                near, _ = self._listener.accept()
                self._open.add(near)
                self._start(self._serve, near)

    def _serve(self, near: socket.socket) -> None:
        try:
            with self._one_at_a_time:
                far = self._dial()
        except OSError as error:
            self._tell(f"No connection to the machine: {error}\n")
            _shut(near)
            return
        far.settimeout(None)
        self._open.add(far)
        back = self._start(_pass_on, far, near)
        _pass_on(near, far)
        back.join()
        _shut(near)
        _shut(far)

    def _start(self, run: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=run, args=arguments, name="door", daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread


def _listen(path: Path) -> socket.socket:
    """However long the path: the system takes 107 bytes of one."""
    folder = os.open(path.parent, os.O_PATH)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen()
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until the source has said all: the target may still answer. A connection that breaks ends both ways."""
    try:
        while data := source.recv(PIECE):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        _shut(source)
        _shut(target)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes who waits on it
    end.close()
