"""The options that say how a server is reached: whom to trust, a proxy, a socket, HTTP/2. What they say is a target's.

Names are curl's where it has one. Must not know the commands, nor what is asked of the server.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from streamvet.contract.files import FileError, check_shape, resolved
from streamvet.contract.route import DIRECT, Route, way_of
from streamvet.contract.target import proxy_secrets
from streamvet.masking import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

Cacert = Annotated[
    str | None,
    typer.Option("--cacert", metavar="FILE", help="The trusted authorities, in PEM, instead of those of the system."),
]
Cert = Annotated[str | None, typer.Option("--cert", metavar="FILE", help="The client certificate, in PEM.")]
Key = Annotated[
    str | None, typer.Option("--key", metavar="FILE", help="The private key, in PEM, if --cert does not have it.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any certificate of the server.")]
Proxy = Annotated[str | None, typer.Option("--proxy", metavar="URL", help="The HTTP proxy to use.")]
Socket = Annotated[str | None, typer.Option("--socket", metavar="PATH", help="The unix socket of the server.")]
Http2 = Annotated[
    bool, typer.Option("--http2", help="Speak HTTP/2: negotiated in TLS, or with prior knowledge for http://.")
]

# The key of a target file that says the same as an option.
_KEYS = {
    "--cacert": "/tls/ca", "--cert": "/tls/cert", "--key": "/tls/key", "--insecure": "/tls/verify",
    "--proxy": "/proxy", "--socket": "/socket", "--http2": "/http2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a server that options say. `options`: those that were given, with their values."""

    options: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, Any]:
        """The same as keys of a target file in the folder at hand."""
        made: dict[str, Any] = {}
        for name, value in self.options.items():
            outer, _, inner = _KEYS[name][1:].partition("/")
            if inner:
                made.setdefault(outer, {})[inner] = False if name == "--insecure" else value
            else:
                made[outer] = value
        return made

    @property
    def placed(self) -> dict[str, Any]:
        """The same as keys of a target file in any folder, without the password of a proxy."""
        made = self.keys
        if "tls" in made:
            made["tls"] = {
                name: value if name == "verify" else str(resolved(Path(value))) for name, value in made["tls"].items()
            }
        if "socket" in made:
            made["socket"] = str(resolved(Path(made["socket"])))
        if "proxy" in made:
            made["proxy"] = _hidden(made["proxy"], "${PROXY_PASSWORD}")
        return made

    @property
    def words(self) -> list[str]:
        """The same as words of a command line, with stars in place of the password of a proxy."""
        rows = [(name, _hidden(value, "***") if name == "--proxy" else value) for name, value in self.options.items()]
        return [word for name, value in rows for word in ((name,) if value is True else (name, str(value)))]

    def route(self, base_url: str) -> Route:
        """The way to a server at this address.

        Raises:
            FileError: where nobody can go it.
        """
        if not self.options:
            return DIRECT
        EVERYWHERE.add(*proxy_secrets(self.options.get("--proxy")))
        path = Path("command line")
        raw = {"profile": "any", "base_url": base_url} | self.keys
        with self.told():
            check_shape(raw, "target", path)
            return way_of(raw, path)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell of what is wrong with a key by the name of its option."""
        try:
            yield
        except FileError as error:
            named = self._named(error.place)
            if named is None:
                raise
            raise FileError(named, "the value", error.expected, error.got) from error

    def _named(self, place: str) -> str | None:
        """The option that a place of a target file is about: the one that says it, or the first one inside it."""
        known = [name for name in self.options if _KEYS[name] == place]
        return next(iter([*known, *(name for name in self.options if _KEYS[name].startswith(f"{place}/"))]), None)


def way(  # noqa: PLR0917 - one parameter an option
    cacert: str | None, cert: str | None, key: str | None, insecure: bool, proxy: str | None, socket: str | None,
    http2: bool,
) -> Way:  # fmt: skip
    """The way that these options say."""
    given = {
        "--cacert": cacert, "--cert": cert, "--key": key, "--insecure": insecure, "--proxy": proxy, "--socket": socket,
        "--http2": http2,
    }  # fmt: skip
    return Way({name: value for name, value in given.items() if value not in (None, False)})


def _hidden(proxy: str, password: str) -> str:
    """The address of a proxy with something in place of its password."""
    parts = urlsplit(proxy)
    user, at, where = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return proxy if not colon else parts._replace(netloc=f"{name}:{password}{at}{where}").geturl()
