curl -N -H "Accept: text/event-stream" http://localhost:60534/api/updates
