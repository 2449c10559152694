"""What the distribution's metadata has of the project's address: its links, and absolute ones in the README.

No file lies beside the README there.
"""

from __future__ import annotations

import pathlib
import re
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: An image's mark and words, or a link's words, up to a target that is neither absolute nor on the same page.
_RELATIVE: Final = re.compile(r"(!?)(\[[^\]]*\]\()(?![a-z]+:|#)")


class CustomMetadataHook(MetadataHookInterface):
    """Fills in ``readme`` and ``urls``; the address is in ``pyproject.toml``, beside the hook's name."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README's text and the project's links."""
        repository = self.config["repository"].rstrip("/")
        pages = f"{repository}/blob/main"

        def absolute(found: re.Match[str]) -> str:
            return found[0] + (f"{repository}/raw/main/" if found[1] else f"{pages}/")

        text = pathlib.Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _RELATIVE.sub(absolute, text)}
        metadata["urls"] = {
            "Source": repository,
            "Documentation": f"{pages}/docs/index.md",
            "Changelog": f"{pages}/CHANGELOG.md",
            "Issues": f"{repository}/issues",
        }
