// Packages the extension: `node scripts/package.mjs [--target linux-x64 --server PATH] [--out FILE]`.
//
// With a target, the package contains the server for that platform. Without one, it contains no server and
// the extension looks for `supercargo` in `PATH`. Nothing is downloaded.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    target: { type: "string" },
    server: { type: "string" },
    out: { type: "string" },
    "pre-release": { type: "boolean" },
    /** The base URL for the pictures and links of the README. */
    repository: { type: "string" },
  },
});
if (Boolean(values.target) !== Boolean(values.server)) throw new Error("`--target` requires `--server`, and `--server` requires `--target`");
const from = process.cwd();
const run = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" });

const server = join(root, "server");
rmSync(server, { recursive: true, force: true });
if (values.target) {
  mkdirSync(server);
  const program = join(server, values.target.startsWith("win32-") ? "supercargo.exe" : "supercargo");
  copyFileSync(resolve(from, values.server), program);
  chmodSync(program, 0o755);
}
const licenses = ["LICENSE-APACHE", "LICENSE-MIT"];
try {
  for (const name of licenses) copyFileSync(join(root, "../..", name), join(root, name));
  run("scripts/settings.mjs", "--check");
  run("esbuild.mjs");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const out = resolve(from, values.out ?? `supercargo-${values.target ?? "universal"}-${version}.vsix`);
  const links = values.repository
    ? ["--baseContentUrl", `${values.repository}/blob/v${version}/editors/vscode`, "--baseImagesUrl", `${values.repository}/raw/v${version}/editors/vscode`]
    : ["--no-rewrite-relative-links"];
  run(
    join(root, "node_modules/@vscode/vsce/vsce"),
    ...["package", "--no-dependencies", "--allow-missing-repository", "--skip-license", ...links, "--out", out],
    ...(values.target ? ["--target", values.target] : []),
    ...(values["pre-release"] ? ["--pre-release"] : []),
  );
  console.log(`${out}: ${Math.round(statSync(out).size / 1000)} kB`);
} finally {
  for (const name of licenses) if (existsSync(join(root, name))) rmSync(join(root, name));
  rmSync(server, { recursive: true, force: true });
}
