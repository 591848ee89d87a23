"""How llama.cpp is chosen and built, when an environment is new, what failures say."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from linewise_models import install
from linewise_models.install import (
    WHEELS,
    Backend,
    InstallError,
    Probe,
    Source,
    Stamp,
    advise,
    choose_backend,
    choose_build,
    cmake_arguments,
    fingerprint,
    read_stamp,
    wheel_cache,
    wheel_index,
    write_stamp,
)

LINUX = Probe(system="Linux", machine="x86_64", cores=2, nvcc=None, nvidia_devices=0)
NVIDIA = dataclasses.replace(LINUX, nvcc=(12, 4), nvidia_devices=1)
TOOLKIT_ONLY = dataclasses.replace(LINUX, nvcc=(13, 0))
APPLE = dataclasses.replace(LINUX, system="Darwin", machine="arm64")
INTEL_MAC = dataclasses.replace(APPLE, machine="x86_64")
WINDOWS = dataclasses.replace(LINUX, system="Windows", machine="AMD64")


@pytest.mark.parametrize(
    ("probe", "asked", "backend"),
    [
        (LINUX, "", "cpu"),
        (NVIDIA, "", "cuda"),
        (TOOLKIT_ONLY, "", "cpu"),
        (dataclasses.replace(LINUX, nvidia_devices=1), "", "cpu"),
        (APPLE, "", "metal"),
        (INTEL_MAC, "", "cpu"),
        (WINDOWS, "", "cpu"),
        (NVIDIA, "cpu", "cpu"),
        (NVIDIA, "vulkan", "vulkan"),
        (LINUX, "vulkan", "vulkan"),
        (TOOLKIT_ONLY, "cuda", "cuda"),
        (APPLE, "cpu", "cpu"),
        (INTEL_MAC, "metal", "metal"),
        (LINUX, "CPU", "cpu"),
    ],
)
def test_backend(probe: Probe, asked: str, backend: Backend) -> None:
    assert choose_backend(dataclasses.replace(probe, backend=asked)) == backend


@pytest.mark.parametrize(
    ("probe", "asked", "message"),
    [
        (LINUX, "gpu", "'gpu'; it can be cpu, cuda, metal, vulkan"),
        (LINUX, "metal", "which macOS has"),
        (LINUX, "cuda", "there is no nvcc"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(probe: Probe, asked: str, message: str) -> None:
    with pytest.raises(InstallError, match=re.escape(message)):
        choose_backend(dataclasses.replace(probe, backend=asked))


@pytest.mark.parametrize(("asked", "build"), [("", "auto"), ("native", "native")])
def test_build(asked: str, build: str) -> None:
    assert choose_build(dataclasses.replace(LINUX, build=asked)) == build


def test_a_build_that_cannot_be_is_refused() -> None:
    with pytest.raises(InstallError, match="'fast'; it can be auto, prebuilt, native"):
        choose_build(dataclasses.replace(LINUX, build="fast"))


@pytest.mark.parametrize(
    ("backend", "nvcc", "folder"),
    [
        ("cpu", None, "cpu"),
        ("metal", None, "metal"),
        ("vulkan", None, "vulkan"),
        ("cuda", (11, 8), "cu118"),
        ("cuda", (12, 1), "cu121"),
        ("cuda", (12, 4), "cu124"),
        ("cuda", (12, 9), "cu125"),
        ("cuda", (13, 0), "cu130"),
        ("cuda", (13, 1), "cu130"),
        ("cuda", (13, 2), "cu132"),
        ("cuda", (12, 0), None),
        ("cuda", (14, 0), None),
        ("cuda", None, None),
    ],
)
def test_index_of_prebuilt_wheels(
    backend: Backend, nvcc: tuple[int, int] | None, folder: str | None
) -> None:
    found = wheel_index(backend, dataclasses.replace(LINUX, nvcc=nvcc))
    assert found == (folder and f"{WHEELS}/{folder}")


AVX2 = frozenset({"sse4_2", "avx", "avx2", "fma", "f16c", "bmi2"})
AVX_VNNI = AVX2 | {"avx_vnni", "avx512f", "avx512_vnni", "amx_int8"}


@pytest.mark.parametrize(
    ("probe", "instructions", "backend", "arguments"),
    [
        (LINUX, AVX2, "cpu", "-DGGML_NATIVE=OFF -DGGML_AVX_VNNI=OFF"),
        (LINUX, AVX_VNNI, "cpu", "-DGGML_NATIVE=OFF -DGGML_AVX_VNNI=ON"),
        (LINUX, AVX2 - {"avx2"}, "cpu", "-DGGML_NATIVE=ON"),
        (WINDOWS, frozenset(), "cpu", "-DGGML_NATIVE=ON"),
        (APPLE, frozenset(), "cpu", "-DGGML_NATIVE=ON -DGGML_METAL=OFF"),
        (APPLE, frozenset(), "metal", "-DGGML_NATIVE=ON -DGGML_METAL=ON"),
        (NVIDIA, AVX2, "cuda", "-DGGML_NATIVE=ON -DGGML_CUDA=ON"),
        (LINUX, AVX2, "vulkan", "-DGGML_NATIVE=ON -DGGML_VULKAN=ON"),
    ],
)
def test_what_the_build_is_told(
    probe: Probe, instructions: frozenset[str], backend: Backend, arguments: str
) -> None:
    probe = dataclasses.replace(probe, instructions=instructions)
    assert " ".join(cmake_arguments(backend, probe)) == arguments


def test_wheels_compiled_in_different_ways_never_share_a_cache() -> None:
    pips = Path("/home/me/.cache/pip")
    ways: list[tuple[Backend, str]] = [("cpu", "-DA"), ("cpu", "-DB"), ("cuda", "-DA")]
    caches = {wheel_cache(pips, backend, cmake) for backend, cmake in ways}
    assert len(caches) == 3
    assert not any(cache.is_relative_to(pips) for cache in caches)


STAMP = Stamp("f", "", "", "cpu", ("hub", "remote"), ("dev",))


@pytest.mark.parametrize(
    ("wanted", "covered"),
    [
        ({}, True),
        ({"backend": ""}, True),
        ({"extras": ("hub",)}, True),
        ({"extras": (), "groups": ()}, True),
        ({"extras": ("hub", "train")}, False),
        ({"groups": ("dev", "docs")}, False),
        ({"fingerprint": "g"}, False),
        ({"asked": "cuda"}, False),
        ({"build": "native"}, False),
    ],
)
def test_an_environment_is_left_alone_where_it_covers_what_is_wanted(
    wanted: dict[str, str], covered: bool
) -> None:
    assert STAMP.covers(dataclasses.replace(STAMP, **wanted)) is covered  # type: ignore[arg-type] # data of the table


def test_a_stamp_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_stamp(tmp_path) is None
    write_stamp(tmp_path, STAMP)
    assert read_stamp(tmp_path) == STAMP
    (tmp_path / install.STAMP).write_text('{"fingerprint": "f"}')
    assert read_stamp(tmp_path) is None


@pytest.mark.parametrize(
    "file", ["pyproject.toml", "constraints.txt", "models/linewise_models/install.py"]
)
def test_the_fingerprint_changes_with_what_decides(tmp_path: Path, file: str) -> None:
    before = fingerprint(Source(tmp_path))
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert fingerprint(Source(tmp_path)) != before


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "build-essential"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "PARALLEL_LEVEL=1"),
        ("nvcc fatal : Unsupported gpu architecture", "LINEWISE_BACKEND=cpu"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: ResolutionImpossible: for help visit", "make constraints"),
        ("ERROR: No matching distribution found for click", "pip config debug"),
        ("ProxyError('Cannot connect to proxy.')", "pip config debug"),
        ("something else", "log says more"),
    ],
)
def test_a_failure_says_what_to_do(output: str, advice: str) -> None:
    assert advice in advise(output)


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the file as the Makefile does: by its path, by a Python that knows no Linewise."""
    return subprocess.run(
        [sys.executable, "-I", str(install.__file__), *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_wants_a_directory() -> None:
    done = run()
    assert done.returncode == 2
    assert "--venv" in done.stderr


def test_a_wrong_backend_ends_before_anything_is_made(tmp_path: Path) -> None:
    done = run("--venv", str(tmp_path / "venv"), LINEWISE_BACKEND="abacus")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("error: LINEWISE_BACKEND is 'abacus'")
    assert not (tmp_path / "venv").exists()


def test_a_failed_step_shows_its_output_and_leaves_no_stamp(tmp_path: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = run("--venv", str(tmp_path / "venv"), **nowhere, LINEWISE_BACKEND="cpu")
    assert done.returncode == 1
    assert "python3 -m pip config debug" in done.stderr
    assert str(tmp_path / "venv" / "install.log") in done.stderr
    assert read_stamp(tmp_path / "venv") is None


def test_nothing_is_done_where_the_stamp_covers_it(tmp_path: Path) -> None:
    python = install.Environment(tmp_path, {}, pulse=30).python
    python.parent.mkdir()
    python.write_text("not run")
    write_stamp(tmp_path, dataclasses.replace(STAMP, fingerprint=fingerprint(Source(install.ROOT))))
    plain = {"LINEWISE_BACKEND": "", "LINEWISE_BUILD": ""}
    done = run("--venv", str(tmp_path), "--extras", "hub", **plain)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wheel_is_installed_with_the_pins_beside_it(tmp_path: Path) -> None:
    wheel = tmp_path / "linewise-0.1.0-py3-none-any.whl"
    source = Source(tmp_path, wheel)
    assert source.arguments(("hub", "remote")) == [f"{wheel}[hub,remote]"]
    assert source.pins == f"--constraint={tmp_path / 'constraints.txt'}"
    assert Source(tmp_path).arguments(("hub",)) == ["--editable", f"{tmp_path}[hub]"]


def test_another_wheel_of_the_same_name_is_installed_anew(tmp_path: Path) -> None:
    wheel = tmp_path / "linewise-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    before = fingerprint(Source(tmp_path, wheel))
    wheel.write_bytes(b"two")
    assert fingerprint(Source(tmp_path, wheel)) != before
