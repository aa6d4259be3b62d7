"""What the README tells of the kept results: their summaries and pictures, as they stand in `bench/results`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from app.server.migrating import ROOT

RESULTS = ROOT / "bench" / "results"
README = ROOT / "README.md"
BEGINS, ENDS = "<!-- measured -->", "<!-- /measured -->"
IN_README = ("reads", "pages", "tables", "first", "loop", "live")
"""The parts in the order in which they are told."""


def told(folder: Path = RESULTS) -> Iterator[str]:
    """The lines of the README between its two marks."""
    for name in IN_README:
        kept = folder / f"{name}.json"
        if not kept.exists():
            continue
        found = json.loads(kept.read_text())
        yield from ("", f"**{found['title']}.** [All figures](bench/results/{name}.md).", "")
        if (folder / f"{name}.svg").exists():
            yield from (f"![{found['title']}](bench/results/{name}.svg)", "")
        if name == IN_README[0]:
            yield from found["summary"]
        else:
            yield from ("<details>", "<summary>The figures</summary>", "", *found["summary"], "", "</details>")


def filled(text: str, folder: Path = RESULTS) -> str:
    """A README with the kept results between its marks."""
    between = "\n".join((BEGINS, *told(folder), "", ENDS))
    return re.sub(f"{BEGINS}.*{ENDS}", lambda _: between, text, flags=re.DOTALL)


def write_readme() -> None:
    """Bring the README to the kept results."""
    README.write_text(filled(README.read_text()))
