"""Packer's `shell`."""

from __future__ import annotations

import re
from typing import Any

from ...provisioners.shell import Shell
from ..fitting import fit
from ..options import Options
from ..paths import paths
from ..values import Unknown, joined
from ..variables import Where
from .base import NOT_NEEDED, Entry, Guest, common
from .execution import Execution, execution

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REBOOT = re.compile(
    r"\s*(sudo\s+(-\S+\s+)*)?(nohup\s+)?((/usr)?/?s?(bin/)?(reboot|shutdown\s+-r\b.*|init\s+6|systemctl\s+(--\S+\s+)*reboot))"
    r"(\s+(-f|--force|now|</dev/null|>/dev/null|2>&1|&|;))*\s*;?\s*"
)
SLEEP = re.compile(r"\s*sleep\s+\w+\s*")
SHEBANG = "/bin/sh -e"
RETRIES = 20
OWN = {"remote_folder", "remote_file", "remote_path", "skip_clean", "binary", "start_retry_timeout", "use_env_var_file"}


def shell(options: Options, guest: Guest) -> list[Entry]:
    run = execution(options, guest.login)
    written, origins = _shared(options, run)
    scripts = _scripts(options, run)
    disconnects = options.flag("expect_disconnect")
    options.not_needed(*OWN, "env_var_format", "remote_env*", why=NOT_NEEDED)
    made: list[Entry] = []
    for n, script in enumerate(scripts):
        last = n == len(scripts) - 1
        one: dict[str, Any] = {**script, **written}
        if disconnects and "reboot" not in one and "script" in one and _restarts(script["script"], last, scripts):
            one["reboot"] = True
            why = f"`reboot: true` restarts the machine after {script['script']}."
            options.notes.changed(*options.at("expect_disconnect"), why, "Take the restart out of the script itself.")
        one = fit(Shell, one, options, origins)
        if "script" in one or "inline" in one:
            made.append({"shell": one})
    if disconnects and not any(entry["shell"].get("reboot") for entry in made):
        options.notes.changed(*options.at("expect_disconnect"), "No restart was found in it, so none is made.")
    common(options)
    return made


def _restarts(script: str, last: bool, scripts: list[dict[str, Any]]) -> bool:
    """Which of several scripts is the one that restarts: by its name, or else the last."""
    named = [each["script"] for each in scripts if "script" in each and re.search(r"reboot|restart", each["script"])]
    return script in named if named else last


def _shared(options: Options, run: Execution) -> tuple[dict[str, Any], dict[str, str]]:
    """What holds for all scripts of the provisioner, and from which key each comes."""
    written: dict[str, Any] = {}
    env = {**_environment(options), **options.mapping("env", Where.LATE)}
    if env:
        written["env"] = {name: value for name, value in env.items() if _is_name(options, name)}
    if run.user != "root":
        written["user"] = run.user
    if codes := options.constant("valid_exit_codes"):
        listed = codes if isinstance(codes, list) else [codes]
        written["allowed_exit_codes"] = [int(code) for code in listed if str(code).isdigit()] or [0]
    if retries := options.number("max_retries"):
        written["retries"] = min(retries, RETRIES)
        if retries > RETRIES:
            options.notes.changed(*options.at("max_retries"), f"At most {RETRIES} tries are made again.")
    if timeout := options.constant("timeout"):
        written["timeout"] = str(timeout)
    return written, {"env": "environment_vars", "user": "execute_command", "allowed_exit_codes": "valid_exit_codes"}


def _environment(options: Options) -> dict[str, str]:
    """`NAME=value`, each; values that nobody knows are noted one by one."""
    env = {}
    for given in options.items("environment_vars"):
        value = options.conversion.variables.written(given, Where.LATE)
        if isinstance(value, Unknown):
            known = getattr(given.value, "parts", None)
            name = f" ({known[0].partition('=')[0]})" if known and isinstance(known[0], str) else ""
            path = f"{options.path}.environment_vars"
            options.notes.left_out(given.place, path, f"One{name} is not known before a build: {value.reason}.")
            continue
        name, sign, text = value.partition("=")
        if sign:
            env[name.strip()] = text
        else:
            options.notes.left_out(given.place, f"{options.path}.environment_vars", f"{value[:60]!r} has no `=`.")
    return env


def _is_name(options: Options, name: str) -> bool:
    if NAME.fullmatch(name):
        return True
    options.notes.left_out(*options.at("environment_vars"), f"{name[:60]!r} is no name of an environment variable.")
    return False


def _scripts(options: Options, run: Execution) -> list[dict[str, Any]]:
    scripts: list[dict[str, Any]] = []
    shebang = options.constant("inline_shebang") or SHEBANG
    lines = options.items("inline")
    if lines:
        between: list[Any] = []
        for given in lines:
            between += [given.value, "\n"]
        text = options.conversion.variables.written(joined(between), Where.SCRIPT)
        if isinstance(text, Unknown):
            why = f"The script holds something that is not known before a build: {text.reason}."
            options.notes.left_out(*options.at("inline"), why, "Write it anew for Slipway.")
        else:
            scripts.append(_inline(options, text, run.shebang or f"#!{str(shebang).removeprefix('#!')}"))
    for key in ("script", "scripts"):
        scripts += [{"script": path} for path in paths(options, key)]
    return scripts


def _inline(options: Options, text: str, shebang: str) -> dict[str, Any]:
    lines = text.rstrip("\n").split("\n")
    reboot = False
    kept = list(lines)
    while kept and (not kept[-1].strip() or SLEEP.fullmatch(kept[-1]) or REBOOT.fullmatch(kept[-1])):
        reboot = bool(REBOOT.fullmatch(kept.pop())) or reboot
    if not reboot:
        kept = lines
    else:
        options.notes.changed(*options.at("inline"), "The restart at its end became `reboot: true`.")
    if not kept or not kept[0].startswith("#!"):
        kept.insert(0, shebang)
    if len(kept) == 1:
        kept.append("exit 0")
    return {"inline": "\n".join(kept) + "\n"} | ({"reboot": True} if reboot else {})
