"""Documents by name: Apollo's automatic persisted queries and trusted documents, by POST, by GET and over a socket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS
from app.server.http_requests import GRAPHQL_JSON
from app.server.websocket_messages import Closing, parse_message
from resolvers.reading.documents import Documents, RequestErrors
from resolvers.reading.trusted import NamedDocuments, Trusted, hash_of
from tests.graph import GraphClient
from tests.server.doors import Door

TEXT = "query Many($n: Int) { products(first: $n) { totalCount } }"
OTHER = "{ products { nodes { sku } } }"
COUNTED = {"data": {"products": {"totalCount": 0}}}
TRUSTED = Trusted({"many": TEXT, "8a4": "mutation { __typename }"})


def by_hash(text: str, **changes: Any) -> dict[str, Any]:
    """The extension by which Apollo's clients name a document."""
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text), **changes}}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and code of an answer with one error and no data."""
    status, body = answer
    (error,) = body["errors"]
    assert "data" not in body
    return status, error["extensions"]["code"]


@pytest.fixture
def door(graph: GraphClient) -> Door:
    """An endpoint that trusts nothing beforehand."""
    return Door(graph)


@pytest.fixture
def trusting(graph: GraphClient) -> Door:
    """An endpoint with trusted documents, open to all others."""
    graph.execution.named = NamedDocuments(TRUSTED, DEFAULTS)
    return Door(graph)


@pytest.fixture
def closed(graph: GraphClient) -> Door:
    """An endpoint for trusted documents alone."""
    graph.execution.named = NamedDocuments(replace(TRUSTED, only=True), DEFAULTS)
    return Door(graph)


class TestAutomaticPersistedQueries:
    async def test_are_known_by_their_hash_once_they_were_sent(self, door: Door):
        status, body = await door.post(extensions=by_hash(TEXT))
        assert (status, body["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
        assert code((status, body)) == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert await door.post(query=TEXT, extensions=by_hash(TEXT)) == (200, COUNTED)
        assert await door.post(extensions=by_hash(TEXT), variables={"n": 1}) == (200, COUNTED)

    async def test_are_known_by_get_as_well(self, door: Door):
        assert code(await door.get(extensions=by_hash(TEXT))) == (400, "PERSISTED_QUERY_NOT_FOUND")
        assert await door.get(query=TEXT, extensions=by_hash(TEXT)) == (200, COUNTED)
        assert await door.get(extensions=by_hash(TEXT), variables={"n": 1}) == (200, COUNTED)

    async def test_are_opened_once_by_get(self, door: Door, monkeypatch: pytest.MonkeyPatch):
        opened: list[str] = []
        opening = Documents.operation

        def noted(documents: Documents, text: str, *rest: Any) -> Any:
            opened.append(text)
            return opening(documents, text, *rest)

        monkeypatch.setattr(Documents, "operation", noted)
        assert await door.get(query=TEXT) == (200, COUNTED)
        assert opened == [TEXT]

    async def test_never_let_a_mutation_in_by_get(self, door: Door):
        text = "mutation { __typename }"
        assert (await door.post(query=text, extensions=by_hash(text)))[0] == 200
        assert code(await door.get(extensions=by_hash(text))) == (405, "METHOD_NOT_ALLOWED")

    async def test_are_not_kept_under_the_hash_of_another(self, door: Door):
        assert code(await door.post(query=OTHER, extensions=by_hash(TEXT))) == (200, "DOCUMENT_MISMATCH")
        assert code(await door.post(extensions=by_hash(TEXT))) == (200, "PERSISTED_QUERY_NOT_FOUND")

    async def test_are_what_was_sent_first_and_nothing_else(self, door: Door):
        await door.post(query=TEXT, extensions=by_hash(TEXT))
        assert code(await door.post(query=OTHER, extensions=by_hash(TEXT))) == (200, "DOCUMENT_MISMATCH")

    @pytest.mark.parametrize("junk", ["{ nothing }", "{ products {"])
    async def test_are_kept_only_if_they_are_valid(self, door: Door, junk: str):
        assert (await door.post(query=junk, extensions=by_hash(junk)))[1]["errors"]
        assert code(await door.post(extensions=by_hash(junk))) == (200, "PERSISTED_QUERY_NOT_FOUND")

    @pytest.mark.parametrize(
        ("persisted", "said"),
        [
            ({"version": 2, "sha256Hash": "a"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
            ({"version": True, "sha256Hash": "a"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
            ({"sha256Hash": "a"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
            ({"version": 1}, "BAD_REQUEST"),
            ({"version": 1, "sha256Hash": ""}, "BAD_REQUEST"),
            ({"version": 1, "sha256Hash": 7}, "BAD_REQUEST"),
            ([], "BAD_REQUEST"),
            ("a", "BAD_REQUEST"),
        ],
    )
    async def test_are_refused_where_they_are_malformed(self, door: Door, persisted: Any, said: str):
        assert code(await door.post(query=TEXT, extensions={"persistedQuery": persisted})) == (400, said)
        assert code(await door.get(query=TEXT, extensions={"persistedQuery": persisted})) == (400, said)

    def test_are_bounded_in_number_and_length(self):
        named = NamedDocuments(Trusted(), replace(DEFAULTS, persisted_queries_max=4, persisted_query_length_max=20))
        texts = [f"{{ a{number}: __typename }}" for number in range(10)]
        for text in texts:
            named.keep(hash_of(text), named.text(text, None, hash_of(text)))
        assert [text for text in texts if known(named, text)] == texts[-2:]
        long = "{ __typename __typename }"
        named.keep(hash_of(long), named.text(long, None, hash_of(long)))
        assert not known(named, long)


def known(named: NamedDocuments, text: str) -> bool:
    """Whether a document is known by its hash alone."""
    try:
        return named.text("", None, hash_of(text)) == text
    except RequestErrors:
        return False


class TestTrustedDocuments:
    @pytest.mark.parametrize("name", ["many", f"sha256:{hash_of(TEXT)}", hash_of(TEXT)])
    async def test_are_named_by_id_or_hash(self, trusting: Door, name: str):
        assert await trusting.post(documentId=name, variables={"n": 1}) == (200, COUNTED)
        assert await trusting.get(documentId=name, operationName="Many") == (200, COUNTED)
        assert await trusting.post(documentId=name, query=TEXT) == (200, COUNTED)

    @pytest.mark.parametrize("name", ["many", hash_of(TEXT)])
    async def test_are_named_as_clients_of_apollo_do(self, trusting: Door, name: str):
        assert await trusting.post(extensions=by_hash(TEXT, sha256Hash=name)) == (200, COUNTED)

    async def test_let_others_in_beside_them(self, trusting: Door):
        assert (await trusting.post(query=OTHER))[1] == {"data": {"products": {"nodes": []}}}
        assert (await trusting.post(query=OTHER, extensions=by_hash(OTHER)))[0] == 200
        assert (await trusting.post(extensions=by_hash(OTHER)))[1] == {"data": {"products": {"nodes": []}}}

    async def test_are_not_mistaken(self, trusting: Door):
        assert code(await trusting.post(documentId="few")) == (200, "PERSISTED_DOCUMENT_NOT_FOUND")
        assert code(await trusting.get(documentId="few")) == (400, "PERSISTED_DOCUMENT_NOT_FOUND")
        assert code(await trusting.post(documentId="many", query=OTHER)) == (200, "DOCUMENT_MISMATCH")
        assert code(await trusting.get(documentId="8a4")) == (405, "METHOD_NOT_ALLOWED")

    @pytest.mark.parametrize(
        "told", [{"documentId": 7}, {"documentId": ""}, {"documentId": "many", "extensions": by_hash(TEXT)}, {}]
    )
    async def test_are_named_in_one_way(self, trusting: Door, told: Any):
        assert code(await trusting.post(**told, accept=GRAPHQL_JSON)) == (400, "BAD_REQUEST")


class TestTrustedOnly:
    async def test_answers_what_is_trusted(self, closed: Door):
        assert await closed.post(documentId="many") == (200, COUNTED)
        assert await closed.post(query=TEXT) == (200, COUNTED)
        assert await closed.post(extensions=by_hash(TEXT)) == (200, COUNTED)

    async def test_refuses_all_else_and_keeps_none_of_it(self, closed: Door):
        for told in ({"query": OTHER}, {"query": OTHER, "extensions": by_hash(OTHER)}, {"extensions": by_hash(OTHER)}):
            assert code(await closed.post(**told)) == (200, "DOCUMENT_NOT_TRUSTED")
            assert code(await closed.get(**told)) == (400, "DOCUMENT_NOT_TRUSTED")
        assert code(await closed.post(query="{ __schema { description } }")) == (200, "DOCUMENT_NOT_TRUSTED")


class TestSocket:
    async def test_names_documents_in_the_same_words(self, graph: GraphClient):
        graph.execution.named = NamedDocuments(TRUSTED, DEFAULTS)
        for payload in ({"documentId": "many"}, {"extensions": by_hash(TEXT)}, {"query": TEXT}):
            message = parse_message(
                orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode(), DEFAULTS
            )
            assert message.request is not None
            answer = await graph.execution.answer(message.request, ANONYMOUS)
            assert orjson.loads(answer.body) == COUNTED  # type: ignore[union-attr]

    async def test_tells_what_an_answer_costs(self, graph: GraphClient):
        payload = {"query": OTHER, "extensions": {"cost": True}}
        message = parse_message(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode(), DEFAULTS)
        assert message.request is not None
        answer = await graph.execution.answer(message.request, ANONYMOUS)
        assert orjson.loads(answer.body)["extensions"]["cost"]["requested"] == 21  # type: ignore[union-attr]

    async def test_closes_for_a_name_that_is_malformed(self):
        payload = {"query": TEXT, "extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a"}}}
        with pytest.raises(Closing, match="version"):
            parse_message(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode(), DEFAULTS)
