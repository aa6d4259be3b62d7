"""The tables of the README, made from the code; run as a module it writes them into the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from app.kernel.limits import Limits
from app.server.settings import LIMIT_PREFIX, PREFIX, Settings
from bench import keeping
from tests.architecture.sources import ROOT

README = ROOT / "README.md"


def settings() -> Iterator[str]:
    """A table of every setting: its name, its default and what it says."""
    yield from ("| setting | default | what it says |", "| --- | --- | --- |")
    for name, field in Settings.model_fields.items():
        if name == "limits":
            continue
        variable = field.validation_alias or f"{PREFIX}{name.upper()}"
        yield f"| `{variable}` | {shown(field.default)} | {field.description} |"


def limits() -> Iterator[str]:
    """A table of every bound: the setting that changes it, and its default."""
    yield from ("| setting | default |", "| --- | --- |")
    yield from (f"| `{LIMIT_PREFIX}{field.name.upper()}` | {field.default:,} |" for field in fields(Limits))


def shown(default: object) -> str:
    """A default as the table shows it; nothing where there is none."""
    if default is None or default == ():
        return ""
    return f"`{default.as_posix() if isinstance(default, Path) else default}`"


def filled(text: str) -> str:
    """The README with its tables as the code and the kept results of the benchmarks have them."""
    for name, lines in (("settings", settings()), ("limits", limits())):
        table = "\n".join((f"<!-- {name} -->", "", *lines, "", f"<!-- /{name} -->"))
        text = re.sub(f"<!-- {name} -->.*<!-- /{name} -->", lambda _, table=table: table, text, flags=re.DOTALL)  # type: ignore[misc]
    return keeping.filled(text)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
