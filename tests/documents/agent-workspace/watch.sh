curl -N --cookie "session=<session>" https://saas-factory.ai/api/agent-workspace/stream
