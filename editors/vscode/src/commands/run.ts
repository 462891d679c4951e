// Runs the program, in the background or in a terminal.

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import { nearestAbove } from "../findings";
import type { Session } from "../session";
import { serverSettings } from "../settings";

/** The path of the program; shows a message if there is none or it may not run. */
export function program(session: Session): string | undefined {
  if (!vscode.workspace.isTrusted) {
    void vscode.window
      .showInformationMessage("Supercargo: restricted mode, no program can be started; trust the workspace first", "Manage Trust")
      .then((chosen) => chosen && vscode.commands.executeCommand("workbench.trust.manage"));
    return undefined;
  }
  if (!session.server) void vscode.window.showErrorMessage(`Supercargo: ${session.failure ?? "could not find the `supercargo` program"}`);
  return session.server?.program;
}

/** Runs the program in the background: its exit code, and what it wrote to standard output and standard error. */
export function output(path: string, args: string[], cwd?: string): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const child = execFile(path, args, { cwd, timeout: 60_000, maxBuffer: 4 << 20, windowsHide: true }, (error, out, err) => {
      resolve({ code: error ? (typeof error.code === "number" ? error.code : 70) : 0, out: out + err });
    });
    child.stdin?.end();
  });
}

/** Runs the program in a terminal and returns its exit code. */
export async function inTerminal(path: string, name: string, args: string[], cwd: string): Promise<number | undefined> {
  const scope = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(cwd)) ?? vscode.TaskScope.Workspace;
  const execution = new vscode.ProcessExecution(path, args, { cwd });
  const task = new vscode.Task({ type: "supercargo", args }, scope, name, "supercargo", execution, []);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true, echo: false };
  const started = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const ended = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution !== started) return;
      ended.dispose();
      resolve(event.exitCode);
    });
  });
}

/** The command-line options for the user's settings. */
export function options(folder: vscode.Uri): string[] {
  const { db, offline, workspace } = serverSettings(folder);
  return [
    ...(typeof db === "string" ? ["--db", db] : []),
    ...(offline === true ? ["--offline"] : []),
    ...(workspace === true ? ["--workspace"] : []),
  ];
}

/** The workspace of the active file, else the only one, else the one that the user picks. */
export async function pickWorkspace(session: Session, title: string): Promise<vscode.Uri | undefined> {
  const folders = session.statuses().map(({ workspace }) => vscode.Uri.parse(workspace));
  const nearest = nearestAbove(folders, vscode.window.activeTextEditor?.document.uri, (folder) => folder);
  if (nearest) return nearest;
  if (folders.length === 1) return folders[0];
  if (folders.length === 0) {
    void vscode.window.showInformationMessage("Supercargo: no workspace has been checked; open a `Cargo.toml`");
    return undefined;
  }
  const items = folders.map((folder) => ({ label: vscode.workspace.asRelativePath(folder), folder }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: "Select a workspace" }))?.folder;
}
