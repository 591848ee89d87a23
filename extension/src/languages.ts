/** What a language is called, which VS Code knows and its API does not say: the manifests of extensions do. */

import { extensions } from "vscode";

interface Manifest {
  readonly contributes?: { readonly languages?: readonly { readonly id: string; readonly aliases?: readonly string[] }[] };
}

/** Returns the name of a language, or its id where no extension names it. */
export function languageName(id: string): string {
  for (const { packageJSON } of extensions.all) {
    const name = (packageJSON as Manifest).contributes?.languages?.find((language) => language.id === id)?.aliases?.[0];
    if (name !== undefined) {
      return name;
    }
  }
  return id;
}
