// The text for a bug report: versions, settings, failures. It contains no file contents and no paths.

import { homedir } from "node:os";
import * as vscode from "vscode";
import type { Session } from "../session";
import { serverSettings } from "../settings";

export async function copyReport(session: Session): Promise<string> {
  const text = report(session);
  await vscode.env.clipboard.writeText(text);
  void vscode.window.showInformationMessage("Supercargo: copied the bug report to the clipboard; read it before you send it");
  return text;
}

export function report(session: Session): string {
  const statuses = session.statuses().map(({ workspace, text, message, brokenPolicy, comparison, ...rest }) => ({
    ...rest,
    policyBroken: Boolean(brokenPolicy),
    // Its message may have a path.
    ...(comparison ? { isCompared: Boolean(comparison.counts) } : {}),
  }));
  const codes = session.workspaces().flatMap(({ findings }) => findings.map(({ code }) => code));
  const counts = Object.fromEntries([...new Set(codes)].sort().map((code) => [code, codes.filter((one) => one === code).length]));
  const lines = [
    "### Supercargo",
    "",
    `* extension: ${session.version}`,
    `* server: ${session.serverVersion ?? "none"} (${session.server?.origin ?? "not found"}), ${session.health}`,
    `* editor: ${vscode.env.appName} ${vscode.version}${vscode.env.remoteName ? `, remote (${vscode.env.remoteName})` : ""}`,
    `* system: ${process.platform} ${process.arch}`,
    `* trusted: ${vscode.workspace.isTrusted}, folders: ${vscode.workspace.workspaceFolders?.length ?? 0}`,
    ...(session.failure ? [`* failure: ${withoutHome(session.failure)}`] : []),
    ...(session.versionWarning ? [`* warning: ${withoutHome(session.versionWarning)}`] : []),
    "",
    block("changed settings", changedSettings()),
    block("workspaces", statuses),
    block("codes", counts),
  ];
  return `${lines.join("\n")}\n`;
}

function block(title: string, value: unknown): string {
  return `${title}:\n\n\`\`\`json\n${withoutHome(JSON.stringify(value, undefined, 2))}\n\`\`\`\n`;
}

/** The settings that differ from their defaults, without paths. */
function changedSettings(): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration("supercargo");
  const changed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries({ ...serverSettings(), cargo: configuration.get("cargo"), "server.path": configuration.get("server.path") })) {
    const standard = configuration.inspect(name)?.defaultValue;
    if (value === undefined || value === null || value === "" || JSON.stringify(value) === JSON.stringify(standard)) continue;
    changed[name] = ["db", "cargo", "server.path"].includes(name) ? "(a path)" : value;
  }
  return changed;
}

/** Replaces the user's home folder with `~`. */
function withoutHome(text: string): string {
  return text.replaceAll(homedir(), "~");
}
