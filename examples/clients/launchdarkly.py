"""The package launchdarkly-eventsource, which leaves it to its user to go on after an end."""

import sys

from ld_eventsource import SSEClient
from ld_eventsource.config import ErrorStrategy
from telling import tell

for event in SSEClient(sys.argv[1], error_strategy=ErrorStrategy.always_continue()).events:
    tell(type=event.event, data=event.data, id=event.last_event_id or "")
