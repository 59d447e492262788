"""Programs on PATH that stand in for tools: what they were told is kept, what they say is given."""

from __future__ import annotations

from pathlib import Path


class StandIns:
    """A folder of programs for LocalMachine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, script: str = "") -> None:
        """It writes its arguments to `NAME.argv`, then does what the script says."""
        program = self.folder / name
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{self.folder}/{name}.argv"\n{script}\n')
        program.chmod(0o755)

    def argv(self, name: str) -> list[str]:
        file = self.folder / f"{name}.argv"
        return file.read_text().splitlines() if file.exists() else []

    def seen(self, name: str) -> str:
        return (self.folder / name).read_text()
