"""The lines of httpx, and the standard library's JSON."""

import json
import sys

import httpx
from telling import tell

with httpx.stream("GET", sys.argv[1], timeout=None) as answer:
    for line in answer.iter_lines():
        if line:
            tell(value=json.loads(line))
