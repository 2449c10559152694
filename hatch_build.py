"""The README as the distribution's metadata has it: no file lies beside it there, so its links are absolute."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: An image's mark and words, or a link's words, up to a target that is neither absolute nor on the same page.
_RELATIVE: Final = re.compile(r"(!?)(\[[^\]]*\]\()(?![a-z]+:|#)")


class CustomMetadataHook(MetadataHookInterface):
    """Fills in ``readme``; the addresses are in ``pyproject.toml``, beside the hook's name."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README's text."""

        def absolute(found: re.Match[str]) -> str:
            return found[0] + self.config["images" if found[1] else "pages"]

        text = pathlib.Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _RELATIVE.sub(absolute, text)}
