"""Discover, load and list plugins; quarantine those that fail."""

TYPE_CHECKING = False  # as in notifykit: a list of plugins needs no registry
if TYPE_CHECKING:
    from notifykit.plugins.builtins import BUILTINS as BUILTINS
    from notifykit.plugins.host import PluginHost as PluginHost, PluginInfo as PluginInfo, Status as Status
    from notifykit.plugins.registry import Registry as Registry
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__, {"builtins": "BUILTINS", "host": "PluginHost PluginInfo Status", "registry": "Registry"}
    )
