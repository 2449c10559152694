"""Attributes of packages that are imported when they are first used, by the module functions of PEP 562."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for typing's, whose import takes longer than that of notifykit
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def lazy_attributes(
    package: str, homes: Mapping[str, str], root: str | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], tuple[str, ...]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package or a module.

    Type checkers and editors do not see these names: for them, import each under ``TYPE_CHECKING`` too. A test compares
    the two.

    :param package: the package's ``__name__``.
    :param homes: the names, separated by spaces, by the module below the root that has them.
    :param root: the package that the modules are in; the package itself where none is given.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def load(name: str) -> Any:
        """Import the module of a name, and return its attribute."""
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{root or package}.{home[name]}"), name)
        # From the second time on, Python finds it without asking here.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        module = sys.modules[package]
        return sorted({*vars(module), *module.__all__})

    return load, names, tuple(home)
