"""The decoder of the package openai, behind httpx as the package has it."""

import sys

import httpx
from openai._streaming import SSEDecoder
from telling import tell

with httpx.Client(timeout=None) as http, http.stream("GET", sys.argv[1], headers={"Accept": "text/event-stream"}) as it:
    for event in SSEDecoder().iter_bytes(it.iter_bytes()):
        tell(type=event.event or "message", data=event.data, id=event.id or "")
