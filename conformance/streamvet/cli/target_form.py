"""The target file with which a user begins: what a profile asks for, and what is known of a server, with comments.

Must not know candidates or traces.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet.contract.asks import asked_of, default
from streamvet.contract.registry import load_registry
from streamvet.contract.target import placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.contract.profile import Operation, Profile

_HEAD = """\
# What streamvet needs to know about your server. `streamvet run target.yaml` checks it.
# In every text, ${{NAME}} stands for the environment variable NAME. Keep secrets out of this file.
profile: {profile}            # {title}
base_url: {base_url}
# Header fields on every request, such as the tenant that a gateway asks for.
# headers: {{X-Tenant: acme}}
# For https://: the trusted authorities, instead of those of the system, and the client certificate of the suite.
# tls: {{ca: ./ca.pem, cert: ./client.pem, key: ./client.key}}   # or {{verify: false}}
# The HTTP proxy to use, or the unix socket on which your server listens.
# proxy: http://proxy.example:3128
# socket: ./server.sock
# Speak HTTP/2: negotiated in TLS for https://, with prior knowledge for http://.
# http2: true
"""
_ASKED = """
# The answers that the profile asks for. A line in a comment shows the default.
with:
"""
_ACCOUNTS = """
# The account that the suite uses. Instead of these fields: {{token: …}} or {{cookie: "name=value"}}.
credentials: {first}
# A second account, which must not see the runs of the first one. Without it, isolation is INCONCLUSIVE.
# other_credentials: {second}
# Credentials that were valid once and that the server must refuse.
# expired_credentials: {{token: "${{EXPIRED_TOKEN}}"}}
"""
_INPUTS = """
# Bodies that start a run which succeeds, which fails, and which stays active for at least three heartbeats.
# Requirements that need a missing body are INCONCLUSIVE, unless the server has the control interface.
# In their strings, {uuid} stands for a UUID that is new at each start.
"""
_STARTS = """
# Runs may cost money: never start more than this many.
max_starts: 50
# They may also be heavy, such as a browser each: never have more than this many active at once.
max_active_runs: 2
"""
_TAIL = """\
{starts}# How many connections the suite may hold at once.
max_concurrency: {connections}

# The path of the control interface, if your server has one. A run then emits exactly what the suite asks for.
# control: /_conformance
# The factor by which your server multiplies every interval (0.05: a twentieth).
# time_scale: 1.0
{lacks}{directory}{triggers}
# Requests before the first try and after each restart, for example to create the topic or the user of the streams.
# prepare: [{{method: PUT, path: /…, json: {{}}}}]

# Let the suite start the server: it can then kill it in the middle of a run and start it again.
# launch:
#   command: ["node", "server.js"]
#   cwd: .
#   env: {{PORT: "4000"}}
#   ready: {{path: /, within_ms: 10000}}
"""
_COMMANDS = """
# Allow the commands that check the requirements of the profile's own folder.
# allow_commands: true
"""
_DIRECTORY = """
# A folder on this machine that your server can watch. The suite creates, changes and removes files in it.
# directory: ./watched
"""
_TRIGGERS = """
# What only you can cause: with a command, or with {http: {method: POST, path: /…, headers: …, json: …}}.
# In its strings, {unique} stands for a value that is new each time.
# triggers:
"""
_TRIGGER = """\
#   {name}:  # it {does}
#     command: ["./{name}.sh"]
"""
_BODIES = {"succeeds": "succeeds", "fails": "fails", "long": "takes long"}
_SPARE_CONNECTIONS = 20  # besides as many readers as the profile names at once
BASE_URL = "http://127.0.0.1:4000"


def target_text(name: str, profile: Profile, base_url: str = BASE_URL, way: Mapping[str, Any] | None = None) -> str:
    """A commented target.yaml for a profile; `way`: what is known of the way there, as keys of the file."""
    login = profile.operations.get("login")
    fields = sorted(placeholders(login.body)) if login else ["token"]
    text = _HEAD.format(profile=name, title=profile.title, base_url=base_url)
    lines = {f"# {key}": f"{key}: {_flow(value)}" for key, value in (way or {}).items()}
    text = "".join(f"{lines.get(line.partition(':')[0], line)}\n" for line in text.splitlines())
    asked = asked_of(profile)
    text += _ASKED + "".join(f"{line}\n" for line in questions(profile)) if asked else ""
    if profile.field("auth.kind") not in (None, "none") and not any("credential" in row for row in asked.values()):
        first, second = (
            _flow({one: f"${{{prefix}_{one.upper()}}}" for one in fields}) for prefix in ("FIRST", "SECOND")
        )
        text += _ACCOUNTS.format(first=first, second=second)
    bodies = [line for operation in profile.starts for line in _bodies(operation, asks=bool(asked))]
    whole = any(line.startswith("    ") for line in bodies)
    text += _INPUTS + ("" if whole else "# ") + "inputs:\n" + "\n".join(bodies) + "\n" if bodies else ""
    optional = [one.name for one in profile.operations.values() if one.optional]
    lacks = f"# Optional operations of the profile that your server lacks.\n# lacks: {_flow(optional)}\n"
    watches = any("directory" in placeholders(one.body) for one in profile.operations.values())
    triggers = [_TRIGGER.format(name=name, **row) for name, row in (profile.field("triggers") or {}).items()]
    connections = _SPARE_CONNECTIONS + (profile.field("readers.at_least") or 0)
    own = bool(load_registry(profile).commanded(profile))
    return (text + _TAIL.format(
        lacks=lacks if optional else "", directory=_DIRECTORY if watches else "", connections=connections,
        starts=_STARTS if profile.starts else "\n", triggers=_TRIGGERS + "".join(triggers) if triggers else "",
    ) + (_COMMANDS if own else ""))  # fmt: skip


def questions(profile: Profile) -> Iterator[str]:
    """The lines of what a profile asks for; the key is in the environment."""
    for name, row in asked_of(profile).items():
        value = f"${{{name.upper()}}}" if "credential" in row else default(row, profile)
        yield f"  {'' if 'needed' in row else '# '}{name}: {_flow(value)}   # {row['is']}"


def _bodies(operation: Operation, *, asks: bool) -> list[str]:
    """The lines for one kind of run; what the profile does not know, or asks for elsewhere, is a comment.

    A request that has no body, as a GET has none, is its own input.
    """
    bodies = {outcome: _flow(f"a body whose run {said}") for outcome, said in _BODIES.items()}
    if operation.body is None and operation.method == "GET" and not (operation.optional or asks):
        return [f"  {operation.kind}:", "    succeeds: null   # the request has no body"]
    if operation.body is None or operation.optional or asks:
        known = {} if operation.body is None else {"succeeds": _flow(operation.body)}
        lines = (f"  #   {outcome}: {body}" for outcome, body in (bodies | known).items())
        return [f"  # {operation.kind}:", *lines]
    unknown = [f"    # {outcome}: {bodies[outcome]}" for outcome in ("fails", "long")]
    return [f"  {operation.kind}:", f"    succeeds: {_flow(operation.body)}", *unknown]


def _flow(value: Any) -> str:
    """A value on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
