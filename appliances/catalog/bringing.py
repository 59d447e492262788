"""What readers type so that their programs bring a token. It is never typed into a command itself: others see those."""

from __future__ import annotations

from urllib.parse import urlsplit

TAKE = "read -rs SLIPWAY_TOKEN && export SLIPWAY_TOKEN"


def vagrant(site: str) -> str:
    """It sends the token to this address alone: config.vm.box_server_url is not enough."""
    return f'export VAGRANT_SERVER_URL={site}\nexport VAGRANT_CLOUD_TOKEN="$SLIPWAY_TOKEN"'


def netrc(site: str) -> str:
    line = f"machine {urlsplit(site).hostname} login vcsp password %s\\n"
    return f"(umask 077; printf '{line}' \"$SLIPWAY_TOKEN\" >> ~/.netrc)"
