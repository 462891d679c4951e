// The gate as CI runs it, and its advisory database.

import * as vscode from "vscode";
import type { Session } from "../session";
import { answer, has, inTerminal, options, pickWorkspace, program } from "./run";

/** Runs `supercargo check` on what is on disk, in a terminal. */
export async function checkWorkspace(session: Session): Promise<number | undefined> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Check a workspace"));
  if (!folder) return undefined;
  return inTerminal(path, "check", ["check", folder.fsPath, ...options(folder)], folder.fsPath);
}

/** Runs `supercargo db update`, in a terminal. */
export async function updateDatabase(session: Session): Promise<number | undefined> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Update the advisory database of a workspace"));
  if (!folder) return undefined;
  return inTerminal(path, "advisory database", ["db", "update", "--path", folder.fsPath], folder.fsPath);
}

/** Writes a policy by `supercargo init`, where the program knows it. */
export async function createPolicy(session: Session): Promise<void> {
  const path = program(session);
  const folder = path && (await pickWorkspace(session, "Create deny.toml"));
  if (!folder) return;
  const file = vscode.Uri.joinPath(folder, "deny.toml");
  const exists = await vscode.workspace.fs.stat(file).then(() => true, () => false);
  if (!exists) {
    if (!(await has(path, "init"))) {
      void vscode.window.showInformationMessage(
        "Supercargo: this version of the server cannot write a policy yet; `cargo deny init` can, and its findings are shown here",
      );
      return;
    }
    const { code, out } = await answer(path, ["init", folder.fsPath], folder.fsPath);
    if (code !== 0) {
      void vscode.window.showErrorMessage(`Supercargo: no policy was written: ${out.trim().split("\n").pop()}`);
      return;
    }
  }
  await vscode.window.showTextDocument(file);
}
