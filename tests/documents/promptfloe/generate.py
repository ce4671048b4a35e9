"""Starts a build and prints its events."""

import json

import requests

response = requests.post(
    "https://api.promptfloe.com/v1/apps/generate",
    headers={"Authorization": "Bearer <api key>", "Accept": "application/x-ndjson"},
    json={"prompt": "pricing page"},
    stream=True,
)
for line in response.iter_lines():
    if line:
        print(json.dumps(json.loads(line)))
