"""The package aiohttp-sse-client."""

import asyncio
import sys

from aiohttp_sse_client.client import EventSource
from telling import tell


async def main():
    async with EventSource(sys.argv[1]) as source:
        async for event in source:
            tell(type=event.type or "message", data=event.data, id=event.last_event_id or "")


asyncio.run(main())
