"""slipway login, logout, whoami"""

from __future__ import annotations

import getpass
import sys
from typing import Any

from .command import command
from .errors import UNREACHABLE, USAGE, Failure, Refused
from .login import Login, checked, forget, is_open, keep
from .output import Output
from .server import Server


def add(commands: Any, common: Any) -> None:
    asks = command(commands, common, "login", login, "Keep a server's address and a token of yours.", alone=True)
    asks.add_argument("url", help="such as https://images.example.org")
    asks.add_argument("--with-token", action="store_true", help="read the token from standard input, without asking")
    command(commands, common, "logout", logout, "Forget them. The token stays valid until it is revoked.", alone=True)
    command(commands, common, "whoami", whoami, "Say what the token is, and what it may do.")


def login(asked: Any, server: None, output: Output) -> None:
    """The token is never an argument: others could read it in the list of processes."""
    url = checked(asked.url)
    if is_open(url):
        output.say(f"{url} is not encrypted: everybody between you and it can read the token.")
    output.say(f"Make a token at {url}/tokens")
    piped = asked.with_token or not sys.stdin.isatty()
    token = (sys.stdin.readline() if piped else getpass.getpass("Token: ")).strip()
    if not token.startswith("slipway_"):
        raise Failure("That is no token: they begin with slipway_.", status=USAGE)
    found = Login(url, token)
    try:
        me = Server(found, patience=5).get("token")
    except Refused as refused:
        raise Failure(f"{url} does not take this token: {refused.message}", status=UNREACHABLE) from None
    output.answer(me, f"{described(me)}, kept in {keep(found)}.")


def logout(asked: Any, server: None, output: Output) -> None:
    found = forget()
    output.answer({"forgotten": found}, "Forgotten." if found else "Nothing was kept.")


def whoami(asked: Any, server: Server, output: Output) -> None:
    me = server.get("token")
    output.answer(me, f"{described(me)}, at {server.login.url}.")


def described(me: dict[str, Any]) -> str:
    owner = me["user"] or f"the team {me['team']}"
    return f"The token {me['name']} of {owner} may {', '.join(me['scopes']) or 'read'}"
