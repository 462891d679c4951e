// Where the server's program is, and whether it can be one.

import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { unfit } from "./executable";

export interface Server {
  program: string;
  /** Who named it. */
  origin: "test" | "setting" | "bundled" | "path";
}

/** No server can be started; the message says what to do. */
export class NoServer extends Error {
  constructor(
    message: string,
    readonly remedy: "setting" | "install",
  ) {
    super(message);
  }
}

const NAME = process.platform === "win32" ? "supercargo.exe" : "supercargo";

/**
 * The server's program: a test's, the user's, the one in this extension, or the one on the path.
 * Nothing that a repository can write names it.
 */
export function findServer(context: vscode.ExtensionContext): Server {
  const ofTest = process.env.SUPERCARGO_TEST_SERVER;
  if (ofTest) return checked({ program: ofTest, origin: "test" });
  const chosen = chosenProgram("server.path");
  if (chosen) return checked({ program: expanded(chosen), origin: "setting" });
  const bundled = context.asAbsolutePath(join("server", NAME));
  if (isFile(bundled)) return checked({ program: bundled, origin: "bundled" });
  const onPath = lookUp();
  if (onPath) return checked({ program: onPath, origin: "path" });
  throw new NoServer(
    "This package of the extension carries no server, and there is no `supercargo` on the path: " +
      "install it with `cargo install supercargo`, or say in `supercargo.server.path` where it is",
    "install",
  );
}

/** A program that the user has chosen: workspaces and folders are not asked. */
export function chosenProgram(name: "server.path" | "cargo"): string | undefined {
  const value: unknown = vscode.workspace.getConfiguration("supercargo").inspect(name)?.globalValue;
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function expanded(path: string): string {
  return /^~[/\\]/.test(path) ? join(homedir(), path.slice(2)) : path;
}

function lookUp(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, NAME)).find(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function checked(server: Server): Server {
  const { program, origin } = server;
  const named = { test: "SUPERCARGO_TEST_SERVER", setting: "`supercargo.server.path`", bundled: "this extension", path: "the path" }[origin];
  const remedy = origin === "setting" ? "setting" : "install";
  if (!isAbsolute(program)) throw new NoServer(`\`${program}\`, named by ${named}, is not an absolute path`, remedy);
  if (!isFile(program)) throw new NoServer(`There is no program \`${program}\`, named by ${named}`, remedy);
  try {
    accessSync(program, process.platform === "win32" ? constants.R_OK : constants.R_OK | constants.X_OK);
  } catch {
    throw new NoServer(`\`${program}\`, named by ${named}, may not be run: make it executable`, remedy);
  }
  const reason = unfit(program);
  if (reason) throw new NoServer(`\`${program}\`, named by ${named}, ${reason}: install the one for this machine`, remedy);
  return server;
}

/** What to say of a server whose version is not the extension's; `undefined` where both fit. */
export function versionTrouble(extension: string, server: string | undefined): string | undefined {
  if (!server) return "The server does not say its version: it may not be supercargo";
  const [ours, theirs] = [extension, server].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  // Below 1.0 the second number says what fits.
  const parts = ours[0] === 0 && theirs[0] === 0 ? 2 : 1;
  for (let part = 0; part < parts; part++) {
    if (theirs[part] === ours[part]) continue;
    return theirs[part] < ours[part]
      ? `The server is supercargo ${server}, older than this extension (${extension}): update it with \`cargo install supercargo\``
      : `The server is supercargo ${server}, newer than this extension (${extension}): update the extension`;
  }
  return undefined;
}
