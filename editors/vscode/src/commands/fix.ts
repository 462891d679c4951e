// The commands that fix one finding or all of them.

import * as vscode from "vscode";
import { FIX_ALL } from "../protocol";
import type { Session } from "../session";
import type { Node } from "../view";
import { inTerminal, options, pickWorkspace, program } from "./run";

/** Opens the location of a finding and the menu of its quick fixes. */
export async function fixFinding(node: Node | undefined): Promise<void> {
  const location = node?.kind === "finding" ? node.finding.locations[0] : node?.kind === "location" ? node.location : undefined;
  if (!location) return;
  const { range } = location;
  await vscode.window.showTextDocument(location.uri, { selection: new vscode.Range(range.start, range.start) });
  await vscode.commands.executeCommand("editor.action.quickFix");
}

/** Shows all verified fixes of a workspace, and applies them if the user agrees. */
export async function fixAll(session: Session): Promise<void> {
  const folder = await pickWorkspace(session, "Fix all findings of a workspace");
  if (!folder) return;
  const provider = session.capabilities?.codeActionProvider;
  const kinds = typeof provider === "object" ? provider.codeActionKinds : undefined;
  const edit = provider && (!kinds || kinds.some((kind) => FIX_ALL.startsWith(kind))) ? await allFixes(session, folder) : undefined;
  if (!edit) return fixWithProgram(session, folder);
  const files = edit.entries().map(([uri, edits]) => `${vscode.workspace.asRelativePath(uri)}: ${edits.length} change${edits.length === 1 ? "" : "s"}`);
  const chosen = await vscode.window.showInformationMessage(
    "Apply all verified fixes?",
    { modal: true, detail: `${files.join("\n")}\n\nThe files are changed but not saved. One undo reverts all changes.` },
    "Apply",
    "Review Changes",
  );
  if (chosen === "Apply") await vscode.workspace.applyEdit(edit);
  if (chosen === "Review Changes") await vscode.workspace.applyEdit(withReview(edit), { isRefactoring: true });
}

/** The edit of the server's `source.fixAll` action. */
async function allFixes(session: Session, folder: vscode.Uri): Promise<vscode.WorkspaceEdit | undefined> {
  const workspace = session.workspaces().find((one) => one.folder.path === folder.path);
  const files = new Map(workspace?.findings.flatMap(({ locations }) => locations.map(({ uri }) => [uri.toString(), uri] as const)));
  for (const uri of files.values()) {
    const document = await vscode.workspace.openTextDocument(uri);
    const all = new vscode.Range(0, 0, document.lineCount, 0);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", uri, all, FIX_ALL, 8);
    const edit = actions?.find((action) => action.kind?.value === FIX_ALL)?.edit;
    if (edit && edit.size > 0) return edit;
  }
  return undefined;
}

/** The same edit; VS Code asks the user to confirm each change. */
function withReview(edit: vscode.WorkspaceEdit): vscode.WorkspaceEdit {
  const reviewed = new vscode.WorkspaceEdit();
  const metadata = { label: "Supercargo", needsConfirmation: true };
  for (const [uri, edits] of edit.entries()) reviewed.set(uri, edits.map((one) => [one, metadata] as [vscode.TextEdit, vscode.WorkspaceEditEntryMetadata]));
  return reviewed;
}

/** Runs `supercargo fix` in a terminal: as a dry run first, then for real if the user agrees. */
async function fixWithProgram(session: Session, folder: vscode.Uri): Promise<void> {
  const path = program(session);
  if (!path) return;
  const unsaved = vscode.workspace.textDocuments.some((one) => one.isDirty && one.uri.path.startsWith(`${folder.path}/`));
  if (unsaved) {
    void vscode.window.showInformationMessage("Supercargo: save the files first, because `supercargo fix` reads them from disk");
    return;
  }
  await inTerminal(path, "fix (dry run)", ["fix", folder.fsPath, "--dry-run", ...options(folder)], folder.fsPath);
  const chosen = await vscode.window.showInformationMessage(
    "Supercargo: the terminal shows the changes that `supercargo fix` would make",
    "Apply Changes",
  );
  if (chosen) await inTerminal(path, "fix", ["fix", folder.fsPath, ...options(folder)], folder.fsPath);
}
