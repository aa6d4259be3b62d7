"""The page that a browser gets at /graphql: GraphiQL, a query editor, from pinned npm packages.

`fetch_assets` brings the packages by npm once, and then the page needs no network. Without them the page takes the same
files from a CDN. Either way a file that is not byte for byte the one named in package.json is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.server.failure import Failure
from app.server.migrating import ROOT

FOLDER = "page"
CDN = "https://unpkg.com"
FETCH_SECONDS_MAX = 60
HERE = Path(__file__).parent
ENDS_SCRIPT = re.compile(r"<(?=/script|!--)", re.IGNORECASE)
"""What would end a script that stands inside a page; a backslash after the `<` changes no string or pattern of it."""


class WrongAsset(Failure):
    """A file of the page is not the one that package.json names."""


@dataclass(frozen=True)
class Asset:
    """One file of a pinned package, and the hash it must have."""

    package: str
    version: str
    file: str
    integrity: str

    @property
    def tarball(self) -> str:
        """What npm calls the package's file."""
        return f"{self.package}-{self.version}.tgz"

    @property
    def is_style(self) -> bool:
        """Whether it is a style sheet, and not a script."""
        return self.file.endswith(".css")

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"{CDN}/{self.package}@{self.version}/{self.file}"

    def read(self, folder: Path) -> str:
        """Its text, from the package in `folder`; WrongAsset where it is another, KeyError where there is none."""
        with tarfile.open(folder / self.tarball) as packed:
            member = packed.extractfile(f"package/{self.file}")
            content = member.read() if member else b""
        if integrity_of(content, "sha384") != self.integrity:
            raise WrongAsset(
                f"{folder / self.tarball} does not hold the {self.file} that package.json names; delete it."
            )
        return content.decode()


def pinned() -> tuple[Asset, ...]:
    """The files that the page is made of, in the order in which it loads them."""
    told = orjson.loads((ROOT / "package.json").read_bytes())
    assets = ((*path.split("/", 1), integrity) for path, integrity in told["assets"].items())
    return tuple(Asset(package, told["dependencies"][package], file, integrity) for package, file, integrity in assets)


def integrity_of(content: bytes, kind: str) -> str:
    """A hash of `content` as browsers want it told."""
    return f"{kind}-{base64.b64encode(hashlib.new(kind, content).digest()).decode()}"


def fetch_assets(home: Path) -> None:
    """Bring the page's packages into `home` by npm where they are missing; Failure says why it cannot be done."""
    folder = home / FOLDER
    wanted = {asset.tarball: f"{asset.package}@{asset.version}" for asset in pinned()}
    missing = {tarball: name for tarball, name in wanted.items() if not (folder / tarball).exists()}
    if not missing:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Failure("npm was not found; without it the page at /graphql takes its files from a CDN.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as fetched:
        _pack(npm, missing.values(), fetched)
        for asset in pinned():
            if asset.tarball in missing:
                asset.read(Path(fetched))
        for tarball in missing:
            (Path(fetched) / tarball).replace(folder / tarball)


def _pack(npm: str, names: Iterable[str], folder: str) -> None:
    """Download packages as they are: nothing of theirs is run, and what they depend on is not needed."""
    command = [npm, "pack", "--silent", "--fetch-retries=1", *names]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise Failure(f"npm did not answer within {FETCH_SECONDS_MAX} seconds.") from late
    if done.returncode != 0:
        raise Failure(f"npm could not fetch the page's packages: {done.stderr.strip()[-300:]}")


def page_of(home: Path, *, assets: tuple[Asset, ...] | None = None) -> bytes:
    """The page, whole in itself where `home` has its packages, else with addresses of a CDN."""
    assets, folder = assets or pinned(), home / FOLDER
    main = (HERE / "page.js").read_text()
    if all((folder / asset.tarball).exists() for asset in assets):
        texts = [(asset, asset.read(folder)) for asset in assets]
        styles = [f"<style>{text}</style>" for asset, text in texts if asset.is_style]
        scripts = [ENDS_SCRIPT.sub(r"<\\", text) for asset, text in texts if not asset.is_style]
        return _filled(
            styles, [f"<script>{text}</script>" for text in scripts], main, trusted=_hashes([*scripts, main])
        )
    told = 'integrity="{}" crossorigin="anonymous"'
    styles = [
        f'<link rel="stylesheet" href="{asset.address}" {told.format(asset.integrity)} />'
        for asset in assets
        if asset.is_style
    ]
    loaded = [
        f'<script src="{asset.address}" {told.format(asset.integrity)}></script>'
        for asset in assets
        if not asset.is_style
    ]
    return _filled(styles, loaded, main, trusted=f"{CDN} {_hashes([main])}")


def _hashes(scripts: Iterable[str]) -> str:
    """Scripts that stand inside the page, as a policy names them."""
    return " ".join(f"'{integrity_of(script.encode(), 'sha256')}'" for script in scripts)


def _filled(styles: Iterable[str], scripts: Iterable[str], main: str, *, trusted: str) -> bytes:
    """The page with its parts; the browser runs the scripts that are `trusted` and talks to this server alone."""
    policy = (
        f"default-src 'none'; script-src {trusted}; style-src 'unsafe-inline' {CDN}; connect-src 'self'; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {"POLICY": policy, "STYLES": "\n".join(styles), "SCRIPTS": "\n".join(scripts), "MAIN": main}
    template = (HERE / "page.html").read_text()
    return re.sub("|".join(parts), lambda found: parts[found.group()], template).encode()
