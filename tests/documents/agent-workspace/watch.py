"""Prints everything that happens in the fleet."""

import requests

response = requests.get(
    "https://saas-factory.ai/api/agent-workspace/stream",
    cookies={"session": "<session>"},
    stream=True,
)
event = ""
for line in response.iter_lines():
    field, _, value = line.decode("utf-8").partition(": ")
    if field == "event":
        event = value
    elif field == "data":
        print(event, value)
