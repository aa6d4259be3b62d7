"""Sources: what a run needs of a set of files, and how files of comma-separated values are read."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from app.importing.records import Kind, Record, Refused
from app.kernel.limits import in_force
from app.kernel.money import CurrencyCode

CHUNK_BYTES = 1 << 20
CELL_CHARACTERS_MAX = 100_000
"""A longer cell is a file that lost a quotation mark."""
Values = dict[str, str]


class ImportFailure(Exception):
    """The import cannot go on; the message says why and what to do."""


class RowRefused(Exception):
    """A row that does not come in; the message says why."""


class Source(Protocol):
    """A set of files in the form of one system."""

    name: str
    channel_code: str
    channel_name: str
    currency: CurrencyCode

    def fingerprint(self) -> str:
        """What tells this set from any other: the same files have the same."""

    def records(self, kind: Kind) -> Iterable[Record | Refused]:
        """The records of a kind, in an order that is always the same."""

    def total(self, kind: Kind) -> int:
        """How many records of a kind there are, roughly: for the progress bar."""


class Files:
    """The files of one folder, each `name.csv` or `name.csv.gz`."""

    def __init__(self, folder: Path) -> None:
        """Read from `folder`."""
        if not folder.is_dir():
            raise ImportFailure(f"{folder} is no folder; name the one that holds the files.")
        self.folder = folder

    def path(self, name: str) -> Path:
        """The file that holds `name`; ImportFailure where there is none."""
        for path in (self.folder / f"{name}.csv", self.folder / f"{name}.csv.gz"):
            if path.is_file():
                return path
        raise ImportFailure(f"{self.folder} holds neither {name}.csv nor {name}.csv.gz.")

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return any((self.folder / f"{name}{ending}").is_file() for ending in (".csv", ".csv.gz"))

    def rows(self, name: str, columns: Sequence[str]) -> Iterator[Values]:
        """The rows of a file one by one, which has `columns` at least."""
        path = self.path(name)
        csv.field_size_limit(CELL_CHARACTERS_MAX)
        try:
            with _opened(path) as file:
                reader = csv.DictReader(file)
                missing = [column for column in columns if column not in (reader.fieldnames or ())]
                if missing:
                    raise ImportFailure(f"{path} lacks the column {missing[0]}.")
                yield from _bounded(reader, path)
        except (OSError, EOFError, UnicodeError, csv.Error) as broken:
            raise ImportFailure(f"{path} cannot be read: {broken}") from broken

    def fingerprint(self, names: Iterable[str]) -> str:
        """What the files of `names` hold, as one hash."""
        whole = hashlib.sha256()
        for name in names:
            with self.path(name).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    whole.update(chunk)
        return whole.hexdigest()


def _opened(path: Path) -> IO[str]:
    """A file of text, packed or not; a mark of its byte order is left out."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _bounded(rows: Iterable[Mapping[str | Any, str | Any]], path: Path) -> Iterator[Values]:
    """The rows with every cell as trimmed text; a file of too many is not read to its end."""
    most = in_force().import_rows_max
    for number, row in enumerate(rows, 1):
        if number > most:
            raise ImportFailure(f"{path} has more than {most:,} rows; split it.")
        yield {name: (value or "").strip() for name, value in row.items() if name is not None}
