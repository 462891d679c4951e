// A copy of the fixture repository `handshake` with its advisories, and the programs that check it.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, succeed } from "./processes.mjs";

export const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const FIXTURES = join(REPOSITORY, "tests/fixtures");

/** The folder of the workspace below the repository's root. */
export const CORE = "src/backend/handshake_core";

/** The errors in the original files: the line in the manifest, from 1, and the code. */
export const ERRORS = [
  { crate: "ring", line: 14, code: "RUSTSEC-2025-0009" },
  { crate: "ring", line: 14, code: "unlicensed" },
  { crate: "sqlx", line: 17, code: "RUSTSEC-2024-0363" },
  { crate: "time", line: 18, code: "RUSTSEC-2026-0009" },
];

/** The smallest versions without findings. */
export const PATCHED = [
  ["ring", "0.17.12"],
  ["sqlx", "0.8.1"],
  ["time", "0.3.47"],
];

export class Fixture {
  /** Creates a fresh copy below `folder`, as a git repository. `home` is the cargo home of all editors. */
  static async create(folder, server, home) {
    rmSync(folder, { recursive: true, force: true });
    const fixture = new Fixture(folder, server, home);
    mkdirSync(fixture.cache, { recursive: true });
    cpSync(join(FIXTURES, "handshake"), fixture.root, { recursive: true });
    const git = ["-c", "user.name=handshake", "-c", "user.email=handshake@example.org", "-c", "init.defaultBranch=main", "-C", fixture.root];
    await succeed("git", [...git, "init", "-q"]);
    await succeed("git", [...git, "add", "-A"]);
    await succeed("git", [...git, "commit", "-qm", "The handshake"]);
    return fixture;
  }

  constructor(folder, server, home) {
    this.home = home;
    this.folder = folder;
    this.server = server;
    this.root = join(folder, "handshake");
    this.core = join(this.root, CORE);
    this.cache = join(folder, "cache");
    this.db = join(FIXTURES, "advisory-db");
  }

  get manifest() {
    return join(this.core, "Cargo.toml");
  }

  get policy() {
    return join(this.core, "deny.toml");
  }

  /** The environment of the editor and its server. */
  get env() {
    const env = { ...process.env, SUPERCARGO_CACHE_DIR: this.cache, SUPERCARGO_TEST_SERVER: this.server, CARGO_HOME: this.home };
    for (const name of ["CARGO_TARGET_DIR", "RUST_LOG", "NVIM", "VIMINIT", "TMUX"]) delete env[name];
    return env;
  }

  read(path) {
    return readFileSync(join(this.core, path), "utf8");
  }

  /** The original text of a file. */
  original(path) {
    return readFileSync(join(FIXTURES, "handshake", CORE, path), "utf8");
  }

  write(path, text) {
    writeFileSync(join(this.core, path), text);
  }

  /** Runs cargo, as a user does in a terminal. */
  cargo(...args) {
    return succeed("cargo", args, { cwd: this.core, env: this.env });
  }

  /** Runs `supercargo check` on the saved files: the exit code, and the codes of its errors. */
  async check(...args) {
    const command = ["check", this.core, "--db", this.db, "--format", "json", ...args];
    const { code, out, err } = await run(this.server, command, { env: this.env });
    const records = out.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const errors = records.filter((one) => one.type === "finding" && one.severity === "error");
    return { code, err, errors: errors.map((one) => one.advisory ?? one.code) };
  }

  /** Runs cargo-deny on the saved files with the same advisories: its exit code and output. */
  async cargoDeny(program) {
    const database = join(this.folder, "advisory-dbs/advisory-db-3157b0e258782691");
    if (!existsSync(database)) {
      cpSync(this.db, database, { recursive: true });
      const git = ["-c", "user.name=db", "-c", "user.email=db@example.org", "-C", database];
      await succeed("git", [...git, "init", "-q"]);
      await succeed("git", [...git, "add", "-A"]);
      await succeed("git", [...git, "commit", "-qm", "Advisories"]);
      // cargo-deny takes the age of this file as the age of the last fetch.
      writeFileSync(join(database, ".git/FETCH_HEAD"), "");
    }
    const config = join(this.folder, "deny.toml");
    writeFileSync(config, this.read("deny.toml").replace("[advisories]\n", `[advisories]\ndb-path = "${join(this.folder, "advisory-dbs")}"\n`));
    const args = ["--manifest-path", this.manifest, "--offline", "--config", config, "check", "advisories", "licenses"];
    return run(program, args, { env: this.env });
  }
}

/**
 * Downloads the crates that the stories need, so that a slow registry does not exceed the limits of the editors. They go into a
 * separate cargo home, which other cargo processes on this machine do not use.
 */
export async function downloadCrates(folder, home) {
  const userHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  mkdirSync(home, { recursive: true });
  for (const name of ["config.toml", "config"]) {
    if (existsSync(join(userHome, name))) cpSync(join(userHome, name), join(home, name));
  }
  const env = { ...process.env, CARGO_HOME: home };
  // A server that is exiting may still write files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  cpSync(join(FIXTURES, "handshake", CORE), folder, { recursive: true });
  const limit = 5 * 60_000;
  const withRetry = async (...args) => {
    if ((await run("cargo", args, { cwd: folder, limit, env })).code !== 0) await succeed("cargo", args, { cwd: folder, limit, env });
  };
  await withRetry("fetch", "--locked");
  for (const [crate, version] of PATCHED) await withRetry("update", "-p", crate, "--precise", version);
  await withRetry("fetch", "--locked");
  // A server that is exiting may still write files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
}

/** The result of a server for `initialize`. */
export async function capabilities(server) {
  const { start } = await import("./processes.mjs");
  const { until } = await import("./waiting.mjs");
  const child = start(server, ["lsp"], { stdio: ["pipe", "pipe", "pipe"] });
  const message = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { processId: null, rootUri: null, capabilities: {} } });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
  try {
    return await until("the result of `initialize`", () => {
      const found = child.output.match(/\{"jsonrpc".*"capabilities".*\}/);
      return found && JSON.parse(found[0]).result.capabilities;
    }, 20_000);
  } finally {
    await child.end();
  }
}
