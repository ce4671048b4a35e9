"""What a test's author would write by hand to see that a captured stream is right: decode, parse, validate.

None of it looks at order, endings or times. Each gives the number of valid events. `python -m bench.peers.decoding NAME
FRAMING FILE` prints it with the CPU seconds that it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.recorded import PROFILES
from streamvet.contract.loading import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The members of an event that say of which type it is, the first one by itself but for one of its values.
DISCRIMINATORS = {"sse": ("kind", "assist", "type"), "ndjson": ("type", "", "")}


def schemas(framing: str) -> dict[str, Any]:
    """The schemas of the events by their names, as `named` gives them; where a name has several, any of them."""
    profile, within = load_profile(PROFILES[framing]), DISCRIMINATORS[framing][1]
    files: dict[str, set[str]] = {}
    for name, file in profile.types.items():
        files.setdefault(name if name.startswith(f"{within}.") else name.split(".")[0], set()).add(file)
    read = {name: [_nameless(profile.schemas.read(file)) for file in sorted(each)] for name, each in files.items()}
    return {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in read.items()}


def _nameless(schema: Any) -> Any:
    return {key: value for key, value in schema.items() if key != "$id"}


def named(framing: str) -> Callable[[Any], str]:
    """Gives the name of an event's schema."""
    first, within, second = DISCRIMINATORS[framing]
    return lambda value: f"{within}.{value[second]}" if value[first] == within else value[first]


def _events(framing: str, data: bytes) -> Iterator[str]:
    """The texts of the events, by httpx-sse or by lines."""
    from httpx_sse._decoders import SSEDecoder  # noqa: PLC0415 - only who needs it loads it

    if framing == "ndjson":
        yield from (line for line in data.decode().split("\n") if line)
        return
    decoder = SSEDecoder()
    for line in data.decode().split("\n"):
        event = decoder.decode(line)
        if event is not None and event.data:
            yield event.data


def one_of(framing: str, data: bytes) -> int:
    """httpx-sse, json, and one jsonschema validator with a flat `oneOf` over the types."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    profile = load_profile(PROFILES[framing])
    files = sorted({file for file in profile.types.values() if "ping" not in file})
    validator = Draft202012Validator({"oneOf": [profile.schemas.read(file) for file in files]})
    return sum(validator.is_valid(json.loads(text)) for text in _events(framing, data))


def dispatched(framing: str, data: bytes) -> int:
    """The same with a validator for each value of the discriminator."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    name = named(framing)
    known = {value: Draft202012Validator(schema) for value, schema in schemas(framing).items()}
    values = (json.loads(text) for text in _events(framing, data))
    return sum(known[name(value)].is_valid(value) for value in values)


def compiled(framing: str, data: bytes) -> int:
    """Aiohttp's lines, json, and jsonschema-rs by the discriminator."""
    import jsonschema_rs  # noqa: PLC0415
    from aiohttp.streams import StreamReader  # noqa: PLC0415

    name = named(framing)
    known = {value: jsonschema_rs.validator_for(schema) for value, schema in schemas(framing).items()}

    class _Nothing:
        _reading_paused = False

        def __getattr__(self, _name: str) -> Callable[..., None]:
            return lambda *_arguments, **_named: None

    async def read() -> int:
        reader, valid = StreamReader(_Nothing(), 2**30, loop=asyncio.get_running_loop()), 0  # type: ignore[arg-type]
        reader.feed_data(data)
        reader.feed_eof()
        async for line in reader:
            text = line.removeprefix(b"data: ") if line.startswith(b"data: ") else b"" if framing == "sse" else line
            if text:
                value = json.loads(text)
                valid += known[name(value)].is_valid(value)
        return valid

    return asyncio.run(read())


PEERS = {"one-of": one_of, "dispatched": dispatched, "compiled": compiled}


def main() -> None:
    """Run one peer."""
    name, framing, file = sys.argv[1:]
    data = Path(file).read_bytes()
    begun_s = time.process_time()
    valid = PEERS[name](framing, data)
    print(json.dumps({"cpu_s": time.process_time() - begun_s, "result": {"valid": valid}}))


if __name__ == "__main__":
    main()
