"""A print shop to try the requirements on: `python3 server.py PORT`.

`POST /orders` prints, `GET /orders/<id>/events` streams what happens, from the beginning. With `MISCOUNT=1` in the
environment the last event counts a page too many.
"""

import contextlib
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE_S = 0.05
MISCOUNT = os.environ.get("MISCOUNT") == "1"


class Order:
    """What has happened to one order."""

    def __init__(self, pages):
        self.pages, self.events, self.changed = pages, [], threading.Condition()
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        """Print page by page."""
        for number in range(1, self.pages + 1):
            time.sleep(PAGE_S)
            self.add({"type": "page", "number": number})
        self.add({"type": "done", "pages": self.pages + MISCOUNT})

    def add(self, event):
        """Let it happen."""
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def from_the_beginning(self):
        """Everything that has happened, then what happens."""
        number = 0
        while True:
            with self.changed:
                self.changed.wait_for(lambda seen=number: len(self.events) > seen)
                event = self.events[number]
            yield event
            if event["type"] == "done":
                return
            number += 1


orders = {}


class Shop(BaseHTTPRequestHandler):
    """The two endpoints."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Take an order."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            pages = json.loads(body)["pages"]
            right = type(pages) is int and 0 < pages < 1000
        except (ValueError, TypeError, KeyError):
            right = False
        if self.path != "/orders" or not right:
            self.answer(404 if self.path != "/orders" else 400, {"error": 'POST /orders with {"pages": 3}'})
            return
        name = str(len(orders) + 1)
        orders[name] = Order(pages)
        self.answer(201, {"order": name})

    def do_GET(self):
        """Stream what happens to an order."""
        parts = self.path.split("/")
        if len(parts) != 4 or parts[1] != "orders" or parts[3] != "events" or parts[2] not in orders:
            self.answer(404, {"error": "there is no such order"})
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in orders[parts[2]].from_the_beginning():
            line = (json.dumps(event) + "\n").encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status, value):
        """Answer with JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self):
        """Serve until the reader is gone."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *_):
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
