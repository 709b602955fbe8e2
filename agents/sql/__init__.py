"""SQL statements: each is a file in the folder `sql` beside the module that runs it."""

from importlib.resources import files


def read(package: str, name: str) -> str:
    """The statement in `sql/<name>.sql` of the package, on one line and without its comments.

    A module reads its statements once, when it is imported. Comments and indentation are half of
    a file and no part of what PostgreSQL must parse, log and keep.
    """
    text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return " ".join(" ".join(lines).split())
