// Explains a finding, and shows the dependency path or the dependency graph of a package.

import * as vscode from "vscode";
import type { Finding } from "../findings";
import type { Session } from "../session";
import type { Node } from "../view";
import type { WhyGraphs } from "../why";
import { output } from "./run";

const SCHEME = "supercargo-explain";

/** The Markdown pages that `explain` opens. */
export class ExplanationPages implements vscode.TextDocumentContentProvider {
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

/** Explains a finding: with `supercargo explain`, or with the hover if no program may run or the code is unknown. */
export async function explain(session: Session, pages: ExplanationPages, node: Node | undefined): Promise<void> {
  const finding = node?.kind === "finding" ? node.finding : await pick(session);
  if (!finding) return;
  const path = vscode.workspace.isTrusted ? session.server?.program : undefined;
  if (path && finding.code) {
    const { code, out } = await output(path, ["explain", finding.code]);
    if (code === 0) return pages.show(finding.code, out);
  }
  const { uri, range } = finding.locations[0];
  const text = await hover(uri, range.start);
  await pages.show(finding.code || "finding", `# ${finding.message}\n\n${text || finding.remedy || ""}\n`);
}

async function hover(uri: vscode.Uri, position: vscode.Position): Promise<string> {
  await vscode.workspace.openTextDocument(uri);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", uri, position);
  const parts = (hovers ?? []).flatMap(({ contents }) => contents).map((one) => (typeof one === "string" ? one : one.value));
  return parts.join("\n\n---\n\n");
}

/** The finding at the cursor, else the one that the user picks. */
async function pick(session: Session): Promise<Finding | undefined> {
  const all = session.workspaces().flatMap(({ findings }) => findings);
  const editor = vscode.window.activeTextEditor;
  const here = all.filter(({ locations }) =>
    locations.some(({ uri, range }) => uri.toString() === editor?.document.uri.toString() && range.start.line === editor.selection.active.line),
  );
  if (here.length === 1) return here[0];
  const items = (here.length ? here : all).map((finding) => ({ label: finding.message.replaceAll("`", ""), description: finding.code, finding }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage("Supercargo: no findings");
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { title: "Explain finding", matchOnDescription: true }))?.finding;
}

/** Shows the hover of the dependency at the cursor, or of the given or picked finding. */
export async function showDependencyPath(session: Session, node: Node | undefined): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const atDependency = !node && editor?.document.uri.path.endsWith("/Cargo.toml");
  if (!atDependency) {
    const finding = node?.kind === "finding" ? node.finding : await pick(session);
    const location = node?.kind === "location" ? node.location : finding?.locations[0];
    if (!location) return;
    const { start } = location.range;
    await vscode.window.showTextDocument(location.uri, { selection: new vscode.Range(start, start) });
  }
  await vscode.commands.executeCommand("editor.action.showHover");
}

/** Shows the dependency graph with an address, of a finding, or of what is at the cursor; else of the finding that the user picks. */
export async function showDependencyGraph(session: Session, graphs: WhyGraphs, subject: Node | string | undefined): Promise<void> {
  if (typeof subject === "string") return graphs.show({ uri: subject });
  const editor = vscode.window.activeTextEditor;
  const isNode = subject?.kind === "finding" || subject?.kind === "location";
  if (!isNode && editor && /\/(Cargo|\.?deny|\.?deny\.exceptions)\.toml$/.test(editor.document.uri.path)) {
    const { line, character } = editor.selection.active;
    const textDocument = { uri: editor.document.uri.toString() };
    return graphs.show({ textDocument, position: { line, character } });
  }
  const finding = isNode ? subject.finding : await pick(session);
  if (finding?.id) await graphs.show({ finding: finding.id });
}
