curl -N "http://localhost:4000/v1/runs/<run id>/events/stream?token=<jwt>"
