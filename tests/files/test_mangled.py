"""Nothing that stands in a file takes the tool down: whatever it is, the command ends with 0 to 3, and soon.

CI tries some mangled files of each kind; under the marker `long` it is 2,000 of each.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamvet.cli import call
from streamvet.contract import loading, registry
from streamvet.contract.files import FileError, read_yaml, schemas_folder
from streamvet.contract.target import load_target

from .made import CASE, TARGETS, WAIVERS, trace_text
from .mangling import bytes_of, mangled, mangled_lines

if TYPE_CHECKING:
    from collections.abc import Callable

FEW, MANY = 60, 2000
# Of computing, so that other tests beside this one do not count: a file of as many values as one may have takes 5 s.
SOON_S = 15.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: a good one, how it is made wrong, and what reads it; gives the exit code, and what it printed."""

    good: Callable[[], bytes]
    mangle: Callable[[bytes, str], bytes]
    read: Callable[[bytes, Path], int]


def _command(*words: object) -> int:
    return call([str(one) for one in words])


def _usage(read: Callable[[], object]) -> int:
    """What reads a file without a command: each command makes exit code 2 of its error."""
    try:
        read()
    except FileError:
        return 2
    return 0


def _put(data: bytes, path: Path) -> Path:
    path.write_bytes(data)
    return path


def _trace(data: bytes, folder: Path) -> int:
    return _command("judge", _put(data, folder / "one.trace.ndjson"))


def _packed(data: bytes, folder: Path) -> int:
    return _command("judge", _put(data, folder / "one.trace.ndjson.gz"))


def _through_stdin(data: bytes, _folder: Path) -> int:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        return _command("judge", "-")
    finally:
        sys.stdin = before


def _captured(framing: str, profile: str) -> Callable[[bytes, Path], int]:
    def read(data: bytes, folder: Path) -> int:
        return _command("judge", "--raw", framing, "--profile", profile, _put(data, folder / "capture"))

    return read


def _waivers(data: bytes, folder: Path) -> int:
    good = _put(trace_text().encode(), folder / "good.trace.ndjson")
    return _command("judge", good, "--only", "SSE-01", "--waivers", _put(data, folder / "waivers.yaml"))


def _case(data: bytes, folder: Path) -> int:
    where = ("http://127.0.0.1:9", "--profile", "ghostly", "--wait", "0")  # where nothing answers: only files are read
    return _command("replay", _put(data, folder / "one.case.json"), *where)


def _target(data: bytes, folder: Path) -> int:
    return _usage(lambda: load_target(_put(data, folder / "target.yaml")))


def _requirements(data: bytes, folder: Path) -> int:
    _put(data, folder / "requirements.yaml")
    for path in schemas_folder().glob("*/requirements.yaml"):
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "schemas_folder", lambda: folder)
        return _usage(registry._of_suite.__wrapped__)


BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"  # a small profile
LINE = "events/line.schema.json"


def _part_of_profile(name: str) -> Callable[[bytes, Path], int]:
    """A file of a profile's folder."""

    def read(data: bytes, folder: Path) -> int:
        copy = folder / "own"
        if not copy.exists():
            shutil.copytree(BUILDS, copy)
        before = (copy / name).read_bytes()
        _put(data, copy / name)
        loading._load.cache_clear()
        try:
            return _command("check-profile", copy)
        finally:
            _put(before, copy / name)

    return read


def _of_builds(name: str) -> Callable[[], bytes]:
    return (BUILDS / name).read_bytes


def _few_requirements() -> bytes:
    """The file of requirements with each twentieth row: what is made wrong of it is the same, and read much faster."""
    document = read_yaml(schemas_folder() / "requirements.yaml")
    return json.dumps(document | {"requirements": document["requirements"][::20]}).encode()


def _sse() -> bytes:
    return b'event: status\ndata: {"kind":"status"}\n\n: keepalive\n\nid: 1\nevent: assist\ndata: {"seq":1}\n\n' * 3


def _ndjson() -> bytes:
    return b'{"type":"progress","id":1,"runId":"r","stage":"working","message":"m"}\n{"type":"ping"}\n\n' * 3


KINDS: dict[str, Kind] = {
    **{f"target for {name}": Kind(text.encode, mangled, _target) for name, text in TARGETS.items()},
    "profile.yaml": Kind(_of_builds("profile.yaml"), mangled, _part_of_profile("profile.yaml")),
    "schema": Kind(_of_builds(LINE), mangled, _part_of_profile(LINE)),
    "requirements": Kind(_few_requirements, mangled, _requirements),
    "waivers": Kind(WAIVERS.encode, mangled, _waivers),
    "trace": Kind(lambda: trace_text().encode(), mangled_lines, _trace),
    "packed trace": Kind(lambda: gzip.compress(trace_text().encode()), bytes_of, _packed),
    "stdin": Kind(lambda: trace_text().encode(), mangled_lines, _through_stdin),
    "case": Kind(lambda: json.dumps(CASE).encode(), mangled, _case),
    "capture of SSE": Kind(_sse, bytes_of, _captured("sse", "ghostly")),
    "capture of NDJSON": Kind(_ndjson, bytes_of, _captured("ndjson", "promptfloe")),
}


def _try(name: str, seeds: range, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind = KINDS[name]
    good = kind.good()
    for number in seeds:
        seed = f"{name} {number}"
        begun_s = time.process_time()
        code = kind.read(kind.mangle(good, seed), folder)
        said = capsys.readouterr()
        assert code in {0, 1, 2, 3}, (seed, said.err)
        assert "Traceback" not in said.out + said.err, (seed, said.err)
        if code == 2:
            assert ("expected" in said.err and "got" in said.err) or not said.err, (seed, said.err)
        assert time.process_time() - begun_s < SOON_S, seed


@pytest.mark.parametrize("name", KINDS)
def test_a_good_file_is_read(name: str, tmp_path: Path) -> None:
    assert KINDS[name].read(KINDS[name].good(), tmp_path) != 2


@pytest.mark.parametrize("name", KINDS)
def test_some_mangled_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _try(name, range(FEW), tmp_path, capsys)


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
def test_many_mangled_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _try(name, range(FEW, MANY), tmp_path, capsys)
