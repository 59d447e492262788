import pytest

from builds.engine.errors import SourceError
from builds.engine.source import Address


@pytest.mark.parametrize(
    ("url", "origin", "path", "web"),
    [
        ("https://github.com/acme/wiki.git", "https://github.com:443", "acme/wiki", "https://github.com"),
        ("https://git.example:8443/a/b/c/", "https://git.example:8443", "a/b/c", "https://git.example:8443"),
        ("http://[::1]:3000/a/b", "http://::1:3000", "a/b", "http://::1:3000"),
        ("git@github.com:acme/wiki.git", "ssh://github.com:22", "acme/wiki", "https://github.com"),
        ("ssh://git@codeberg.org:2222/acme/wiki", "ssh://codeberg.org:2222", "acme/wiki", "https://codeberg.org"),
    ],
)
def test_what_people_paste_is_understood(url: str, origin: str, path: str, web: str) -> None:
    address = Address.of(url)
    assert (address.origin, address.path, address.web) == (origin, path, web)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c id",
        "file:///etc",
        "/etc",
        "--upload-pack=id",
        "git://git.example/a",
        "https://-oProxyCommand=id/a",
        "ssh://-oProxyCommand=id/a",
        "-oProxyCommand=id:a",
        "https:///a",
        "https://git.example:port/a",
        "https://git.example/a b",
        "git@git.example:a\nb",
    ],
)
def test_what_git_could_be_tricked_with_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="not an address"):
        Address.of(url)


@pytest.mark.parametrize("url", ["https://ada:hush@git.example/a", "https://hush@git.example/a"])
def test_credentials_do_not_belong_in_it(url: str) -> None:
    with pytest.raises(SourceError, match="holds a user or a password") as caught:
        Address.of(url)
    assert "hush" not in str(caught.value)
