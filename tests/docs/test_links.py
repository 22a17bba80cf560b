"""Every relative link of the documentation leads somewhere: a file of the repository, and a heading in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").rglob("*.md"))]

_CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"^([a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links that stay in the repository; what stands in code is no link."""
    prose = _CODE_BLOCK.sub("", text)
    without_code = _INLINE_CODE.sub("`", prose)
    for target in [*_LINK.findall(without_code), *_REFERENCE.findall(without_code)]:
        if not _ELSEWHERE.match(target):
            yield target


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_CODE_BLOCK.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (anchor := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(anchor)
    return found


def problem(page: Path, target: str) -> str | None:
    """Return what is wrong with a link, None when it leads somewhere."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT):
        return f"{target} leads out of the repository"
    if not file.exists():
        return f"{target} does not exist"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
        return f"{target}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """A page with a broken link is a page that nobody keeps."""
    found = [wrong for target in links(page.read_text()) if (wrong := problem(page, target))]
    assert found == []


def test_a_broken_link_is_found() -> None:
    """The check itself sees files that are missing, headings that are missing, and ways out of the repository."""
    text = "# One\n[a](../LICENSE) [b](gone.md) [c](call-path.md#gone) [d](../../x) `[e](code.md)` [f](https://x)\n"
    page = ROOT / "docs" / "page.md"
    assert [problem(page, target) is None for target in links(text)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("## Two `code` words", "two-code-words"), ("### 3. It rings (180)", "3-it-rings-180"), ("# A → B", "a--b")],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    """Punctuation goes, blanks become hyphens."""
    assert anchors(heading) == {anchor}
