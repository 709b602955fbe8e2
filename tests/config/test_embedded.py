"""The embedded servers: their folders and their first answers."""

import os
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.embedded import Trouble

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")


def test_the_servers_live_in_the_data_folder(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "/srv/releve-test")

    place = embedded.find_place()

    assert place.folder == Path("/srv/releve-test/servers")
    assert place.database_url == "postgresql://releve@/releve?host=/srv/releve-test/servers/run"
    assert place.redis_url == "unix:///srv/releve-test/servers/run/valkey.sock"


@pytest.mark.parametrize("name", ["a" * 100, "with a space", "été", "50%"])
def test_sockets_move_to_a_short_and_plain_path(monkeypatch, name):
    monkeypatch.setenv("DATA_DIR", f"/srv/{name}")

    place = embedded.find_place()

    assert embedded.is_usable_for_sockets(place.sockets)
    assert not place.sockets.is_relative_to("/srv")
    assert place == embedded.find_place()


@as_root
def test_servers_of_root_move_out_of_a_folder_that_their_user_cannot_enter(monkeypatch, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("DATA_DIR", str(closed / "checkout" / ".data"))

    assert embedded.find_place().folder.parent == Path("/var/lib/releve")


def test_a_private_folder_is_open_to_its_user_alone(tmp_path):
    embedded.make_private(tmp_path / "run")

    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_link_is_refused_as_a_private_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Trouble, match="belongs to another user"):
        embedded.make_private(tmp_path / "run")


@as_root
def test_a_folder_of_another_user_is_refused_as_a_private_folder(tmp_path):
    (tmp_path / "run").mkdir()
    os.chown(tmp_path / "run", 1, 1)

    with pytest.raises(Trouble, match="belongs to another user"):
        embedded.make_private(tmp_path / "run")


def test_copied_programs_are_readable_for_all(tmp_path):
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "program").write_text("#!/bin/sh")
    (tmp_path / "wheel" / "program").chmod(0o700)

    embedded.copy_programs([tmp_path / "wheel"], tmp_path, tmp_path / "copy")

    assert (tmp_path / "copy" / "wheel" / "program").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "copy.new").exists()


def test_postgres_is_18_in_utc_and_listens_on_no_network():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("server_version", "timezone", "server_encoding", "listen_addresses")
        }

    assert found.pop("server_version").startswith("18.")
    assert found == {"timezone": "UTC", "server_encoding": "UTF8", "listen_addresses": ""}


def test_making_the_database_twice_changes_nothing():
    embedded.make_database(os.environ["DATABASE_URL"])
    embedded.make_database(os.environ["DATABASE_URL"])


def test_valkey_answers_on_its_socket():
    embedded.ping(os.environ["REDIS_URL"])


def test_retrying_ends_at_the_deadline():
    def refuse():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        embedded.retry(refuse, ConnectionError, seconds=0.1)
