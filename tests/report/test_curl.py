"""A request as a command: a shell reads it back as it was, and no secret is in it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from streamvet.report.curl import curl
from streamvet.trace import Request

URL = "http://127.0.0.1:4000/v1/runs/r?cursor=1&x='y'"
MASK = "Bearer xxxxxxxxxxxxxxxx.xxxxxxx-xxxx"


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (
            Request("GET", "http://h/a", (("Accept", "text/event-stream"), ("Accept-Encoding", "identity")), None),
            "curl -sN http://h/a -H 'Accept: text/event-stream'",
        ),
        (Request("DELETE", "http://h/a", (), None), "curl -sN -X DELETE http://h/a"),
        (Request("POST", "http://h/a", (), "{}"), "curl -sN http://h/a --data-binary '{}'"),
        (Request("PUT", "http://h/a", (), ""), "curl -sN -X PUT http://h/a --data-binary ''"),
        (
            Request("GET", "http://h/a?token=xxxxxxxxxxxxxxxxxxxx", (("Authorization", MASK),), None),
            "curl -sN 'http://h/a?token=***' -H 'Authorization: Bearer ***'",
        ),
        (Request("POST", "http://h/a", (), "é" * 600), "curl -sN http://h/a --data-binary @body-from-the-trace"),
    ],
)  # fmt: skip
def test_a_request_is_a_command(request_: Request, command: str) -> None:
    assert curl(request_) == command


@pytest.mark.parametrize(
    "body",
    ['{"a":"it\'s"}', "line\nline\r\n\ttab", "\x1b[31m\\", "\u202e é 😀 \u0301", "a\u2028b", '$HOME `id` "!" $\''],
)
def test_a_shell_reads_it_back(body: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    made = curl(Request("POST", URL, (("X-Note", body.replace("\n", " ")),), body))
    assert made.isprintable()
    echo = made.replace("curl", "printf '%s\\0'", 1)
    said = subprocess.run([bash, "-c", echo], capture_output=True, check=True, timeout=10, env={}).stdout
    words = said.decode().split("\0")[:-1]
    assert words == ["-sN", URL, "-H", f"X-Note: {body}".replace("\n", " "), "--data-binary", body]
