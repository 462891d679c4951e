// Bundles the extension and its libraries into one file.
import { build } from "esbuild";
import { statSync } from "node:fs";

/** The maximum size in bytes: VS Code reads the whole bundle at startup. */
const LIMIT = 500_000;
const outfile = "dist/extension.js";

await build({
  entryPoints: ["src/extension.ts"],
  outfile,
  bundle: true,
  minify: true,
  sourcemap: process.argv.includes("--sourcemap"),
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  banner: { js: "const supercargoLoaded = process.cpuUsage();" },
  legalComments: "none",
  logLevel: "warning",
});
const { size } = statSync(outfile);
console.log(`${outfile}: ${Math.round(size / 1000)} kB`);
if (size > LIMIT) throw new Error(`the bundle is larger than ${LIMIT} bytes`);
