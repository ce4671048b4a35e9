"""Prints the events of a run up to its end."""

import requests

response = requests.get("http://localhost:4000/v1/runs/<run id>/events/stream?token=<jwt>", stream=True)
event = ""
for line in response.iter_lines():
    field, _, value = line.decode("utf-8").partition(": ")
    if field == "event":
        event = value
    elif field == "data":
        print(event, value)
