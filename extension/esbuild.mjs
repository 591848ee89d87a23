// Bundles the extension into dist/, or with `--tests` every test into out/; types are checked by tsc alone.
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const tests = process.argv.includes("--tests");

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", external: ["vscode"], logLevel: "warning" };

const testFiles = () =>
  ["test/unit", "test/e2e", "test/bench"]
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
    .filter((path) => path.endsWith(".ts"));

await build(
  tests
    ? { ...common, entryPoints: testFiles(), outbase: "test", outdir: "out", sourcemap: "inline", external: ["playwright-core"] }
    : { ...common, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js", minify: true, legalComments: "external" },
);
