// Bundles the extension into dist/, or with `--tests` every test into out/; types are checked by tsc alone.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", logLevel: "warning" };

if (process.argv.includes("--tests")) {
  await build({ ...common, entryPoints: testFiles(), outbase: "test", outdir: "out", sourcemap: "inline", external: ["vscode", "playwright-core"] });
} else {
  const { metafile } = await build({ ...common, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js", minify: true, external: ["vscode"], metafile: true });
  writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licences(Object.keys(metafile.inputs)));
}

// Tests, and the programs beside them; what they share is bundled into each.
function testFiles() {
  return ["test/unit", "test/e2e", "test/bench"]
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
    .filter((path) => path.endsWith(".test.ts") || /(bench\/latency|e2e\/pictures)\.ts$/.test(path));
}

// What is bundled comes with its licence; a package without one stops the build.
function licences(inputs) {
  const packages = new Set(inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter((name) => name !== undefined));
  return [...packages].sort().map((name) => `${name}\n${"=".repeat(name.length)}\n\n${licence(`node_modules/${name}`)}`).join("\n\n");
}

function licence(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) {
    throw new Error(`${folder} has no licence file`);
  }
  return readFileSync(`${folder}/${file}`, "utf8").trim();
}
