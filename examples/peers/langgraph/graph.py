"""A graph without a model: it counts, or fails, or takes its time."""

import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    """How far it is."""

    steps: int
    pause_ms: int
    fails: bool
    done: int


async def step(state: State) -> State:
    """Count one further."""
    await asyncio.sleep(state.get("pause_ms", 30) / 1000)
    done = state.get("done", 0) + 1
    if state.get("fails") and done == 2:
        message = "it failed"
        raise RuntimeError(message)
    return {"done": done}


def following(state: State) -> str:
    """Where it goes on."""
    return END if state.get("done", 0) >= state.get("steps", 3) else "step"


builder = StateGraph(State)
builder.add_node("step", step)
builder.add_edge(START, "step")
builder.add_conditional_edges("step", following, ["step", END])
graph = builder.compile()
