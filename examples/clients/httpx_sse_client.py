"""The package httpx-sse."""

import sys

import httpx
import httpx_sse
from telling import tell

with httpx.Client(timeout=None) as http, httpx_sse.connect_sse(http, "GET", sys.argv[1]) as source:
    for event in source.iter_sse():
        tell(type=event.event, data=event.data, id=event.id)
