"""Documents that clients name instead of sending: trusted ones by their ids, others by hash once they were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from graphql import GraphQLSchema

from app.kernel.limits import Limits
from resolvers.errors import RequestError
from resolvers.reading.cache import ProvenCache
from resolvers.reading.documents import Documents, RequestErrors

ID_TOLD_MAX = 100
"""So much of an id that is unknown is told back."""


@dataclass(frozen=True)
class Trusted:
    """The documents that the operator trusts, by their ids; with `only`, no others are answered."""

    texts: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    def broken(self, schema: GraphQLSchema, limits: Limits) -> Iterator[tuple[str, str]]:
        """The id of each document that `schema` cannot answer, and why."""
        documents = Documents(schema, limits)
        for name, text in self.texts.items():
            try:
                documents.document(text)
            except RequestErrors as wrong:
                yield name, wrong.errors[0].message


NONE_TRUSTED = Trusted()


class NamedDocuments:
    """Finds the text of a document by the name that a request gives it, and says which texts are answered at all."""

    def __init__(self, trusted: Trusted, limits: Limits) -> None:
        """Know the documents of `trusted` for good, and those that clients send with their hash for a while."""
        self.only_trusted = trusted.only
        self.limits = limits
        hashes = {hash_of(text): text for text in trusted.texts.values()}
        prefixed = {f"sha256:{hashed}": text for hashed, text in hashes.items()}
        self._trusted = {**prefixed, **hashes, **trusted.texts}
        self._texts = frozenset(trusted.texts.values())
        self._sent: ProvenCache[str] = ProvenCache(limits.persisted_queries_max)

    def text(self, sent: str, document_id: str | None, hashed: str | None) -> str:
        """The document that a request means by an id, a hash, its text, or several of these; RequestErrors if none."""
        if document_id is not None:
            if document_id not in self._trusted:
                told = document_id[:ID_TOLD_MAX]
                message = f"No trusted document has the id {told!r}; send its text, or have it added to them."
                raise _refused("PERSISTED_DOCUMENT_NOT_FOUND", message)
            return _agreed(sent, self._trusted[document_id])
        known = self._trusted.get(hashed) or self._sent.get(hashed) if hashed is not None else None
        if known is not None:
            return _agreed(sent, known)
        if self.only_trusted and sent not in self._texts:
            message = "This server answers only the documents that it was given beforehand; send the id of one."
            raise _refused("DOCUMENT_NOT_TRUSTED", message)
        if not sent:
            raise _refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        if hashed is not None and hashed != hash_of(sent):
            raise _refused("DOCUMENT_MISMATCH", "`sha256Hash` is not the SHA-256 of `query` in lower-case hexadecimal.")
        return sent

    def keep(self, hashed: str | None, text: str) -> None:
        """Remember a valid document by its hash, unless it is known or so long that it is better sent each time."""
        if hashed is None or hashed in self._trusted or len(text) > self.limits.persisted_query_length_max:
            return
        if self._sent.get(hashed) is None:
            self._sent.put(hashed, text)


def hash_of(text: str) -> str:
    """The hash that names a document."""
    return sha256(text.encode()).hexdigest()


def _agreed(sent: str, known: str) -> str:
    """The document that was named, if what was sent beside its name is nothing else."""
    if sent in {"", known}:
        return known
    raise _refused("DOCUMENT_MISMATCH", "`query` is not the document that the id beside it names; send one of the two.")


def _refused(code: str, message: str) -> RequestErrors:
    return RequestErrors([RequestError(code, message)])
