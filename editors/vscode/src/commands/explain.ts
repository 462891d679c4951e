// A finding in full, and why a package is there.

import * as vscode from "vscode";
import type { Finding } from "../findings";
import type { Session } from "../session";
import type { Node } from "../view";
import { answer, has } from "./run";

const SCHEME = "supercargo-explain";

/** The pages that `explain` opens. */
export class Pages implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  register(): vscode.Disposable {
    return vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  async show(title: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title.replace(/[^\w.@ -]/g, "-")}.md` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  }
}

/** Explains a finding: by the program where it can, else by what the server tells in its hover. */
export async function explain(session: Session, pages: Pages, node: Node | undefined): Promise<void> {
  const finding = node?.kind === "finding" ? node.finding : await pick(session);
  if (!finding) return;
  const path = vscode.workspace.isTrusted ? session.server?.program : undefined;
  if (path && finding.code && (await has(path, "explain"))) {
    const { code, out } = await answer(path, ["explain", finding.code]);
    if (code === 0) return pages.show(finding.code, out);
  }
  const { uri, diagnostic } = finding.places[0];
  const text = await hover(uri, diagnostic.range.start);
  await pages.show(finding.code || "finding", `# ${finding.message}\n\n${text || finding.remedy || ""}\n`);
}

async function hover(uri: vscode.Uri, position: vscode.Position): Promise<string> {
  await vscode.workspace.openTextDocument(uri);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", uri, position);
  const parts = (hovers ?? []).flatMap(({ contents }) => contents).map((one) => (typeof one === "string" ? one : one.value));
  return parts.join("\n\n---\n\n");
}

/** The finding at the caret, else the one that the user picks. */
async function pick(session: Session): Promise<Finding | undefined> {
  const all = session.workspaces().flatMap(({ findings }) => findings);
  const editor = vscode.window.activeTextEditor;
  const here = all.filter(({ places }) =>
    places.some(({ uri, diagnostic }) => uri.toString() === editor?.document.uri.toString() && diagnostic.range.start.line === editor.selection.active.line),
  );
  if (here.length === 1) return here[0];
  const items = (here.length ? here : all).map((finding) => ({ label: finding.message.replaceAll("`", ""), description: finding.code, finding }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage("Supercargo: there is nothing to explain, the gate has no findings");
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { title: "Explain a finding", matchOnDescription: true }))?.finding;
}

/** Shows the hover of the dependency at the caret, or of the finding that is given or picked. */
export async function showWhy(session: Session, node: Node | undefined): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const atDependency = !node && editor?.document.uri.path.endsWith("/Cargo.toml");
  if (!atDependency) {
    const finding = node?.kind === "finding" ? node.finding : await pick(session);
    const place = node?.kind === "place" ? node.place : finding?.places[0];
    if (!place) return;
    const { start } = place.diagnostic.range;
    await vscode.window.showTextDocument(place.uri, { selection: new vscode.Range(start, start) });
  }
  await vscode.commands.executeCommand("editor.action.showHover");
}
