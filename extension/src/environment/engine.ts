/**
 * How pip comes by the engine: upstream's prebuilt wheels where their index answers, else a build for this machine.
 *
 * In: the back end that the user chose. Out: arguments and variables for `pip install`. Asks upstream's host only
 * whether it is there, and only during a set-up that the user started.
 */

const UPSTREAM = "https://abetlen.github.io/llama-cpp-python/whl";
const ANSWERS_WITHIN_MS = 3000;

export interface EngineSource {
  readonly pipArguments: readonly string[];
  readonly variables: NodeJS.ProcessEnv;
}

interface Backend {
  /** Folder of upstream's index; undefined where upstream builds none. */
  readonly prebuilt: string | undefined;
  /** Options of llama.cpp's own build. */
  readonly build: string;
}

const BACKENDS: Readonly<Record<string, Backend>> = {
  cpu: { prebuilt: "cpu", build: "" },
  metal: { prebuilt: "metal", build: "-DGGML_METAL=on" },
  cuda: { prebuilt: "cu124", build: "-DGGML_CUDA=on" },
  vulkan: { prebuilt: undefined, build: "-DGGML_VULKAN=on" },
};

/** Returns what pip needs for `backend`; "automatic" is Metal on Apple silicon and the processor elsewhere. */
export async function engineSource(
  backend: string,
  machine: { readonly platform: NodeJS.Platform; readonly arch: string },
  fetch: (url: string, init: RequestInit) => Promise<{ readonly ok: boolean }>,
): Promise<EngineSource> {
  const automatic = machine.platform === "darwin" && machine.arch === "arm64" ? "metal" : "cpu";
  const { prebuilt, build } = BACKENDS[backend] ?? BACKENDS[automatic] ?? { prebuilt: undefined, build: "" };
  const variables = build === "" ? {} : { CMAKE_ARGS: build };
  if (prebuilt === undefined) {
    return { pipArguments: [], variables };
  }
  const index = `${UPSTREAM}/${prebuilt}`;
  try {
    const answer = await fetch(`${index}/llama-cpp-python/`, { method: "HEAD", signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return { pipArguments: answer.ok ? ["--extra-index-url", index] : [], variables };
  } catch {
    return { pipArguments: [], variables }; // not reachable from here: pip builds it
  }
}
