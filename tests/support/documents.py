"""The pages of the repository as data: their blocks, commands, tables, headings and links."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from local.settings import ROOT

PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
}
_BLOCK = re.compile(r"^```([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}\S.*\n(?:\n(?= {4}))?)(?: {4}.*\n|\n(?= {4}))*")


class Block(NamedTuple):
    """A fenced block: its marks, as in `json posted`, and its content."""

    marks: str
    content: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a text, in order."""
    return [Block(*found) for found in _BLOCK.findall(text)]


def shell_lines(text: str) -> list[str]:
    """Return the lines of all blocks of commands, fenced or indented, continued lines joined."""
    prose = _BLOCK.sub("", text)
    fenced = [content for marks, content in blocks(text) if marks == "sh"]
    indented = [re.sub(r"^ {4}", "", block, flags=re.M) for block in _INDENTED.findall(prose)]
    joined = "\n".join([*fenced, *indented]).replace("\\\n", " ")
    return [*filter(None, map(str.strip, joined.splitlines())), *_numbered(prose)]


def _numbered(prose: str) -> Iterator[str]:
    """Yield the commands of numbered lines, as in README's way to the first message."""
    for line in re.findall(r"^\d+\. `([^`]+)`$", prose, re.MULTILINE):
        yield from line.split(" && ")


def section(text: str, title: str) -> str:
    """Return what stands below a heading, up to the next one of its level or a higher one."""
    level, _, _ = title.partition(" ")
    below = text.partition(f"\n{title}\n")[2]
    assert below, f"no heading {title}"
    return re.split(rf"^#{{1,{len(level)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str, title: str) -> list[list[str]]:
    """Return the rows of the one table whose first column has this title."""
    (rows,) = re.findall(rf"^\| {re.escape(title)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for line in rows.splitlines()
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def links(text: str) -> list[str]:
    """Return the targets of links outside of blocks, without those to other hosts."""
    found = re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", text))
    return [target for target in found if "://" not in target]
