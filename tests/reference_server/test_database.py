"""The database file: one process has it open, it is this server's, and what has changed in it is never served."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.database import Damaged, Unusable, connect, put, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEW, MANY = 60, 5000
TABLES = ("runs", "entries", "users", "items", "versions")
ASSIST = {"emit": {"type": "loop_state", "payload": {"state": "executing"}}}


@pytest.fixture
def refused(command: Any, environment: dict[str, str]) -> Callable[[Path], str]:
    """What a server says that refuses a database."""

    def refuse(path: Path) -> str:
        line = command("--port", "0", "--db", str(path))
        ran = subprocess.run(line, capture_output=True, check=False, env=environment, text=True, timeout=30)
        assert ran.returncode == 2, (ran.returncode, ran.stdout, ran.stderr)
        said = ran.stderr.removesuffix("\n")
        assert said.startswith(f"streamvet_server: --db {path}: expected ")
        assert "\n" not in said
        return said.partition(": expected ")[2]

    return refuse


def test_a_second_process_is_refused(spawn: Any, refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    first = spawn("--db", str(path))
    assert refused(path) == "a database that no other process has open, got database is locked"
    (tmp_path / "link.db").symlink_to(path)
    assert refused(tmp_path / "link.db").startswith("a database that no other process has open")
    first.kill()  # whoever is killed holds nothing any more
    assert spawn("--db", str(path)).terminate() == 0


def test_two_that_come_up_at_once_are_not_both_refused(
    command: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    line = command("--port", "0", "--db", str(tmp_path / "events.db"))
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for _ in range(2)]
    try:
        listening = [process.stdout.readline() for process in both if process.stdout]
        assert sorted(bool(it) for it in listening) == [False, True]
        assert [process.wait(10) for process, it in zip(both, listening, strict=True) if not it] == [2]
    finally:
        for process in both:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_database_of_others_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "others.db"
    with sqlite3.connect(path) as others:
        others.execute("CREATE TABLE entries (url TEXT)")
        others.execute(f"PRAGMA user_version={version}")
    others.close()
    with pytest.raises(Unusable, match=f"expected a database of this server, of format 2, got one of format {version}"):
        connect(str(path))
    with sqlite3.connect(path) as others:
        assert others.execute("SELECT sql FROM sqlite_master").fetchall() == [("CREATE TABLE entries (url TEXT)",)]
    others.close()


@pytest.fixture
def filled(spawn: Any, tmp_path: Path) -> Path:
    """A database with rows in each table, closed."""
    path = tmp_path / "filled.db"

    async def fill() -> None:
        process = spawn("--db", str(path))
        async with process.client() as served:
            await served.seen(await served.run([ASSIST] * 100))
            admin = {"email": "admin@example.org", "password": "the keys to the stable"}
            login = await served.http.post("/ghostly/v1/auth/login", json=admin)
            headers = {"Authorization": f"Bearer {login.json()['token']}"}
            new = {"email": "\ud800@example.org", "password": "pass"}
            answer = await served.http.post("/ghostly/v1/auth/register", content=json.dumps(new), headers=headers)
            assert answer.status_code == 201, answer.text
            await served.pushed("plan", {"name": "a.md", "content": "one plan of many words " * 20})
        assert await asyncio.to_thread(process.terminate) == 0

    asyncio.run(fill())
    return path


def _held(path: Path) -> dict[str, list[Any]]:
    connection = connect(str(path))
    try:
        return {table: list(rows(connection, table)) for table in TABLES}
    finally:
        connection.close()


@pytest.mark.parametrize("table", TABLES)
def test_a_value_that_has_changed_is_told_of(filled: Path, refused: Any, table: str) -> None:
    changed = sqlite3.connect(filled, isolation_level=None)
    key, other = [column[1] for column in changed.execute(f"PRAGMA table_info({table})")][:2]
    last = "content" if table == "versions" else "document"
    *row, text = changed.execute(f"SELECT {key}, {other}, {last} FROM {table} LIMIT 1").fetchone()  # noqa: S608 -- ours
    # One bit of the last but two characters: it may well stay JSON, so that nothing but the seal can tell.
    text = text[:-3] + chr(ord(text[-3]) ^ 1) + text[-2:]
    update = f"UPDATE {table} SET {last} = ? WHERE {key} = ? AND {other} = ?"  # noqa: S608 -- ours
    assert changed.execute(update, (text, *row)).rowcount == 1
    changed.close()
    named = ", ".join(f"{it!r:.60}" for it in row)
    assert refused(filled) == f"rows as they were written, got a row of {table} that has changed since: {named}"


@pytest.mark.parametrize("flips", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_bits_that_have_flipped_are_never_served(filled: Path, tmp_path: Path, flips: int) -> None:
    """Wherever it is: the file is refused in words, or all of it is as it was."""
    whole, octets, outcomes = _held(filled), filled.read_bytes(), set()
    dice = random.Random(f"flips {flips}")
    for _ in range(flips):
        flipped = bytearray(octets)
        for _flip in range(dice.choice((1, 1, 1, 8))):
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        path = tmp_path / "flipped.db"
        path.write_bytes(flipped)
        try:
            assert _held(path) == whole
            outcomes.add("as it was")
        except Unusable as reason:
            outcomes.add(reason.expected)
    assert {"rows as they were written", "as it was"} <= outcomes


def test_a_row_that_changes_meanwhile_is_not_read(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "one.db"))
    put(connection, "entries", "run_a", 1, 0, '{"a":1}')
    put(connection, "entries", "run_a", 2, 0, '{"a":1}')
    connection.execute("UPDATE entries SET number = 3 WHERE number = 2")
    read = rows(connection, "entries", "WHERE run = ?", ("run_a",))
    assert next(read) == ["run_a", 1, 0, '{"a":1}']
    with pytest.raises(Damaged, match="a row of entries that has changed since: 'run_a', 3"):
        next(read)
    connection.close()
