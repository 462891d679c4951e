// Finds the server's program, and words the errors about it.

import { statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { getSystemErrorMap } from "node:util";
import * as vscode from "vscode";

export interface Server {
  program: string;
  /** Where the path of the program comes from. */
  origin: "test" | "setting" | "bundled" | "path";
}

/** There is no program to start; the message says what to do. */
export class NoServer extends Error {}

const NAME = process.platform === "win32" ? "supercargo.exe" : "supercargo";

/**
 * The server's program: from the test's environment variable, the user's setting, this extension, or `PATH`.
 * No file of a workspace can set it.
 */
export function findServer(context: vscode.ExtensionContext): Server {
  const ofTest = process.env.SUPERCARGO_TEST_SERVER;
  if (ofTest) return absolute({ program: ofTest, origin: "test" });
  const setting = userSetting("server.path");
  if (setting) return absolute({ program: expandHome(setting), origin: "setting" });
  const bundled = context.asAbsolutePath(join("server", NAME));
  if (isFile(bundled)) return { program: bundled, origin: "bundled" };
  const onPath = findOnPath();
  if (onPath) return { program: onPath, origin: "path" };
  throw new NoServer("could not find the `supercargo` program: run `cargo install supercargo`, or set `supercargo.server.path`");
}

/** A setting that names a program: only the user's value counts, not that of a workspace or folder. */
export function userSetting(name: "server.path" | "cargo"): string | undefined {
  const value: unknown = vscode.workspace.getConfiguration("supercargo").inspect(name)?.globalValue;
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function expandHome(path: string): string {
  return /^~[/\\]/.test(path) ? join(homedir(), path.slice(2)) : path;
}

function findOnPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, NAME)).find(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** A relative path could lead to a program in the workspace. */
function absolute(server: Server): Server {
  if (!isAbsolute(server.program)) throw new NoServer(`\`${server.program}\` is not an absolute path: ${HELP[server.origin]}`);
  return server;
}

const HELP: Record<Server["origin"], string> = {
  test: "correct `SUPERCARGO_TEST_SERVER`",
  setting: "correct `supercargo.server.path`",
  bundled: "install the extension for this platform again",
  path: "run `cargo install supercargo`, or set `supercargo.server.path`",
};

/** Why the program did not start, and what to do. */
export function startFailure({ program, origin }: Server, reason: string): string {
  return `could not start \`${program}\`: ${reason}; ${HELP[origin]}`;
}

/** The system's words for an error, such as `permission denied`; other errors as they are. */
export function systemMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const code = text.match(/\bE[A-Z0-9]{3,}\b/)?.[0];
  const message = [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
  return message ?? text.split("\n")[0];
}

/** A warning if server and extension have different versions; `undefined` if they are compatible. */
export function versionWarning(extension: string, server: string | undefined): string | undefined {
  if (!server) return "the server does not report its version: it may not be supercargo";
  const [ours, theirs] = [extension, server].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  // Before 1.0 the minor version decides about compatibility.
  const parts = ours[0] === 0 && theirs[0] === 0 ? 2 : 1;
  for (let part = 0; part < parts; part++) {
    if (theirs[part] === ours[part]) continue;
    return theirs[part] < ours[part]
      ? `the server is supercargo ${server}, older than this extension (${extension}): run \`cargo install supercargo\``
      : `the server is supercargo ${server}, newer than this extension (${extension}): update the extension`;
  }
  return undefined;
}
