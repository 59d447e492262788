import multiprocessing
import stat

import pytest
from cryptography.fernet import Fernet

from config.keys import key, keys


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "keys" / "secret_key"
    made = key(path)
    assert key(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    Fernet(made)


def test_several_keys_stand_one_a_line_newest_first(tmp_path):
    path = tmp_path / "secrets_keys"
    path.write_text("new\nold\n")
    assert keys(path) == ["new", "old"]


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(4) as pool:
        found = pool.map(key, [tmp_path / "keys" / "secret_key"] * 16, chunksize=1)
    assert len(set(found)) == 1


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        key(tmp_path / "file" / "secret_key")
