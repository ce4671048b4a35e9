import requests
import json

response = requests.get(
    'http://localhost:60534/api/updates',
    headers={'Accept': 'text/event-stream'},
    stream=True
)

for line in response.iter_lines():
    if line:
        decoded = line.decode('utf-8')
        if decoded.startswith('data: '):
            event = json.loads(decoded[6:])
            print(f"[{event['opcode']}] {event['data']}")
