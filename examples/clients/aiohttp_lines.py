"""The lines of aiohttp, and the standard library's JSON."""

import asyncio
import json
import sys

import aiohttp
from telling import tell


async def main():
    async with aiohttp.ClientSession() as http, http.get(sys.argv[1]) as answer:
        async for line in answer.content:
            if line.strip():
                tell(value=json.loads(line))


asyncio.run(main())
