"""What the pages point at is there: links, files, tests, Python that compiles; and users read of every change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:src|docs|tests|examples|benchmarks|requirements)/[\w./-]*[\w/])`")
MODULE = re.compile(r"`((?:core|backends|api|web|ops|cli|chat|documents|tenants|testing)/[\w./]+)`")
TEST = re.compile(r"\b(tests/[\w/]+\.py)::(test_\w+)")


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in LINK.findall(prose(name)):
        if not target.startswith(("http://", "https://", "mailto:")):
            path, _, anchor = target.partition("#")
            found = ((ROOT / name).parent / path).resolve() if path else ROOT / name
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("name", NAMES)
def test_every_file_named_is_there(name: str) -> None:
    for path in FILE.findall(prose(name)):
        assert (ROOT / path).exists(), path
    for path in MODULE.findall(prose(name)):
        assert (ROOT / "src" / "quire" / path).exists(), path


@pytest.mark.parametrize("name", NAMES)
def test_every_test_named_is_there(name: str) -> None:
    for path, test in TEST.findall((ROOT / name).read_text()):
        assert test in names_of_tests(path), f"{path}::{test}"


@pytest.mark.parametrize("name", NAMES)
def test_every_python_example_compiles(name: str) -> None:
    for code in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
        compile(code, name, "exec", ast.PyCF_ONLY_AST)


def test_every_page_is_reached_from_the_index() -> None:
    reached = {ROOT / "docs" / "index.md"}
    new = set(reached)
    while new:
        linked = {target for page in new for target in links(page)}
        new = {page for page in linked if page.suffix == ".md"} - reached
        reached |= new
    assert set((ROOT / "docs").rglob("*.md")) <= reached


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    unreleased = re.search(r"^## \[Unreleased\]$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert unreleased
    assert re.search(r"^- \S", unreleased.group(1), re.MULTILINE)


def test_the_readme_shows_a_start() -> None:
    readme = (ROOT / "README.md").read_text()
    transcript = re.search(r"<!-- transcript:begin -->(.*?)<!-- transcript:end -->", readme, re.DOTALL)
    assert transcript
    assert "make run" in transcript.group(1)
    assert readme.index("make run") < readme.index("make test") < readme.index("transcript:begin")


def test_no_page_names_a_place_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(?:work|root|home/\w+)/", page.read_text()), page.name


def links(page: Path) -> Iterator[Path]:
    for target in LINK.findall(page.read_text()):
        if "://" not in target and not target.startswith("#"):
            found = (page.parent / target.partition("#")[0]).resolve()
            yield from [found, *found.glob("*.md")] if found.is_dir() else [found]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(name: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)


@cache
def names_of_tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
