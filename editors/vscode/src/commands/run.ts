// Running the server's program for one answer, or in a terminal that the user sees.

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import type { Session } from "../session";
import { serverSettings } from "../settings";

/** The program, where one was found and may be run; else it says why not. */
export function program(session: Session): string | undefined {
  if (!vscode.workspace.isTrusted) {
    void vscode.window
      .showInformationMessage("Supercargo: this window is in restricted mode, in which no program is started", "Manage Trust")
      .then((chosen) => chosen && vscode.commands.executeCommand("workbench.trust.manage"));
    return undefined;
  }
  if (!session.server) void vscode.window.showErrorMessage(`Supercargo: ${session.trouble ?? "the server's program was not found"}`);
  return session.server?.program;
}

/** Whether this version of the program has a word such as `explain`. */
export async function has(path: string, word: string): Promise<boolean> {
  const { out } = await answer(path, ["--help"]);
  return new RegExp(`^\\s+${word}\\b`, "m").test(out);
}

export function answer(path: string, args: string[], cwd?: string): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const child = execFile(path, args, { cwd, timeout: 60_000, maxBuffer: 4 << 20, windowsHide: true }, (error, out, err) => {
      resolve({ code: error ? (typeof error.code === "number" ? error.code : 70) : 0, out: out + err });
    });
    child.stdin?.end();
  });
}

/** Runs the program in a terminal, and answers its exit code. */
export async function inTerminal(path: string, name: string, args: string[], cwd: string): Promise<number | undefined> {
  const scope = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(cwd)) ?? vscode.TaskScope.Workspace;
  const execution = new vscode.ProcessExecution(path, args, { cwd });
  const task = new vscode.Task({ type: "supercargo", args }, scope, name, "supercargo", execution, []);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true, echo: false };
  const running = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const ended = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution !== running) return;
      ended.dispose();
      resolve(event.exitCode);
    });
  });
}

/** What a setting of the editor means on the command line. */
export function options(folder: vscode.Uri): string[] {
  const { db, offline, workspace } = serverSettings(folder);
  return [
    ...(typeof db === "string" ? ["--db", db] : []),
    ...(offline === true ? ["--offline"] : []),
    ...(workspace === true ? ["--workspace"] : []),
  ];
}

/** The workspace that is meant: the one of the file in front, else the only one, else the one that the user picks. */
export async function pickWorkspace(session: Session, title: string): Promise<vscode.Uri | undefined> {
  const folders = session.gates().map((gate) => vscode.Uri.parse(gate.workspace));
  const front = vscode.window.activeTextEditor?.document.uri;
  const around = folders.filter((folder) => front?.scheme === folder.scheme && front.path.startsWith(`${folder.path}/`));
  around.sort((a, b) => b.path.length - a.path.length);
  if (around.length) return around[0];
  if (folders.length === 1) return folders[0];
  if (folders.length === 0) {
    void vscode.window.showInformationMessage("Supercargo: no workspace has been judged yet; open a `Cargo.toml`");
    return undefined;
  }
  const items = folders.map((folder) => ({ label: vscode.workspace.asRelativePath(folder), folder }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: "Which workspace?" }))?.folder;
}
