/** What pip and Python print when they fail -> what the user is told, and the buttons. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose, noPython, type Remedy } from "../../src/environment/failures";

const check = (name: string, output: string, platform: NodeJS.Platform, says: RegExp, remedies: Remedy["kind"][]): void => {
  test(name, () => {
    const failure = diagnose(output, platform);
    assert.match(failure.message, says);
    assert.deepEqual(failure.remedies.map(({ kind }) => kind), remedies);
  });
};

check("a full disk", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "linux", /disk is full/, ["retry", "log"]);

check("no compiler on Linux", "CMake Error: CMAKE_C_COMPILER not set, after EnableLanguage\n*** CMake configuration failed\nerror: failed-wheel-build-for-install", "linux", /no C\+\+ compiler/, ["copy", "retry", "log"]);

check("no compiler on Windows", "Building for: NMake Makefiles\nCMake Error at CMakeLists.txt:3 (project):\n  Running 'nmake' '-?' failed with: no such file or directory", "win32", /no C\+\+ compiler/, ["open", "retry", "log"]);

check("no compiler on a Mac", "No CMAKE_CXX_COMPILER could be found.", "darwin", /no C\+\+ compiler/, ["copy", "retry", "log"]);

check("a network that inspects traffic", "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'))", "linux", /PIP_CERT/, ["retry", "log"]);

check("a proxy that refuses", "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))'", "linux", /proxy refused/, ["settings", "retry", "log"]);

check("no network", "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')\nERROR: No matching distribution found for attrs>=25", "linux", /cannot be reached/, ["retry", "settings", "log"]);

check("a Python without venv", "The virtual environment was not created successfully because ensurepip is not available.", "linux", /venv module is missing/, ["copy", "retry"]);

check("a back end that the machine has not", "error: LINEWISE_BACKEND is cuda, and there is no nvcc. Install the CUDA toolkit", "linux", /choose another/, ["settings", "retry", "log"]);

check("too little memory for the compiler", "g++: fatal error: Killed signal terminated program cc1plus", "linux", /out of memory/, ["retry", "log"]);

check("anything else", "Segmentation fault", "linux", /The log has the reason/, ["log", "retry"]);

test("no Python at all", () => {
  const failure = noPython([], "linux");
  assert.equal(failure.message, "Linewise needs Python 3.11 or newer; none was found.");
  assert.deepEqual(failure.remedies.map(({ kind }) => kind), ["open", "choosePython", "retry"]);
});

test("only an old Python", () => {
  const failure = noPython([{ executable: "/usr/bin/python3", version: [3, 9, 2], makesEnvironments: true }], "linux");
  assert.equal(failure.message, "Linewise needs Python 3.11 or newer; 3.9.2 was found.");
});

test("a new Python without its venv package is named with the command that mends it", () => {
  const failure = noPython([{ executable: "/usr/bin/python3", version: [3, 12, 3], makesEnvironments: false }], "linux");
  assert.deepEqual(failure.remedies[0], { kind: "copy", title: "Copy Install Command", command: "sudo apt install python3.12-venv" });
});
