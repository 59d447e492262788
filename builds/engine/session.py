"""An SSH session: opened on a connection that is there already, with a machine that proves who it is."""

from __future__ import annotations

import logging
import socket

import paramiko

# A broken connection is told by an exception; the library's own log would go to standard error.
logging.getLogger("slipway.ssh").addHandler(logging.NullHandler())
logging.getLogger("slipway.ssh").propagate = False


class Refused(Exception):  # noqa: N818
    """Somebody answered, but not as it should: another host key, or our key is not known (yet)."""


def login(
    connection: socket.socket, user: str, key: paramiko.PKey | str, host_key: str, patience: float = 60
) -> paramiko.Transport:
    """Open a session on a connected socket, which it takes over. A text as the key is a password.

    `host_key` is the public line that the machine must prove to have ("ssh-ed25519 AAAA…"); empty: any.
    Raises Refused, and SSHException, EOFError or OSError when the connection does not hold.
    """
    transport = paramiko.Transport(connection)
    try:
        transport.set_log_channel("slipway.ssh")
        transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = patience
        if host_key:
            transport.get_security_options().key_types = (host_key.split()[0],)
        transport.start_client(timeout=patience)
        shown = transport.get_remote_server_key()
        if host_key and describe(shown) != host_key:
            raise Refused("it shows another host key than the one it was given")
        try:
            if isinstance(key, str):
                transport.auth_password(user, key)
            else:
                transport.auth_publickey(user, key)
        except paramiko.AuthenticationException as error:
            kind = "password" if isinstance(key, str) else "key"
            raise Refused(f"it does not let {user} in with the {kind} that it was given") from error
        transport.set_keepalive(15)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        transport.close()
        raise Refused(f"it has no host key of the kind that it was given ({error})") from error
    except BaseException:
        transport.close()
        raise
    return transport


def describe(key: paramiko.PKey) -> str:
    """The key's public line, without comment."""
    return f"{key.get_name()} {key.get_base64()}"
