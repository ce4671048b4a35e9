"""The package sseclient-py behind requests, as its documentation has it."""

import sys

import requests
import sseclient
from telling import tell

answer = requests.get(sys.argv[1], stream=True, headers={"Accept": "text/event-stream"})
for event in sseclient.SSEClient(answer).events():
    tell(type=event.event, data=event.data, id=event.id or "")
