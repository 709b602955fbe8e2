"""Statements in files: each says what it does, is read by a module beside it, travels bare."""

import re
from pathlib import Path

import agents.sql
import dispatch.sql
import tickets.sql
from dispatch.waves import snapshot_query
from tests.test_architecture import ROOT, sources

APPS = {"agents": agents.sql, "tickets": tickets.sql, "dispatch": dispatch.sql}
FILES = sorted(path for app in APPS for path in (ROOT / app).rglob("sql/*.sql"))


def package_of(path: Path) -> str:
    return ".".join(path.parent.parent.relative_to(ROOT).parts)


def test_the_first_line_of_each_is_a_sentence() -> None:
    first = {path.name: path.read_text().splitlines()[0] for path in FILES}

    assert first
    assert [name for name, line in first.items() if not re.fullmatch(r"-- [A-Z].*\.", line)] == []


def test_no_line_is_longer_than_elsewhere() -> None:
    long = {
        path.name for path in FILES for line in path.read_text().splitlines() if len(line) > 100
    }

    assert long == set()


def test_each_is_read_by_a_module_of_its_package() -> None:
    read = {
        (".".join(path.parent.relative_to(ROOT).parts), name)
        for path in sources(*APPS)
        for name in re.findall(r'sql\.read\(__package__, "(\w+)"\)', path.read_text())
    }

    assert read == {(package_of(path), path.stem) for path in FILES}


def test_a_statement_is_one_line_without_its_comments() -> None:
    for path in FILES:
        package = package_of(path)
        statement = APPS[package.split(".")[0]].read(package, path.stem)
        assert statement.startswith(("SELECT", "WITH", "UPDATE", "INSERT", "picked", "agents_"))
        assert "\n" not in statement
        assert "--" not in statement


def test_a_row_is_read_in_the_order_it_is_written_in() -> None:
    assert snapshot_query.column_list(snapshot_query.AffinityRow, "met") in (
        snapshot_query.SNAPSHOT_SQL
    )
    for row, table in (
        (snapshot_query.TicketRow, "ticket_rows"),
        (snapshot_query.AgentRow, "agent_rows"),
        (snapshot_query.PastOfferRow, "past"),
    ):
        columns = ", ".join(f"{table}.{name}" for name in row._fields)
        assert f"json_build_array({columns})" in snapshot_query.SNAPSHOT_SQL
