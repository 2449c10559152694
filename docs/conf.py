"""How the documentation is built."""

import importlib.metadata

project = "notifykit"
author = "The notifykit authors"
copyright = "2026, The notifykit authors"  # noqa: A001 - the name that Sphinx reads
release = version = importlib.metadata.version("notifykit")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
myst_enable_extensions = ["colon_fence", "deflist"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Nothing is fetched while the documentation is built.
intersphinx_mapping: dict[str, tuple[str, str | None]] = {}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"notifykit {release}"


def setup(app):
    """Make ``{kwtsms-codes}`` a table of the gateway's codes, from the table that the code uses."""
    from docutils.parsers.rst.directives.tables import ListTable

    from notifykit_kwtsms.api.codes import CODES

    class KwtSmsCodes(ListTable):
        has_content = False

        def run(self):
            self.options |= {"header-rows": 1, "widths": [10, 35, 45, 10]}
            rows = [("Code", "Meaning", "What to do", "About")]
            rows += [(f"``{code.name}``", code.meaning, code.action, code.scope.value) for code in CODES.values()]
            for row in rows:
                self.content.append(f"* - {row[0]}", "codes")
                for cell in row[1:]:
                    self.content.append(f"  - {cell}", "codes")
            return super().run()

    app.add_directive("kwtsms-codes", KwtSmsCodes)
