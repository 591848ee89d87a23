"""Set up a virtual environment with Linewise in it, llama.cpp made for this machine.

In: `python3 models/linewise_models/install.py --venv DIRECTORY`, by any Python, before anything is
installed: the standard library is all it uses, and it stays one file so that it runs by its path.
With `--wheel FILE` it installs that wheel and the pins beside it in the place of the checkout that
it lies in: so does the editor's extension, which carries both.
Out: the environment, progress on stderr, everything that pip said in DIRECTORY/install.log. A
second run that finds nothing changed ends at once. Never writes outside DIRECTORY and pip's
caches, and never removes what an earlier run installed.

    LINEWISE_BACKEND=cpu|cuda|metal|vulkan   instead of what the machine suggests
    LINEWISE_BUILD=auto|prebuilt|native      upstream's wheel if there is one, only that, or compile
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

if sys.version_info < (3, 11):  # noqa: UP036 # whoever has an older one must be told
    for newer in ("python3.14", "python3.13", "python3.12", "python3.11"):
        if found := shutil.which(newer):
            os.execv(found, [found, *sys.argv])  # noqa: S606 # there is nothing a shell would add
    sys.exit(f"Linewise needs Python 3.11 or newer; this is {platform.python_version()}.")

Backend = Literal["cpu", "cuda", "metal", "vulkan"]
Build = Literal["auto", "prebuilt", "native"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "llama-cpp-python"
WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"
CUDA_WHEELS = ((11, 8), (12, 1), (12, 2), (12, 3), (12, 4), (12, 5), (13, 0), (13, 2))
"""The CUDA releases that upstream builds wheels for, as its README of 0.3.36 lists them."""

CORE_MINUTES: Mapping[Backend, int] = {"cpu": 10, "metal": 10, "vulkan": 15, "cuda": 60}
"""What compiling takes: minutes on one core, about. Only cpu is measured."""


class InstallError(Exception):
    """The installation cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What decides how llama.cpp is built; `backend` and `build` are what the user asked for."""

    system: str
    machine: str
    cores: int
    nvcc: tuple[int, int] | None
    nvidia_devices: int
    instructions: frozenset[str] = frozenset()
    """The processor's instruction sets, in the words of Linux; empty on other systems."""
    backend: str = ""
    build: str = ""


def choose_backend(probe: Probe) -> Backend:
    """Return what llama.cpp computes with; InstallError for a choice that cannot be met.

    CUDA needs both the compiler and a device: a toolkit alone lies on many machines without a GPU.
    Vulkan is never chosen by itself: it runs on anything that calls itself a device, software
    renderers included, and may then be slower than the processor.
    """
    asked = probe.backend.lower()
    if asked and asked not in get_args(Backend):
        raise InstallError(
            f"LINEWISE_BACKEND is {probe.backend!r}; it can be {', '.join(get_args(Backend))}."
        )
    if asked == "metal" and probe.system != "Darwin":
        raise InstallError(
            f"LINEWISE_BACKEND is metal, which macOS has and {probe.system} has not."
        )
    if asked == "cuda" and probe.nvcc is None:
        raise InstallError(
            "LINEWISE_BACKEND is cuda, and there is no nvcc. Install the CUDA toolkit and put its "
            "bin directory on the PATH, or take LINEWISE_BACKEND=cpu."
        )
    for backend in get_args(Backend):
        if asked == backend:
            return backend  # type: ignore[no-any-return] # get_args gives the literals
    if probe.nvcc is not None and probe.nvidia_devices > 0:
        return "cuda"
    if probe.system == "Darwin" and probe.machine == "arm64":
        return "metal"
    return "cpu"


def choose_build(probe: Probe) -> Build:
    """Return whether upstream's wheels may be used; InstallError for a word that is none."""
    for build in get_args(Build):
        if (probe.build.lower() or "auto") == build:
            return build  # type: ignore[no-any-return] # get_args gives the literals
    raise InstallError(
        f"LINEWISE_BUILD is {probe.build!r}; it can be {', '.join(get_args(Build))}."
    )


def wheel_index(backend: Backend, probe: Probe) -> str | None:
    """Return the address of upstream's wheels for a backend; None where it builds none.

    A CUDA wheel runs with every later release of the same major version (NVIDIA's minor version
    compatibility), so the nearest one that is not newer than the toolkit is taken.
    """
    if backend != "cuda":
        return f"{WHEELS}/{backend}"
    if probe.nvcc is None:
        return None
    usable = [wheel for wheel in CUDA_WHEELS if wheel[0] == probe.nvcc[0] and wheel <= probe.nvcc]
    return f"{WHEELS}/cu{usable[-1][0]}{usable[-1][1]}" if usable else None


def cmake_arguments(backend: Backend, probe: Probe) -> list[str]:
    """Return what llama.cpp's build is told.

    On x86 the instructions are named, and not left to the compiler's `-march=native`. Measured on
    a Xeon with AVX-512 and GCC 12, SmolLM2-135M Q4_1, two threads: native 50 tokens/s, AVX2 75;
    prompts 292 and 277. Naming AVX-VNNI gains 5 % on prompts, AVX-512 nothing. Native also takes
    AMX, which faults on virtual machines whose hypervisor lists the tiles and does not pass them.
    """
    if backend != "cpu":
        return ["-DGGML_NATIVE=ON", f"-DGGML_{backend.upper()}=ON"]
    if probe.system == "Darwin":
        return ["-DGGML_NATIVE=ON", "-DGGML_METAL=OFF"]
    if {"avx2", "fma", "f16c", "bmi2"} <= probe.instructions:
        vnni = "ON" if "avx_vnni" in probe.instructions else "OFF"
        return ["-DGGML_NATIVE=OFF", f"-DGGML_AVX_VNNI={vnni}"]
    return ["-DGGML_NATIVE=ON"]


def wheel_cache(pips: Path, backend: Backend, cmake: str) -> Path:
    """Return where pip keeps the wheels compiled with these arguments, beside its own cache.

    pip finds a compiled wheel again by its source alone, not by how it was compiled: in one cache
    a build for a GPU would be taken for one without, and an old choice of instructions for a new.
    """
    key = hashlib.sha256(cmake.encode()).hexdigest()[:8]
    return pips.with_name(f"{pips.name}-linewise") / f"{backend}-{key}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an environment was made from; written last, so that half an environment has none."""

    fingerprint: str
    asked: str
    build: str
    backend: str
    extras: tuple[str, ...]
    groups: tuple[str, ...]

    def covers(self, wanted: Stamp) -> bool:
        """Tell whether an environment with this stamp is all that `wanted` asks for."""
        return (
            (self.fingerprint, self.asked, self.build)
            == (wanted.fingerprint, wanted.asked, wanted.build)
            and set(self.extras) >= set(wanted.extras)
            and set(self.groups) >= set(wanted.groups)
        )


@dataclass(frozen=True, slots=True)
class Source:
    """What is installed: the checkout in `root`, or a wheel in it; its pins lie there too."""

    root: Path
    wheel: Path | None = None

    @property
    def pins(self) -> str:
        """The argument that makes pip take the pinned releases."""
        return f"--constraint={self.root / 'constraints.txt'}"

    def arguments(self, extras: tuple[str, ...]) -> list[str]:
        """Return what pip is to install; a checkout stays where it is."""
        project = str(self.wheel or self.root) + (f"[{','.join(extras)}]" if extras else "")
        return [project] if self.wheel else ["--editable", project]


def fingerprint(source: Source) -> str:
    """Return a hash of what decides the contents of an environment of `source`."""
    digest = hashlib.sha256(f"{source.root}\n{sys.version}".encode())
    names = ("pyproject.toml", "constraints.txt", "models/linewise_models/install.py")
    for path in (*(source.root / name for name in names), source.wheel):
        digest.update(path.read_bytes() if path and path.is_file() else b"")
    return digest.hexdigest()


STAMP = "linewise.json"


def read_stamp(environment: Path) -> Stamp | None:
    """Return the stamp of an environment; None where it has none that we can read."""
    try:
        fields = json.loads((environment / STAMP).read_text(encoding="utf-8"))
        fields |= {"extras": tuple(fields["extras"]), "groups": tuple(fields["groups"])}
        return Stamp(**fields)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_stamp(environment: Path, stamp: Stamp) -> None:
    """Say what an environment was made from."""
    text = json.dumps(dataclasses.asdict(stamp), indent=2)
    (environment / STAMP).write_text(text, encoding="utf-8")


ADVICE = (
    (
        r"No CMAKE_CX*_COMPILER could be found|CMAKE_CX*_COMPILER not set|nmake",
        "There is no C++ compiler. Install one (Debian: apt install build-essential; Fedora: dnf "
        "install gcc-c++; macOS: xcode-select --install; Windows: Visual Studio Build Tools), or "
        "take upstream's wheel: LINEWISE_BUILD=prebuilt.",
    ),
    (
        r"Killed signal terminated program|out of memory|Cannot allocate memory",
        "The compiler ran out of memory. Compile one file at a time: CMAKE_BUILD_PARALLEL_LEVEL=1.",
    ),
    (
        r"No CMAKE_CUDA_COMPILER|CUDA_ARCHITECTURES|nvcc fatal|unsupported GNU version",
        "The CUDA toolkit did not compile it. Without the GPU it works too: LINEWISE_BACKEND=cpu.",
    ),
    (r"No space left on device", "The disk is full. Make room and run it again."),
    (
        r"ResolutionImpossible|conflicting dependencies",
        "The index that pip uses lacks a pinned release (what it uses is shown by: python3 -m pip "
        "config debug), or the pins contradict pyproject.toml (new ones: make constraints).",
    ),
    (
        r"Could not find a version|No matching distribution|Connection|Max retries|SSLError|Proxy",
        "pip could not fetch what it needs. What it uses (index, proxy, certificates) is shown by: "
        "python3 -m pip config debug",
    ),
)
"""What a failed step's output tells us to say; the first pattern that occurs in it counts."""


def advise(output: str) -> str:
    """Return what to do about the output of a step that failed."""
    for pattern, advice in ADVICE:
        if re.search(pattern, output, re.IGNORECASE):
            return advice
    return "The log says more."


class Environment:
    """A virtual environment that is being filled."""

    def __init__(self, directory: Path, environ: Mapping[str, str], pulse: float) -> None:
        self.directory = directory
        self.environ = environ
        self.pulse = pulse
        self.log = directory / "install.log"
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = directory / scripts / ("python.exe" if os.name == "nt" else "python")

    def make(self) -> None:
        """Make the environment, unless it is there."""
        if not self.python.exists():
            try:
                venv.create(self.directory, with_pip=True, symlinks=os.name != "nt")
            except subprocess.CalledProcessError:
                shutil.rmtree(self.directory, ignore_errors=True)
                raise InstallError(
                    "This Python cannot make virtual environments with pip in them. On Debian and "
                    "Ubuntu: apt install python3-venv"
                ) from None
        self.log.write_bytes(b"")

    def pip(self, title: str, *arguments: str, minutes: float = 0, **environ: str) -> None:
        """Run pip with a line of progress; InstallError, with advice, where it fails."""
        if self.try_pip(title, *arguments, minutes=minutes, **environ):
            return
        output = self.log.read_text(encoding="utf-8", errors="replace")
        last = "\n".join(f"    {line[:200]}" for line in output.splitlines()[-12:])
        raise InstallError(f"{title} failed:\n{last}\n{advise(output)}\nAll of it: {self.log}")

    def try_pip(self, title: str, *arguments: str, minutes: float = 0, **environ: str) -> bool:
        """Run pip with a line of progress and tell whether it succeeded."""
        command = [str(self.python), "-m", "pip", *arguments]
        quiet = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_PROGRESS_BAR": "off",
        }
        with self.log.open("ab") as log:
            log.write(f"\n$ pip {shlex.join(arguments)}\n".encode())
            log.flush()
            start = log.tell()
            child = subprocess.Popen(
                command,
                env={**self.environ, **quiet, **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=os.name != "nt",
            )
            try:
                _watch(child, title, self.log, start, minutes, self.pulse)
            except BaseException:
                _end(child)
                raise
        return child.returncode == 0

    def answer(self, *command: str) -> str:
        """Return what the environment's Python prints; "" where it fails."""
        done = subprocess.run(
            [self.python, *command],
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""


def install(environment: Environment, source: Source, probe: Probe, wanted: Stamp) -> None:
    """Bring an environment to what is asked for, whatever is in it; InstallError says why not."""
    backend, build = choose_backend(probe), choose_build(probe)
    before = read_stamp(environment.directory)
    _say(f"Setting up {environment.directory}, llama.cpp for {backend}.")
    environment.make()
    (environment.directory / STAMP).unlink(missing_ok=True)
    pins = source.pins
    environment.pip("pip", "install", "--upgrade", pins, "pip")
    # A wheel for another backend has the same version: pip would leave it.
    changed = before is not None and (before.backend, before.build) != (backend, wanted.build)
    _install_llama(environment, probe, backend, build, [pins, *["--force-reinstall"] * changed])
    groups = [argument for group in wanted.groups for argument in ("--group", group)]
    environment.pip("Linewise", "install", pins, *source.arguments(wanted.extras), *groups)
    _check_llama(environment, probe, backend, build, pins)
    write_stamp(environment.directory, dataclasses.replace(wanted, backend=backend))


def _install_llama(
    environment: Environment,
    probe: Probe,
    backend: Backend,
    build: Build,
    options: list[str],
) -> None:
    index = wheel_index(backend, probe)
    if build != "native" and index is not None:
        # Dependencies come with the project, from the user's own index. The time limit is for
        # machines that cannot reach this one: what follows there takes minutes anyway.
        fetched = environment.try_pip(
            f"llama.cpp, upstream's wheel for {backend}",
            *("install", "--no-deps", "--only-binary=:all:", *options),
            *(f"--index-url={index}", "--timeout=5", "--retries=0", PACKAGE),
        )
        if fetched:
            return
    if build == "prebuilt":
        raise InstallError(
            f"Upstream's wheels for {backend} ({index}) were not reached, or hold none for this "
            f"machine. LINEWISE_BUILD=native compiles. What pip said: {environment.log}"
        )
    _compile_llama(environment, probe, backend, options)


def _compile_llama(
    environment: Environment, probe: Probe, backend: Backend, options: list[str]
) -> None:
    environ = environment.environ
    cmake = [*cmake_arguments(backend, probe), environ.get("CMAKE_ARGS", "")]
    settings = {"CMAKE_ARGS": " ".join(cmake).strip()}
    settings["CMAKE_BUILD_PARALLEL_LEVEL"] = environ.get(
        "CMAKE_BUILD_PARALLEL_LEVEL", str(probe.cores)
    )
    if pips := environment.answer("-m", "pip", "cache", "dir"):
        settings["PIP_CACHE_DIR"] = str(wheel_cache(Path(pips), backend, settings["CMAKE_ARGS"]))
    environment.pip(
        f"llama.cpp for {backend}",
        *("install", "--verbose", "--no-deps", *options, PACKAGE),
        minutes=CORE_MINUTES[backend] / probe.cores,
        **settings,
    )


def _check_llama(
    environment: Environment, probe: Probe, backend: Backend, build: Build, pins: str
) -> None:
    """Load the library, and compile it where the wheel that came does not do here."""
    question = "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())"
    expected = str(backend != "cpu")
    if environment.answer("-c", question) == expected:
        return
    if build != "prebuilt":
        _say(f"The llama.cpp that was fetched does not run here on {backend}: compiling it.")
        _compile_llama(environment, probe, backend, ["--force-reinstall", "--no-cache-dir", pins])
        if environment.answer("-c", question) == expected:
            return
    raise InstallError(
        f"llama.cpp for {backend} does not load, or sees no device. On the processor alone: "
        f"LINEWISE_BACKEND=cpu LINEWISE_BUILD=native. The log: {environment.log}"
    )


def look_around(environ: Mapping[str, str]) -> Probe:
    """Return what this machine is and has."""
    nvcc = re.search(r"release (\d+)\.(\d+)", _output("nvcc", "--version"))
    devices = re.findall(r"^GPU \d+:", _output("nvidia-smi", "-L"), re.MULTILINE)
    return Probe(
        system=platform.system(),
        machine=platform.machine(),
        cores=os.cpu_count() or 1,
        nvcc=(int(nvcc[1]), int(nvcc[2])) if nvcc else None,
        nvidia_devices=len(devices),
        instructions=_instructions(),
        backend=environ.get("LINEWISE_BACKEND", ""),
        build=environ.get("LINEWISE_BUILD", ""),
    )


def _instructions() -> frozenset[str]:
    with contextlib.suppress(OSError):
        flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        return frozenset(flags[1].split()) if flags else frozenset()
    return frozenset()


def _output(program: str, *arguments: str) -> str:
    if path := shutil.which(program):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            command = [path, *arguments]
            return subprocess.run(
                command, capture_output=True, text=True, timeout=20, check=False
            ).stdout
    return ""


def _watch(
    child: subprocess.Popen[bytes], title: str, log: Path, start: int, minutes: float, pulse: float
) -> None:
    """Show that a step goes on, and how far: a line that changes, or in a file one each `pulse`."""
    terminal = sys.stderr.isatty()
    began = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.2 if terminal else pulse)
        elapsed = time.monotonic() - began
        ended = child.returncode is not None
        line = f"  {title}: {_clock(elapsed)}"
        if compiled := _compiled(log, start):
            # The estimate is for a machine that does nothing else: what it does so far tells more.
            done, files = compiled
            whole = max(60 * minutes, elapsed * files / done)
            line += f" of about {_clock(whole)}" * (not ended) + f", {done}/{files} files"
        if ended:
            line += ", done" if child.returncode == 0 else ", without success"
        sys.stderr.write(f"\r{line:<78}" + "\n" * ended if terminal else f"{line}\n")
        sys.stderr.flush()
        if ended:
            return


def _compiled(log: Path, start: int) -> tuple[int, int] | None:
    """Return how many files a build has compiled and how many there are; None where none is."""
    with log.open("rb") as output:
        output.seek(max(start, log.stat().st_size - 20_000))
        steps = re.findall(rb"^\s*\[(\d+)/(\d+)\]", output.read(), re.MULTILINE)
    return (int(steps[-1][0]), int(steps[-1][1])) if steps else None


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and what it started: a compiler goes on otherwise."""
    if os.name == "nt":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _names(text: str) -> set[str]:
    return {name for name in text.split(",") if name}


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Do what a command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Set up a virtual environment with Linewise in it.",
        epilog="LINEWISE_BACKEND=cpu|cuda|metal|vulkan and LINEWISE_BUILD=auto|prebuilt|native "
        "decide how llama.cpp is built; CMAKE_ARGS is added to its build.",
    )
    parser.add_argument("--venv", type=Path, required=True, metavar="DIRECTORY")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="instead of this checkout")
    parser.add_argument(
        "--pulse",
        type=float,
        default=30,
        metavar="SECONDS",
        help="between two lines of progress where they do not go to a terminal",
    )
    parser.add_argument("--extras", type=_names, default=set(), metavar="NAME,NAME")
    parser.add_argument("--groups", type=_names, default=set(), metavar="NAME,NAME")
    chosen = parser.parse_args(arguments)
    wheel = chosen.wheel.absolute() if chosen.wheel else None
    source = Source(wheel.parent if wheel else ROOT, wheel)
    environment = Environment(chosen.venv.absolute(), environ, chosen.pulse)
    before = read_stamp(environment.directory)
    # What another run installed stays: `make run` after `make test` finds nothing to do.
    wanted = Stamp(
        fingerprint=fingerprint(source),
        asked=environ.get("LINEWISE_BACKEND", ""),
        build=environ.get("LINEWISE_BUILD", ""),
        backend="",
        extras=tuple(sorted(chosen.extras.union(before.extras if before else ()))),
        groups=tuple(sorted(chosen.groups.union(before.groups if before else ()))),
    )
    if before is not None and before.covers(wanted) and environment.python.exists():
        return 0
    try:
        install(environment, source, look_around(environ), wanted)
    except InstallError as error:
        _say(f"\nerror: {error}")
        return 1
    except KeyboardInterrupt:
        _say("\nStopped. Run it again to go on.")
        return 130
    return 0


if __name__ == "__main__":
    # An editor stops a set-up with SIGTERM, and a shell's background jobs are started deaf to
    # SIGINT: both end pip and the compilers as Ctrl+C does.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    sys.exit(main(sys.argv[1:], os.environ))
