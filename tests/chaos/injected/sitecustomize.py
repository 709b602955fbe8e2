"""Python reads this before anything else, in the processes of a chaos run only: crash points, and
where a run asks for it a bug, are injected into the product's modules as they are loaded."""

import importlib.abc
import importlib.machinery
import sys
from types import CodeType

import code_changes


class InjectingLoader(importlib.machinery.SourceFileLoader):
    """Loads the source with some of its words changed; nothing of it is kept."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(code_changes.changed(fullname, self.get_source(fullname)), self.path, "exec")


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
