"""The statements of this app, one in a file; its first line says what it does."""

from importlib.resources import files


def read(name: str) -> str:
    """The statement in `<name>.sql`. Modules read theirs once, when they are imported."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
