"""One line of JSON for each event."""

import json


def tell(**event):
    """Print an event, or an error."""
    print(json.dumps(event), flush=True)
