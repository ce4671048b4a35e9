"""The lines of requests, and the standard library's JSON."""

import json
import sys

import requests
from telling import tell

for line in requests.get(sys.argv[1], stream=True).iter_lines():
    if line:
        tell(value=json.loads(line))
