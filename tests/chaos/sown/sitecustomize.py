"""Python reads this before anything else, in the processes of a chaos run only: crash points, and
where a run asks for it a bug, are sown into the product's modules as they are loaded."""

import importlib.abc
import importlib.machinery
import sys
from types import CodeType

import crops


class Sown(importlib.machinery.SourceFileLoader):
    """Loads the source with some of its words changed; nothing of it is kept."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(crops.changed(fullname, self.get_source(fullname)), self.path, "exec")


class Sower(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname not in crops.MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = Sown(fullname, spec.origin)
        return spec


if crops.MODULES:
    sys.meta_path.insert(0, Sower())
