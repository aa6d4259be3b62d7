"""The page that a browser gets: whole where its packages are here, by a CDN otherwise, and never of changed files."""

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS, Principal
from app.server.http import GraphQLEndpoint
from app.server.migrating import ROOT
from app.server.page import FOLDER, Asset, WrongAsset, integrity_of, page_of, pinned

SCRIPT = b"const said = '</script><!--';"
STYLE = b"body { color: black }"


def asset(file: str, content: bytes) -> Asset:
    """A file of a package whose content is `content`."""
    return Asset("thing", "1.0.0", file, integrity_of(content, "sha384"))


def pack(home: Path, **files: bytes) -> None:
    """Put the package `thing` with its files where npm puts packages."""
    (home / FOLDER).mkdir(parents=True)
    with tarfile.open(home / FOLDER / "thing-1.0.0.tgz", "w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name.replace('_', '.')}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))


@pytest.fixture
def assets() -> tuple[Asset, ...]:
    """A style and a script of a package."""
    return asset("a.css", STYLE), asset("a.js", SCRIPT)


class TestPage:
    def test_is_whole_where_its_packages_are(self, tmp_path: Path, assets: tuple[Asset, ...]) -> None:
        pack(tmp_path, a_css=STYLE, a_js=SCRIPT)
        page = page_of(tmp_path, assets=assets).decode()
        assert STYLE.decode() in page
        assert r"const said = '<\/script><\!--';" in page
        assert not re.search(r'(src|href)="https?:', page)

    def test_runs_only_the_scripts_that_it_names(self, tmp_path: Path, assets: tuple[Asset, ...]) -> None:
        pack(tmp_path, a_css=STYLE, a_js=SCRIPT)
        page = page_of(tmp_path, assets=assets).decode()
        policy = re.search(r"script-src ([^;]*);", page)
        scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        assert policy is not None
        assert policy[1].split() == [f"'{integrity_of(script.encode(), 'sha256')}'" for script in scripts]

    def test_takes_pinned_files_from_a_cdn_without_them(self, tmp_path: Path) -> None:
        page = page_of(tmp_path).decode()
        for one in pinned():
            assert f'"{one.address}" integrity="{one.integrity}" crossorigin="anonymous"' in page

    def test_is_never_made_of_changed_files(self, tmp_path: Path, assets: tuple[Asset, ...]) -> None:
        pack(tmp_path, a_css=STYLE, a_js=SCRIPT + b"steal()")
        with pytest.raises(WrongAsset, match=r"a\.js that package\.json names"):
            page_of(tmp_path, assets=assets)


class TestPins:
    def test_are_exact_versions_and_no_addresses(self) -> None:
        told = orjson.loads((ROOT / "package.json").read_bytes())
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in told["dependencies"].values())
        assert {one.package for one in pinned()} == set(told["dependencies"])
        assert all(one.integrity.startswith("sha384-") for one in pinned())


class TestEndpoint:
    async def test_shows_the_page_to_a_browser_alone(self) -> None:
        async def stranger(_: str | None) -> Principal:
            return ANONYMOUS

        execution: Any = None
        endpoint = GraphQLEndpoint(execution, stranger, DEFAULTS, b"<!doctype html>")
        assert await answer(endpoint, b"text/html,application/xhtml+xml,*/*;q=0.8") == (200, b"<!doctype html>")
        status, body = await answer(endpoint, b"application/json")
        assert (status, orjson.loads(body)["errors"][0]["extensions"]["code"]) == (400, "PREFLIGHT_REQUIRED")


async def answer(endpoint: GraphQLEndpoint, accept: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a GET."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "headers": [(b"accept", accept)], "query_string": b""}
    await endpoint(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
