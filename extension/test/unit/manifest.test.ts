/** What the readme says of keys and commands is what the manifest has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac?: string }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string; readonly when: string }[] };
  };
}

const EXTENSION = join(__dirname, "..", "..");
const README = readFileSync(join(EXTENSION, "README.md"), "utf8");
const { commands, keybindings, menus } = (JSON.parse(readFileSync(join(EXTENSION, "package.json"), "utf8")) as Manifest).contributes;

const hidden = new Set(menus.commandPalette.filter(({ when }) => when === "false").map(({ command }) => command));

test("the readme lists the commands of the palette, and no others", () => {
  const listed = [...README.matchAll(/^\| Linewise: ([^|]+?) \|/gm)].map(([, title]) => title);
  assert.deepEqual(listed.sort(), commands.filter(({ command }) => !hidden.has(command)).map(({ title }) => title).sort());
});

/** Keys as the readme writes them. */
function written(key: string): string {
  return `\`${key
    .split("+")
    .map((part) => (part.length > 1 ? `${part.charAt(0).toUpperCase()}${part.slice(1)}` : part))
    .join("+")}\``;
}

for (const { command, key, mac } of keybindings) {
  test(`the readme has the key ${key} of ${command}`, () => {
    assert.ok(README.includes(mac === undefined ? written(key) : `${written(key)} (${written(mac)})`), `${written(key)} is not in the readme`);
  });
}
