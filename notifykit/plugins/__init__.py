"""Discover, load and list plugins; quarantine those that fail."""

from notifykit.plugins.builtins import BUILTINS
from notifykit.plugins.host import PluginHost, PluginInfo, Status
from notifykit.plugins.registry import Registry

__all__ = ("BUILTINS", "PluginHost", "PluginInfo", "Registry", "Status")
