// Quick fixes from the view, and all of them at once.

import * as vscode from "vscode";
import { FIX_ALL } from "../protocol";
import type { Session } from "../session";
import type { Node } from "../view";
import { inTerminal, options, pickWorkspace, program } from "./run";

/** Opens the line of a finding with the menu of its quick fixes. */
export async function fixFinding(node: Node | undefined): Promise<void> {
  const place = node?.kind === "finding" ? node.finding.places[0] : node?.kind === "place" ? node.place : undefined;
  if (!place) return;
  const { range } = place.diagnostic;
  await vscode.window.showTextDocument(place.uri, { selection: new vscode.Range(range.start, range.start) });
  await vscode.commands.executeCommand("editor.action.quickFix");
}

/** Everything that is proved to mend something, after the user has seen what it is. */
export async function fixAll(session: Session): Promise<void> {
  const folder = await pickWorkspace(session, "Fix all findings of a workspace");
  if (!folder) return;
  const provider = session.capabilities?.codeActionProvider;
  const kinds = typeof provider === "object" ? provider.codeActionKinds : undefined;
  const edit = provider && (!kinds || kinds.some((kind) => FIX_ALL.startsWith(kind))) ? await proposed(session, folder) : undefined;
  if (!edit) return byProgram(session, folder);
  const files = edit.entries().map(([uri, edits]) => `${vscode.workspace.asRelativePath(uri)}: ${edits.length} change${edits.length === 1 ? "" : "s"}`);
  const chosen = await vscode.window.showInformationMessage(
    "Apply every fix that is proved?",
    { modal: true, detail: `${files.join("\n")}\n\nNothing is saved; one undo brings all back.` },
    "Apply",
    "Look at Each Change",
  );
  if (chosen === "Apply") await vscode.workspace.applyEdit(edit);
  if (chosen === "Look at Each Change") await vscode.workspace.applyEdit(confirmed(edit), { isRefactoring: true });
}

async function proposed(session: Session, folder: vscode.Uri): Promise<vscode.WorkspaceEdit | undefined> {
  const ours = session.workspaces().find((one) => one.folder.path === folder.path);
  const files = new Map(ours?.findings.flatMap(({ places }) => places.map(({ uri }) => [uri.toString(), uri] as const)));
  for (const uri of files.values()) {
    const document = await vscode.workspace.openTextDocument(uri);
    const all = new vscode.Range(0, 0, document.lineCount, 0);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", uri, all, FIX_ALL, 8);
    const edit = actions?.find((action) => action.kind?.value === FIX_ALL)?.edit;
    if (edit && edit.size > 0) return edit;
  }
  return undefined;
}

/** The same edit, every change of which VS Code asks about. */
function confirmed(edit: vscode.WorkspaceEdit): vscode.WorkspaceEdit {
  const asked = new vscode.WorkspaceEdit();
  const metadata = { label: "Supercargo", needsConfirmation: true };
  for (const [uri, edits] of edit.entries()) asked.set(uri, edits.map((one) => [one, metadata] as [vscode.TextEdit, vscode.WorkspaceEditEntryMetadata]));
  return asked;
}

/** Where the server offers nothing at once, its program can: first what it would do, then the question. */
async function byProgram(session: Session, folder: vscode.Uri): Promise<void> {
  const path = program(session);
  if (!path) return;
  const unsaved = vscode.workspace.textDocuments.some((one) => one.isDirty && one.uri.path.startsWith(`${folder.path}/`));
  if (unsaved) {
    void vscode.window.showInformationMessage("Supercargo: save the manifests first; `supercargo fix` works on the files on disk");
    return;
  }
  await inTerminal(path, "fix (nothing is written)", ["fix", folder.fsPath, "--dry-run", ...options(folder)], folder.fsPath);
  const chosen = await vscode.window.showInformationMessage(
    "Supercargo: the terminal shows what would be changed, and what stays with its reason",
    "Change the Files",
  );
  if (chosen) await inTerminal(path, "fix", ["fix", folder.fsPath, ...options(folder)], folder.fsPath);
}
