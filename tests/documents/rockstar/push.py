"""Pushes a session, then a plan, and prints the progress of each."""

import json

import requests

PUSHES = {
    "sessions": {
        "session_id": "0b7e3c52-0000-4000-8000-000000000001",
        "title": "Grüße 🎸",
        "data": '{"type":"user"}\n',
    },
    "plans": {"name": "my-plan.md", "content": "# A plan\n"},
}

for path, body in PUSHES.items():
    response = requests.post(
        f"https://rockstar.ninja/api/v1/{path}",
        headers={"Authorization": "Bearer <jwt>"},
        json=body,
        stream=True,
    )
    for line in response.iter_lines():
        print(json.dumps(json.loads(line)))
