"""Accounts are added the way `useradd` would."""

from __future__ import annotations

from builds.engine.formats import accounts

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "/etc/group": "root:x:0:\nstaff:x:1000:\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\n",
    "/etc/gshadow": "root:*::\n",
}


def test_a_new_account_gets_an_id_that_neither_user_nor_group_has() -> None:
    account, texts = accounts.add("vagrant", "/bin/sh", FILES)

    assert (account.uid, account.gid, account.home) == (1001, 1001, "/home/vagrant")
    assert texts["/etc/passwd"].endswith("\nvagrant:x:1001:1001::/home/vagrant:/bin/sh\n")
    assert texts["/etc/group"].endswith("\nvagrant:x:1001:\n")
    assert texts["/etc/gshadow"].endswith("\nvagrant:!::\n")
    # No password opens it, and yet it is not locked: sshd without PAM refuses keys, too, for "!".
    assert texts["/etc/shadow"].endswith("\nvagrant:*::0:99999:7:::\n")


def test_a_group_of_that_name_is_used() -> None:
    account, texts = accounts.add("vagrant", "/bin/sh", FILES | {"/etc/group": "root:x:0:\nvagrant:x:77:\n"})

    assert account.gid == 77
    assert texts["/etc/group"] == "root:x:0:\nvagrant:x:77:\n"


def test_an_account_that_exists_is_kept_but_may_log_in() -> None:
    passwd = "root:x:0:0:root:/root:/bin/bash\nvagrant:x:500:500::/var/vagrant:/usr/sbin/nologin\n"

    account, texts = accounts.add("vagrant", "/bin/bash", FILES | {"/etc/passwd": passwd})

    assert (account.uid, account.home) == (500, "/var/vagrant")
    assert texts["/etc/passwd"] == passwd.replace("/usr/sbin/nologin", "/bin/bash")
    assert texts["/etc/shadow"] == FILES["/etc/shadow"]


def test_systems_without_shadow_files_are_fine() -> None:
    _, texts = accounts.add("vagrant", "/bin/sh", {"/etc/passwd": FILES["/etc/passwd"], "/etc/group": "root:x:0:\n"})

    assert set(texts) == {"/etc/passwd", "/etc/group"}
