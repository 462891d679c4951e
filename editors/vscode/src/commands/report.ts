// What a bug report needs: versions, settings, what happened last. No texts of the user's, no names of folders.

import { homedir } from "node:os";
import * as vscode from "vscode";
import type { Session } from "../session";
import { serverSettings } from "../settings";

export async function copyReport(session: Session): Promise<string> {
  const text = report(session);
  await vscode.env.clipboard.writeText(text);
  void vscode.window.showInformationMessage("Supercargo: the report is in the clipboard; read it before you send it");
  return text;
}

export function report(session: Session): string {
  const gates = session.gates().map(({ workspace, message, brokenPolicy, ...told }) => ({ ...told, policyBroken: Boolean(brokenPolicy) }));
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
    `* ends of the server in the last minutes: ${session.crashCount}`,
    ...(session.trouble ? [`* trouble: ${homeless(session.trouble)}`] : []),
    ...(session.complaint ? [`* complaint: ${homeless(session.complaint)}`] : []),
    "",
    block("settings that are not the default", chosen()),
    block("gates", gates),
    block("codes", counts),
  ];
  return `${lines.join("\n")}\n`;
}

function block(title: string, value: unknown): string {
  return `${title}:\n\n\`\`\`json\n${homeless(JSON.stringify(value, undefined, 2))}\n\`\`\`\n`;
}

/** The settings that were chosen; of paths only that there is one. */
function chosen(): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration("supercargo");
  const told: Record<string, unknown> = {};
  for (const [name, value] of Object.entries({ ...serverSettings(), cargo: configuration.get("cargo"), "server.path": configuration.get("server.path") })) {
    const usual = configuration.inspect(name)?.defaultValue;
    if (value === undefined || value === null || value === "" || JSON.stringify(value) === JSON.stringify(usual)) continue;
    told[name] = ["db", "cargo", "server.path"].includes(name) ? "(a path)" : value;
  }
  return told;
}

function homeless(text: string): string {
  return text.replaceAll(homedir(), "~");
}
