/**
 * What the .vsix carries of the server: its wheel, and the facts that the set-up states before it downloads anything.
 *
 * In: `wheel/manifest.json`, written by `make vsix` from the wheel and the model index. Never touches the network.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface DefaultModel {
  readonly name: string;
  readonly title: string;
  /** Download in bytes. */
  readonly size: number;
  readonly licence: string;
}

export interface Wheel {
  /** Absolute path. */
  readonly file: string;
  /** Absolute path of the program that installs it, with the pins beside it. */
  readonly installer: string;
  readonly version: string;
  readonly sha256: string;
  readonly model: DefaultModel;
}

/** Returns the wheel in `extensionPath`; undefined where the extension runs from its sources, which carry none. */
export async function readWheel(extensionPath: string): Promise<Wheel | undefined> {
  const folder = join(extensionPath, "wheel");
  let text: string;
  try {
    text = await readFile(join(folder, "manifest.json"), "utf8");
  } catch {
    return undefined;
  }
  const manifest = JSON.parse(text) as Wheel;
  return { ...manifest, file: join(folder, manifest.file), installer: join(folder, manifest.installer) };
}
