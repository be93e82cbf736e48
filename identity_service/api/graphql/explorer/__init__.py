"""The GraphQL explorer: a page with ready-made questions that asks no other host for anything.

The page is ours; GraphiQL and React are fetched into `assets/` at set-up and when a wheel is
built (see `explorer/README.md` in the repository). Every file is served under a name that holds
a hash of its content, so that a browser keeps it for ever and still gets each new version.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from identity_service.errors import NotFound

_OWN = ("explorer.js", "explorer.css")
_FETCHED = (
    "react.production.min.js",
    "react-dom.production.min.js",
    "graphiql.min.js",
    "graphiql.min.css",
)
_MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}

# GraphiQL's fonts and icons are data URLs in its stylesheet. Its dialogs add a style element, so
# that the page behind them does not scroll: that is refused, and nothing here scrolls.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page() -> Response:
    """The page, for a browser's `GET /graphql`. Its addresses are relative to `/graphql`.

    Raises `NotFound` in a checkout whose set-up did not fetch the assets.
    """
    return Response(
        _page(),
        media_type="text/html",
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        },
    )


def asset(request: Request) -> Response:
    """One file of the page, by its name with hash; raises `NotFound` for any other name.

    Not a coroutine: Starlette runs it in a thread, where the first compression of GraphiQL
    (0.1 s) holds nobody up.
    """
    name = request.path_params["name"]
    if name not in _assets():
        raise NotFound(f"There is no explorer file {name!r}.", remedy="Reload the explorer.")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    body = _assets()[name]
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = _compressed(name)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=_MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


def routes() -> list[Route]:
    """The routes of the page's files. `GET /graphql` itself is shared with GraphQL over HTTP."""
    return [Route("/graphql/assets/{name}", asset)]


@cache
def _page() -> bytes:
    template = Template((files(__name__) / "page.html").read_text(encoding="utf-8"))
    addresses = {
        _placeholder(name): f"graphql/assets/{_hashed_name(name, body)}"
        for name, body in _contents().items()
    }
    return template.substitute(addresses, tabs=_tabs()).encode()


@cache
def _tabs() -> str:
    """GraphiQL's tabs as JSON that can stand in a script element."""
    queries = files(__name__) / "queries"
    tabs = [
        {
            "query": (queries / f"{tab['query']}.graphql").read_text(encoding="utf-8"),
            "variables": json.dumps(tab["variables"], indent=2),
        }
        for tab in json.loads((queries / "tabs.json").read_text(encoding="utf-8"))
    ]
    return json.dumps(tabs).replace("<", "\\u003c")


@cache
def _assets() -> dict[str, bytes]:
    """The content of every file by the name it is served under, `explorer.1f0e….js`."""
    return {_hashed_name(name, body): body for name, body in _contents().items()}


@cache
def _contents() -> dict[str, bytes]:
    root = files(__name__)
    sources = {name: root / name for name in _OWN}
    sources |= {name: root / "assets" / name for name in _FETCHED}
    missing = [name for name, source in sources.items() if not source.is_file()]
    if missing:
        raise NotFound(
            f"The explorer's files are not installed: {', '.join(missing)}.",
            remedy="Run `make setup` in the checkout, or install a wheel.",
        )
    return {name: source.read_bytes() for name, source in sources.items()}


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_assets()[name], mtime=0)


def _hashed_name(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{suffix}"


def _placeholder(name: str) -> str:
    """What stands for a file in `page.html`: `react-dom.js` is `$react_dom_js`."""
    return name.replace(".", "_").replace("-", "_")
