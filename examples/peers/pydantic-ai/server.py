"""An agent of Pydantic AI with its test model, by AG-UI at /ag-ui and by the stream of the AI SDK at /chat."""

import sys

import uvicorn
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from pydantic_ai.ui.ag_ui import AGUIAdapter
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from starlette.applications import Starlette
from starlette.routing import Route

agent = Agent(TestModel(custom_output_text="Grüße \u2028 \U0001f600, and a few words more"))


@agent.tool_plain
def look_up(place: str) -> str:
    """Look something up."""
    return f"nothing at {place}"


def by(adapter):
    """A route that answers through an adapter."""

    async def answer(request):
        return await adapter.dispatch_request(request, agent=agent)

    return answer


routes = [
    Route("/ag-ui", by(AGUIAdapter), methods=["POST"]),
    Route("/chat", by(VercelAIAdapter), methods=["POST"]),
]
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
