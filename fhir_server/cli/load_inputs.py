"""What `fhir-server load` reads: files and folders, JSON, XML and NDJSON, plain or gzip; and its journal.

https://hl7.org/fhir/R4/nd-json.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from fhir_server.kernel.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SUFFIXES = (".json", ".ndjson", ".jsonl", ".xml")
_BY_LINES = (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Document:
    """One resource as it stands in a file: its text, its number there, and how far into the file it ends."""

    position: int
    text: bytes
    is_xml: bool
    end: int


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files to read: those named, and all of a known kind below the folders named, in order."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.is_file() and is_readable(p))
        else:
            files.append(path)
    return files


def is_readable(path: Path) -> bool:
    """Whether the name says that resources are in it."""
    return _bare(path).endswith(SUFFIXES)


def documents_in(path: Path) -> Iterator[Document]:
    """Yield the resources of a file, one after the other; an NDJSON file is never in memory as a whole.

    Raises Malformed where the file is not the gzip its name says, or is cut off.
    """
    try:
        yield from _documents_in(path)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Malformed("The file is no gzip, or is cut off or damaged") from None


def is_by_lines(path: Path) -> bool:
    """Whether each line of the file is a resource."""
    return _bare(path).endswith(_BY_LINES)


def _documents_in(path: Path) -> Iterator[Document]:
    name = _bare(path)
    with path.open("rb") as raw:
        content = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if path.name.lower().endswith(".gz") else raw)
        if is_by_lines(path):
            for position, line in enumerate(content):
                if line.strip():
                    yield Document(position, line, is_xml=False, end=raw.tell())
        else:
            yield Document(0, content.read(), is_xml=name.endswith(".xml"), end=raw.tell())


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes: what it is known by in the journal, whatever its name."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _bare(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


@dataclass(slots=True)
class Journal:
    """Which documents are already in, by content and position. Each line of the file is one group.

    It is written after the commit: a process killed in between repeats the last groups, no more.
    """

    path: Path
    _done: dict[str, set[int]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *, void: bool) -> Journal:
        """Read the journal; start an empty one where `void` says that the old one no longer holds."""
        journal = cls(path)
        if void:
            path.unlink(missing_ok=True)
        elif path.exists():
            for line in path.read_bytes().splitlines():
                journal._take(line)
        return journal

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            self._done.setdefault(entry["input"], set()).update(entry["done"])
        except (ValueError, KeyError, TypeError):
            return  # A line cut off by the interruption: its group is loaded again.

    def has(self, digest: str, position: int) -> bool:
        """Whether this document is in."""
        return position in self._done.get(digest, ())

    def note(self, digest: str, positions: list[int]) -> None:
        """Write down that these documents are in."""
        self._done.setdefault(digest, set()).update(positions)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"input": digest, "done": positions}) + "\n")
