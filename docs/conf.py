"""How the documentation is built."""

import importlib.metadata

project = "notifykit"
author = "The notifykit authors"
copyright = "2026, The notifykit authors"  # noqa: A001 - the name that Sphinx reads
release = version = importlib.metadata.version("notifykit")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
myst_enable_extensions = ["colon_fence", "deflist"]
# Headings can be linked to as they can where the pages are read without being built.
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Nothing is fetched while the documentation is built.
intersphinx_mapping: dict[str, tuple[str, str | None]] = {}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"notifykit {release}"
