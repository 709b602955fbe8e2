"""Python imports this first, in the processes of a chaos run only.

It injects crash points, and a bug where a run asks for one, into the product's modules as they are
loaded.
"""

import importlib.abc
import importlib.machinery
import sys
from types import CodeType

import code_changes


class InjectingLoader(importlib.machinery.SourceFileLoader):
    """Loads the changed source of a module; nothing of it is cached."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(
            code_changes.apply_changes(fullname, self.get_source(fullname)), self.path, "exec"
        )


class InjectingFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname not in code_changes.MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = InjectingLoader(fullname, spec.origin)
        return spec


if code_changes.MODULES:
    sys.meta_path.insert(0, InjectingFinder())
