"""The SQL statements of this app, one in a file. The first line of each says what it does."""

from importlib.resources import files


def read(name: str) -> str:
    """Read the statement in `<name>.sql`. Modules do it once, at import."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
