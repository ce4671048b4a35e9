"""The plugin of pytest, in a pytest of its own: items of a target file, the fixture, and what it costs at rest."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from streamvet.reference import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = "pytester"

SHOP = Path(__file__).resolve().parents[1] / "examples" / "systems" / "printshop"
# Where the suite is installed pytest loads the plugin by itself.
_BY_NAME = () if any(one.name == "streamvet" for one in entry_points(group="pytest11")) else (
    "-p", "streamvet.pytest_plugin",
)  # fmt: skip
_FEW = "TRN-01 or ORD-01 or TRM-01 or HBT-01 or conformant"


def _target(folder: Path, **more: object) -> Path:
    """The target file of the print shop, which has no heartbeats, on a free port."""
    port = free_port()
    raw = yaml.safe_load((SHOP / "target.yaml").read_text(encoding="utf-8"))
    raw |= {"profile": str(SHOP), "base_url": f"http://127.0.0.1:{port}"}
    raw["launch"]["command"] = [sys.executable, str(SHOP / "server.py"), str(port)]
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(raw | more), encoding="utf-8")
    return path


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    without = () if "-n" in arguments else ("-p", "no:xdist")
    return pytester.runpytest_subprocess(*_BY_NAME, "-p", "no:cacheprovider", *without, *arguments)


def test_each_requirement_that_applies_is_an_item_and_none_is_tried_to_list_them(pytester: pytest.Pytester) -> None:
    target = _target(pytester.path)

    done = _run(pytester, "--streamvet", target.name, "--collect-only", "-q")

    assert done.ret == 0
    names = [line.partition("::")[2] for line in done.outlines if line.startswith("target.yaml::")]
    assert names[-3:] == ["PRINT-01", "PRINT-02", "conformant"]
    assert "NDJ-01" in names
    assert not [one for one in names if one.startswith(("SSE-", "CAT-1", "GHO-"))]


def test_a_target_that_is_wrong_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("target.yaml").write_text("profile: none\nbase_url: http://127.0.0.1:9\n", encoding="utf-8")

    done = _run(pytester, "--streamvet", "target.yaml")

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "expected one of agent-workspace" in done.stderr.str()


def test_workers_that_would_each_check_are_a_usage_error(pytester: pytest.Pytester) -> None:
    target = _target(pytester.path)

    done = _run(pytester, "-n", "2", "--streamvet", target.name)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "run it without -n" in done.stderr.str()


@pytest.mark.live
def test_what_is_selected_is_tried_and_passes(pytester: pytest.Pytester) -> None:
    target = _target(pytester.path)

    done = _run(pytester, "--streamvet", target.name, "--streamvet-examples", "0", "-k", _FEW, "-v")

    done.assert_outcomes(passed=4, deselected=done.parseoutcomes()["deselected"])
    done.stdout.fnmatch_lines(["target.yaml::TRN-01 PASSED*", "target.yaml::conformant PASSED*"])


@pytest.mark.live
def test_what_is_violated_fails_with_its_finding_alone(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISCOUNT", "1")
    target = _target(pytester.path, allow_commands=True)

    done = _run(pytester, "--streamvet", target.name, "--streamvet-examples", "0", "-k", "PRINT or conformant")

    done.assert_outcomes(failed=2, passed=1, deselected=done.parseoutcomes()["deselected"])
    done.stdout.fnmatch_lines(["*FAIL  PRINT-01*", "  expected  *", "  seen  *", "not conformant at launched*"])
    assert "pytest_plugin.py" not in done.stdout.str()


def test_nobody_there_fails_every_item_with_the_same_words(pytester: pytest.Pytester) -> None:
    target = _target(pytester.path)
    raw = yaml.safe_load(target.read_text(encoding="utf-8"))
    raw["launch"] = {"command": [sys.executable, "-c", ""]}
    target.write_text(yaml.safe_dump(raw), encoding="utf-8")

    done = _run(pytester, "--streamvet", target.name, "-k", "TRN-01 or conformant")

    done.assert_outcomes(failed=2, deselected=done.parseoutcomes()["deselected"])
    assert done.stdout.str().count("the launched candidate is not up") >= 2


@pytest.mark.live
def test_the_fixture_checks_an_app_of_the_test(pytester: pytest.Pytester, shop: str) -> None:
    pytester.makepyfile(
        f"""
        def test_it(streamvet):
            target = {{"inputs": {{"order": {{"succeeds": {{"pages": 3}}}}}}}}
            report = streamvet.check({shop!r}, profile={str(SHOP)!r}, examples=0, only=["PRINT-01", "TRM-01"],
                                     accept_incomplete=True, target=target)
            assert report.verdicts["TRM-01"] == "PASS"
            report.assert_conformant()
            assert report.conformant, "never here"
        """
    )

    done = _run(pytester)

    done.assert_outcomes(passed=1)


@pytest.fixture
def shop() -> Iterator[str]:
    """The print shop, started by the test."""
    port = free_port()
    with subprocess.Popen([sys.executable, str(SHOP / "server.py"), str(port)]) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_a_run_that_does_not_use_it_imports_nothing_of_the_suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    code = (
        "import sys, pytest\n"
        f"code = pytest.main([*{_BY_NAME!r}, '-q', '-p', 'no:cacheprovider'])\n"
        "print('loaded', *sorted(one for one in sys.modules if one.startswith('streamvet')))\n"
        "sys.exit(code)"
    )

    done = pytester.run(sys.executable, "-c", code)

    assert done.ret == 0
    done.stdout.fnmatch_lines(["loaded streamvet streamvet.pytest_plugin streamvet.version"])
