"""Jobs that stream their lines, and where the control interface is mounted."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from control import UNKNOWN, Script, control
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

app = FastAPI()
scripts = (
    control(
        app, profile="jobs", path=os.environ["CONTROL"], time_scale=float(os.environ.get("TIME_SCALE", "1")),
        terminal={"done", "failed"},
    )
    if os.environ.get("CONTROL")
    else None
)  # fmt: skip
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Job(BaseModel):
    """What a job is asked to do."""

    lines: int = 3


def line(event: dict[str, Any]) -> bytes:
    """An event as a line of NDJSON."""
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


async def stream(job: Job, script: Script | None) -> AsyncIterator[bytes]:
    """The lines of a job, and how it ended."""
    if script is not None and scripts is not None:
        async for event in scripts.perform(script):
            yield line(event)
    else:
        for number in range(1, job.lines + 1):
            yield line({"type": "line", "text": f"line {number}"})
    yield line({"type": "failed" if script is not None and script.outcome == "fails" else "done"})


@app.post("/jobs")
async def start(job: Job, request: Request) -> Any:
    """Start a job; its lines are the answer."""
    script = scripts.of(request) if scripts else None
    if script is UNKNOWN:
        return JSONResponse({"error": "unknown script"}, 400)
    return StreamingResponse(stream(job, script), media_type="application/x-ndjson", headers=HEADERS)


@app.exception_handler(HTTPException)
async def refused(_request: Request, error: HTTPException) -> JSONResponse:
    """An error in the form that the profile has."""
    return JSONResponse({"error": str(error.detail)}, error.status_code)


@app.exception_handler(RequestValidationError)
async def invalid(_request: Request, _error: RequestValidationError) -> JSONResponse:
    """A body that is no job."""
    return JSONResponse({"error": "not a job"}, 400)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "4301")), log_level="warning")
