/**
 * What a failed set-up means and what mends it.
 *
 * In: what the failing command printed, or which Pythons were found. Out: one sentence for the user and the remedies
 * that get a button. Never shows output raw: that is in the log.
 */

import type { Python } from "./python";
import { isNewEnough } from "./python";

export type Remedy =
  | { readonly kind: "retry" }
  | { readonly kind: "log" }
  | { readonly kind: "choosePython" }
  | { readonly kind: "settings"; readonly title: string; readonly setting: string }
  | { readonly kind: "open"; readonly title: string; readonly url: string }
  | { readonly kind: "copy"; readonly title: string; readonly command: string };

export class SetUpError extends Error {
  constructor(
    message: string,
    readonly remedies: readonly Remedy[],
  ) {
    super(message);
    this.name = "SetUpError";
  }
}

/** The user stopped the set-up: nothing to explain, nothing to mend. */
export class SetUpStopped extends Error {
  constructor() {
    super("Setting up Linewise was stopped.");
    this.name = "SetUpStopped";
  }
}

const RETRY: Remedy = { kind: "retry" };
const LOG: Remedy = { kind: "log" };
const PROXY: Remedy = { kind: "settings", title: "Proxy Settings", setting: "http.proxy" };
const BACKEND: Remedy = { kind: "settings", title: "Open Settings", setting: "linewise.engine.backend" };

/** Why no Python would do. */
export function noPython(rejected: readonly Python[], platform: NodeJS.Platform): SetUpError {
  const bare = rejected.find((python) => isNewEnough(python));
  if (bare !== undefined) {
    return venvMissing(`python${bare.version[0]}.${bare.version[1]}`, platform);
  }
  const [old] = rejected;
  const found = old === undefined ? "none was found" : `${old.version.join(".")} was found`;
  return new SetUpError(`Linewise needs Python 3.11 or newer; ${found}.`, [
    { kind: "open", title: "Get Python", url: "https://www.python.org/downloads/" },
    { kind: "choosePython" },
    RETRY,
  ]);
}

function venvMissing(python: string, platform: NodeJS.Platform): SetUpError {
  const remedy: Remedy = platform === "linux" ? { kind: "copy", title: "Copy Install Command", command: `sudo apt install ${python}-venv` } : { kind: "choosePython" };
  return new SetUpError("This Python cannot make environments: its venv module is missing.", [remedy, RETRY]);
}

interface Cause {
  readonly says: RegExp;
  readonly error: (platform: NodeJS.Platform) => SetUpError;
}

/** In this order: a missing compiler also prints the lines of a failed build, a full disk those of anything. */
const CAUSES: readonly Cause[] = [
  {
    says: /No space left on device|not enough space on the disk|ENOSPC/i,
    error: () => new SetUpError("The disk is full. Linewise needs about 1 GB while it is being set up.", [RETRY, LOG]),
  },
  {
    says: /LINEWISE_BACKEND is|does not load, or sees no device|No CMAKE_CUDA_COMPILER|nvcc fatal/,
    error: () => new SetUpError("The engine cannot be made for the back end that the settings name. Install its toolkit, or choose another.", [BACKEND, RETRY, LOG]),
  },
  {
    says: /Killed signal terminated program|out of memory|Cannot allocate memory/i,
    error: () => new SetUpError("The machine ran out of memory while the engine was compiled. Close other programs and try again.", [RETRY, LOG]),
  },
  {
    says: /CERTIFICATE_VERIFY_FAILED|certificate verify failed/i,
    error: () =>
      new SetUpError("The package index's certificate is not trusted here. If your network inspects traffic, name its certificate in the environment variable PIP_CERT and start VS Code again.", [RETRY, LOG]),
  },
  {
    says: /ProxyError|Tunnel connection failed|Cannot connect to proxy/i,
    error: () => new SetUpError("The proxy refused the connection to the package index.", [PROXY, RETRY, LOG]),
  },
  {
    says: /CMAKE_(C|CXX)_COMPILER|No CMAKE_CXX_COMPILER could be found|error: command '(gcc|g\+\+|cc|c\+\+|clang)' failed|nmake|Microsoft Visual C\+\+/i,
    error: compilerMissing,
  },
  {
    says: /NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure in name resolution|getaddrinfo failed|No matching distribution found/i,
    error: () => new SetUpError("The package index cannot be reached. Check the network, or the proxy if there is one.", [RETRY, PROXY, LOG]),
  },
  {
    says: /ensurepip is not available|No module named (ensurepip|venv)|cannot make virtual environments/i,
    error: (platform) => venvMissing("python3", platform),
  },
];

/** What the output of a failed step means. */
export function diagnose(output: string, platform: NodeJS.Platform): SetUpError {
  const cause = CAUSES.find(({ says }) => says.test(output));
  return cause?.error(platform) ?? new SetUpError("Linewise could not be set up. The log has the reason.", [LOG, RETRY]);
}

function compilerMissing(platform: NodeJS.Platform): SetUpError {
  const message = "This machine has no prebuilt engine, and no C++ compiler to build one.";
  if (platform === "darwin") {
    return new SetUpError(message, [{ kind: "copy", title: "Copy Install Command", command: "xcode-select --install" }, RETRY, LOG]);
  }
  if (platform === "win32") {
    const url = "https://visualstudio.microsoft.com/visual-cpp-build-tools/";
    return new SetUpError(message, [{ kind: "open", title: "Get Build Tools", url }, RETRY, LOG]);
  }
  return new SetUpError(message, [{ kind: "copy", title: "Copy Install Command", command: "sudo apt install build-essential" }, RETRY, LOG]);
}
