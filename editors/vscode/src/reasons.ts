// An ignore entry asks for its reason in a box. The server writes `reason = "TODO: .."`, which other editors show as it is.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

const COMMAND = "supercargo.applyWithReason";
const TODO = /(\breason\s*=\s*)"TODO[^"\n]*"/g;

/** Puts the question before the edit, whether the server sends it at once or when it is asked for. */
export const askingForReasons: Middleware = {
  async provideCodeActions(document, range, context, token, next) {
    const actions = await next(document, range, context, token);
    return actions?.map((action) => (action instanceof vscode.CodeAction ? asking(action) : action));
  },
  async resolveCodeAction(action, token, next) {
    const resolved = await next(action, token);
    return resolved && asking(resolved);
  },
};

function asking(action: vscode.CodeAction): vscode.CodeAction {
  const edit = action.edit;
  if (!edit || action.command || !edit.entries().some(([, edits]) => edits.some((one) => one.newText?.search(TODO) >= 0))) return action;
  action.command = { title: action.title, command: COMMAND, arguments: [edit, action.title] };
  action.edit = undefined;
  return action;
}

/** Asks for the reason and applies the edit with it; nothing is changed where none is given. */
export async function applyWithReason(edit: vscode.WorkspaceEdit, title: string): Promise<boolean> {
  const texts = await Promise.all(
    edit.entries().map(async ([uri]) => [uri.toString(), (await vscode.workspace.openTextDocument(uri)).version] as const),
  );
  const reason = await vscode.window.showInputBox({
    title,
    prompt: "Why is this acceptable? The reason is written to the policy",
    placeHolder: "only the server's public key is used",
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim().length < 3 ? "A few words, for whoever reads the policy next" : undefined),
  });
  if (!reason) return false;
  for (const [uri, version] of texts) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
    if (document.version === version) continue;
    void vscode.window.showWarningMessage("Supercargo: the text has changed in the meantime; take the quick fix again");
    return false;
  }
  return vscode.workspace.applyEdit(withReason(edit, reason.trim()));
}

/** The same edit with the reason as a TOML string. */
export function withReason(edit: vscode.WorkspaceEdit, reason: string): vscode.WorkspaceEdit {
  const text = JSON.stringify(reason).replace(/\u007f/g, "\\u007f");
  const written = new vscode.WorkspaceEdit();
  for (const [uri, edits] of edit.entries()) {
    const replaced = edits.map((one) => vscode.TextEdit.replace(one.range, one.newText.replace(TODO, (_, key: string) => key + text)));
    written.set(uri, replaced);
  }
  return written;
}

export function registerReasons(): vscode.Disposable {
  return vscode.commands.registerCommand(COMMAND, applyWithReason);
}
