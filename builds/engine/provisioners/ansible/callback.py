"""Runs inside of Ansible, on any of its versions: writes down each task that failed, a line of JSON for each."""

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: slipway
    type: notification
    short_description: Write down which tasks failed
    description: For the error that a build ends with.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, result._task.ignore_unreachable)

    def _write(self, result: Any, ignored: bool) -> None:
        said = result._result
        if result._task.no_log or said.get("censored"):
            says = "(the task has no_log)"
        else:
            items = [item for item in said.get("results", ()) if item.get("failed")]
            says = "\n".join(text for part in [*items, said] for text in self._texts(part))
        task = {"task": result._task.get_name(), "path": result._task.get_path() or "", "ignored": bool(ignored)}
        with open(os.environ["SLIPWAY_FAILURES"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(json.dumps({**task, "says": says}) + "\n")

    def _texts(self, said: Any) -> list[str]:
        """What a person wants to read of a result; of a program's output only its end."""
        found = [str(said.get(name) or "").strip() for name in ("stdout", "stderr", "module_stderr", "msg")]
        return [text[-4000:] for text in dict.fromkeys(found) if text]
