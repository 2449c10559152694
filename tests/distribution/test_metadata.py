"""What the distribution says of itself where it is listed."""

from __future__ import annotations

import re

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from tests.environments import ROOT


@pytest.fixture(name="metadata", scope="module")
def _metadata() -> ProjectMetadata[PluginManager]:
    """What a build would write."""
    return ProjectMetadata(str(ROOT), PluginManager())


def test_no_link_of_the_readme_needs_a_file_beside_it(metadata: ProjectMetadata[PluginManager]) -> None:
    """A list of packages shows the README alone: links lead to the project's pages, images to their files."""
    source = metadata.core.urls["Source"]
    text = metadata.core.readme
    assert metadata.core.readme_content_type == "text/markdown"
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    images = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert images
    assert all(image.startswith(f"{source}/raw/") for image in images)
    paths = [target.partition("/main/")[2] for target in targets if target.startswith(f"{source}/")]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert "docs/index.md" in paths


def test_the_readme_is_otherwise_as_it_is(metadata: ProjectMetadata[PluginManager]) -> None:
    """Only links differ: code that has brackets and parentheses stays."""
    source = metadata.core.urls["Source"]
    short = re.sub(rf"\]\({re.escape(source)}/(?:raw|blob)/main/", "](", metadata.core.readme)
    assert short == (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_address_is_the_projects_own(metadata: ProjectMetadata[PluginManager]) -> None:
    """Source, documentation, changelog and issues; their files exist."""
    urls = metadata.core.urls
    assert set(urls) == {"Changelog", "Documentation", "Issues", "Source"}
    assert all(url.startswith(urls["Source"]) for url in urls.values())
    files = [url.partition("/main/")[2] for url in urls.values() if "/main/" in url]
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert set(files) == {"CHANGELOG.md", "docs/index.md"}
