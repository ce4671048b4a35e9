"""An agent of the A2A SDK for Python over JSON-RPC. A message says how its task goes; the port is the argument."""

import asyncio
import sys

import uvicorn
from a2a.helpers import get_message_text, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import a2a_pb2 as a2a
from starlette.applications import Starlette


class Counter(AgentExecutor):
    """Counts in one artifact."""

    async def execute(self, context, event_queue):
        """Count, then end as the message wants it."""
        text = get_message_text(context.message)
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        task = TaskUpdater(event_queue, context.task_id, context.context_id)
        await task.start_work()
        for number in range(5):
            part = new_text_part(f"piece {number} \u2028\n\U0001f600")
            await task.add_artifact([part], artifact_id="a1", append=number > 0, last_chunk=number == 4)
            await asyncio.sleep(0.03)
        await (task.failed() if "fail" in text else task.complete())

    async def cancel(self, context, event_queue):
        """Stop."""
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


port = int(sys.argv[1])
card = a2a.AgentCard(
    name="counter", description="counts", version="1", default_input_modes=["text"], default_output_modes=["text"],
    capabilities=a2a.AgentCapabilities(streaming=True),
)  # fmt: skip
url = f"http://127.0.0.1:{port}/"
card.supported_interfaces.append(a2a.AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"))
handler = DefaultRequestHandler(Counter(), InMemoryTaskStore(), card)
app = Starlette(routes=[*create_jsonrpc_routes(handler, rpc_url="/"), *create_agent_card_routes(card)])
uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
