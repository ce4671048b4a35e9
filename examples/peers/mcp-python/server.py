"""A server of the MCP SDK for Python: one tool, which reports its progress. The port is the argument."""

import asyncio
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("counter")


@server.tool()
async def count(context: Context, steps: int = 5, pause_ms: int = 30) -> str:
    """Count up to a number."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step} \u2028 \U0001f600")
        await asyncio.sleep(pause_ms / 1000)
    return "done"


@server.tool()
async def fail() -> str:
    """Fail."""
    message = "it failed"
    raise RuntimeError(message)


uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
