// The panels with dependency graphs: why packages are in the graph of a workspace.

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { WhyGraph, WhyGraphSubject } from "./protocol";
import { systemMessage } from "./server";
import type { Session } from "./session";

/** How long to wait for more changes before the panels are updated, in milliseconds. */
const PAUSE = 200;

/** What the page of a panel sends: the index of the clicked package, or a request for the text. */
type Message = number | "text";

interface Shown {
  panel: vscode.WebviewPanel;
  graph: WhyGraph;
  /** It has changed while the panel was hidden. */
  isOutdated: boolean;
}

export class WhyGraphs implements vscode.Disposable {
  /** By the address of the graph. */
  private readonly shown = new Map<string, Shown>();
  private readonly subscription: vscode.Disposable;
  private pending: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {
    this.subscription = session.onDidChange(() => this.changed());
  }

  dispose(): void {
    clearTimeout(this.pending);
    this.subscription.dispose();
    for (const { panel } of this.shown.values()) panel.dispose();
  }

  /** The open panels, for tests. */
  panels(): vscode.WebviewPanel[] {
    return [...this.shown.values()].map(({ panel }) => panel);
  }

  /** Shows a graph in its panel. */
  async show(subject: WhyGraphSubject): Promise<void> {
    let graph: WhyGraph | null;
    try {
      graph = await this.session.whyGraph(subject);
    } catch (error) {
      void vscode.window.showErrorMessage(`Supercargo: ${systemMessage(error)}`);
      return;
    }
    if (!graph) {
      void vscode.window.showInformationMessage("Supercargo: no package here; place the cursor on a dependency");
      return;
    }
    const known = this.shown.get(graph.uri);
    if (known) {
      update(known, graph);
      known.panel.reveal();
      return;
    }
    const column = vscode.ViewColumn.Active;
    const options = { enableScripts: true, enableFindWidget: true, localResourceRoots: [] };
    const panel = vscode.window.createWebviewPanel("supercargo.whyGraph", `Why ${graph.title}`, column, options);
    const shown: Shown = { panel, graph, isOutdated: false };
    this.shown.set(graph.uri, shown);
    panel.webview.html = page(graph);
    panel.webview.onDidReceiveMessage((message: Message) => open(shown.graph, message));
    panel.onDidChangeViewState(() => shown.isOutdated && panel.visible && void this.update(shown));
    panel.onDidDispose(() => this.shown.delete(shown.graph.uri));
  }

  private changed(): void {
    clearTimeout(this.pending);
    if (this.shown.size === 0) return;
    this.pending = setTimeout(() => {
      for (const shown of this.shown.values()) {
        if (shown.panel.visible) void this.update(shown);
        else shown.isOutdated = true;
      }
    }, PAUSE);
  }

  /** Shows the graph as it is now. Without one, the panel keeps the last. */
  private async update(shown: Shown): Promise<void> {
    shown.isOutdated = false;
    const graph = await this.session.whyGraph({ uri: shown.graph.uri }).catch(() => null);
    if (this.shown.get(shown.graph.uri) !== shown) return;
    shown.panel.title = graph ? `Why ${graph.title}` : `Why ${shown.graph.title} (outdated)`;
    if (graph) update(shown, graph);
  }
}

function update(shown: Shown, graph: WhyGraph): void {
  const isSame = shown.graph.html === graph.html;
  shown.graph = graph;
  // A page that is set again is scrolled to its start.
  if (!isSame) shown.panel.webview.html = page(graph);
}

/** Opens the line on which a package is declared, or the graph as text. */
async function open(graph: WhyGraph, message: Message): Promise<void> {
  if (message === "text") {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(graph.uri));
    await vscode.window.showTextDocument(document, vscode.ViewColumn.Active);
    return;
  }
  const location = graph.nodes[message];
  if (!location) return;
  const { start, end } = location.range;
  const selection = new vscode.Range(start.line, start.character, end.line, end.character);
  await vscode.window.showTextDocument(vscode.Uri.parse(location.uri), { selection, viewColumn: vscode.ViewColumn.Active });
}

/** The page of a graph. The server has escaped all names in its part. */
function page({ title, html }: WhyGraph): string {
  const nonce = randomBytes(16).toString("hex");
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(title)}</title><style nonce="${nonce}">${STYLE}</style></head>
<body><h1>Dependency graph of ${escaped(title)}</h1>
${html}
<p><a href="#text">Open as text</a></p>
<script nonce="${nonce}">${SCRIPT}</script></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const SCRIPT = `
const editor = acquireVsCodeApi();
document.addEventListener("click", (event) => {
  const address = event.target.closest("a")?.getAttribute("href");
  if (!address) return;
  event.preventDefault();
  const node = address.match(/^#node-(\\d+)$/);
  editor.postMessage(node ? Number(node[1]) : "text");
});
`;

// The drawing was laid out for the width of these monospaced fonts.
const STYLE = `
body { padding: 0 1.5rem 2rem; color: var(--vscode-foreground); background: var(--vscode-editor-background); font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); line-height: 1.5; overflow-wrap: anywhere; }
h1 { font-size: 1.4em; font-weight: 600; margin: 1rem 0; }
h2 { font-size: 1.1em; font-weight: 600; margin: 1.2rem 0 0.4rem; }
a { color: var(--vscode-textLink-foreground); }
:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
.note { color: var(--vscode-descriptionForeground); margin: 0.4rem 0; }
.list ul { margin: 0; padding-left: 1.2rem; font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.95em; }
.graph { overflow: auto; border: 1px solid var(--vscode-contrastBorder, var(--vscode-panel-border)); border-radius: 4px; }
svg { display: block; }
svg text { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; text-anchor: middle; fill: var(--vscode-editor-foreground); }
svg .p { font-size: 12px; }
svg .e { font-size: 10px; fill: var(--vscode-descriptionForeground); paint-order: stroke; stroke: var(--vscode-editor-background); stroke-width: 7px; stroke-linejoin: round; }
svg path { fill: none; stroke: var(--vscode-descriptionForeground); marker-end: url(#arrow); }
svg path.o { stroke-dasharray: 5 3; }
#arrow path { fill: var(--vscode-descriptionForeground); stroke: none; marker-end: none; }
svg rect { fill: var(--vscode-editorWidget-background); stroke: var(--vscode-descriptionForeground); }
svg rect.m { stroke: var(--vscode-editor-foreground); stroke-width: 2; }
svg rect.s { fill: var(--vscode-inputValidation-errorBackground, var(--vscode-editorWidget-background)); stroke: var(--vscode-editorError-foreground); stroke-width: 2; }
svg a text { fill: var(--vscode-textLink-foreground); }
svg a:hover text, svg a:focus-visible text { text-decoration: underline; }
svg a:focus-visible { outline: none; }
svg a:focus-visible rect { stroke: var(--vscode-focusBorder); stroke-width: 3; }
`;
