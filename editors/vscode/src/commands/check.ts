// The commands that run the program in a terminal: check, database update, a new policy.

import * as vscode from "vscode";
import type { Session } from "../session";
import { inTerminal, output, options, pickWorkspace, program } from "./run";

/** Runs `supercargo check` on the saved files. */
export async function checkWorkspace(session: Session): Promise<number | undefined> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Check a workspace"));
  if (!folder) return undefined;
  return inTerminal(path, "check", ["check", folder.fsPath, ...options(folder)], folder.fsPath);
}

/** Runs `supercargo db update`. */
export async function updateDatabase(session: Session): Promise<number | undefined> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Update the advisory database"));
  if (!folder) return undefined;
  return inTerminal(path, "advisory database", ["db", "update", "--path", folder.fsPath], folder.fsPath);
}

/** Runs `supercargo init` unless there is a policy, and opens the policy. */
export async function createPolicy(session: Session): Promise<void> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Create deny.toml"));
  if (!folder) return;
  const file = vscode.Uri.joinPath(folder, "deny.toml");
  const exists = await vscode.workspace.fs.stat(file).then(() => true, () => false);
  if (!exists) {
    const { code, out } = await output(path, ["init", folder.fsPath], folder.fsPath);
    if (code !== 0) {
      void vscode.window.showErrorMessage(`Supercargo: could not create deny.toml: ${out.trim().split("\n").pop()}`);
      return;
    }
  }
  await vscode.window.showTextDocument(file);
}
