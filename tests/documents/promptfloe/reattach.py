"""Reads on in a run whose connection was lost, after the last event that had come."""

import json

import requests

response = requests.get(
    "https://api.promptfloe.com/v1/runs/<run id>/events?cursor=<last event id>",
    headers={"Authorization": "Bearer <api key>"},
    stream=True,
)
for line in response.iter_lines():
    if line:
        print(json.dumps(json.loads(line)))
