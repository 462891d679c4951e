// The view "Supply chain": workspaces, checks, findings, places and the paths that lead to them.

import * as vscode from "vscode";
import { CHECKS, count, counted, subject, type Check, type Finding, type Place, type Workspace } from "./findings";
import type { Status } from "./protocol";
import type { Session } from "./session";
import { lastChecks, total } from "./status";

export type Node =
  | { kind: "workspace"; workspace: Workspace }
  | { kind: "check"; workspace: Workspace; check: Check; findings: Finding[] }
  | { kind: "finding"; finding: Finding }
  | { kind: "place"; finding: Finding; place: Place }
  | { kind: "step"; place: Place; at: number }
  | { kind: "note"; icon: string; text: string; link?: vscode.Uri };

const TITLES: Record<Check, string> = { advisories: "Advisories", licenses: "Licenses", bans: "Bans", sources: "Sources", other: "Policy and workspace" };
const ICONS: Record<Check, string> = { advisories: "bug", licenses: "law", bans: "circle-slash", sources: "repo", other: "settings-gear" };

export class SupplyChain implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;
  private readonly subscription: vscode.Disposable;
  private pending: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {
    this.view = vscode.window.createTreeView("supercargo.supplyChain", { treeDataProvider: this, showCollapseAll: true });
    this.subscription = session.onDidChange(() => this.refresh());
    this.refresh();
  }

  dispose(): void {
    clearTimeout(this.pending);
    for (const one of [this.subscription, this.view, this.changed]) one.dispose();
  }

  /** Once for what comes in one breath. */
  private refresh(): void {
    if (this.pending) return;
    this.pending = setTimeout(() => {
      this.pending = undefined;
      const { errors } = count(this.session.workspaces().flatMap(({ findings }) => findings));
      this.view.badge = errors ? { value: errors, tooltip: counted({ errors, warnings: 0 }) } : undefined;
      void vscode.commands.executeCommand("setContext", "supercargo.noServer", this.session.health === "stopped");
      this.changed.fire();
    }, 50);
  }

  getChildren(node?: Node): Node[] {
    switch (node?.kind) {
      case undefined:
        return this.session.workspaces().map((workspace) => ({ kind: "workspace", workspace }));
      case "workspace":
        return checks(node.workspace);
      case "check":
        return node.findings.map((finding) => ({ kind: "finding", finding }));
      case "finding":
        return ofFinding(node.finding);
      case "place":
        return ofPlace(node.place);
      default:
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return item(node);
  }
}

function checks(workspace: Workspace): Node[] {
  const nodes: Node[] = [];
  for (const check of CHECKS) {
    const findings = workspace.findings.filter((one) => one.check === check);
    // The four checks of cargo-deny are always told; what else there is, only when there is some.
    if (findings.length || (known(workspace)?.[check] && check !== "other")) nodes.push({ kind: "check", workspace, check, findings });
  }
  return nodes;
}

/** What the checks have found, as far as anything was judged. */
function known({ status }: Workspace): Status["checks"] | undefined {
  return status && lastChecks(status);
}

/** The word where nothing is found: what could not be judged is not clean. */
function clean({ status }: Workspace): string {
  return status?.state === "failed" ? "no verdict" : "clean";
}

function ofFinding(finding: Finding): Node[] {
  const nodes: Node[] = finding.places.length === 1 ? ofPlace(finding.places[0]) : finding.places.map((place) => ({ kind: "place", finding, place }));
  if (finding.remedy) nodes.unshift({ kind: "note", icon: "lightbulb", text: finding.remedy });
  if (finding.link) nodes.push({ kind: "note", icon: "link-external", text: finding.code, link: finding.link });
  return nodes;
}

function ofPlace(place: Place): Node[] {
  // What a member declares itself needs no path.
  const nodes: Node[] = place.path.length > 2 ? place.path.map((_, at) => ({ kind: "step", place, at })) : [];
  if (place.otherPaths) nodes.push({ kind: "note", icon: "ellipsis", text: `and ${place.otherPaths} other path${place.otherPaths === 1 ? "" : "s"}` });
  return nodes;
}

function item(node: Node): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  switch (node.kind) {
    case "workspace": {
      const { folder, findings, status } = node.workspace;
      const shown = new vscode.TreeItem(folder, Expanded);
      shown.id = folder.toString();
      shown.label = folder.path.split("/").filter(Boolean).pop() ?? folder.fsPath;
      shown.iconPath = new vscode.ThemeIcon("package");
      shown.description = status?.state === "resolving" ? "resolving" : counted(status ? total([status]) : count(findings)) || clean(node.workspace);
      shown.tooltip = folder.fsPath;
      shown.contextValue = "workspace";
      return shown;
    }
    case "check": {
      const { check, findings, workspace } = node;
      const shown = new vscode.TreeItem(TITLES[check], findings.length ? Expanded : None);
      shown.id = `${workspace.folder}#${check}`;
      shown.iconPath = findings.length ? new vscode.ThemeIcon(ICONS[check]) : new vscode.ThemeIcon("pass", new vscode.ThemeColor("testing.iconPassed"));
      // The gate counts what the editor shows once, as often as cargo-deny says it.
      shown.description = counted(known(workspace)?.[check] ?? count(findings)) || (findings.length ? String(findings.length) : clean(workspace));
      shown.contextValue = "check";
      return shown;
    }
    case "finding": {
      const { finding } = node;
      const [first] = finding.places;
      const children = ofFinding(finding).length;
      const { name, rest } = subject(finding);
      const shown = new vscode.TreeItem(name, children ? Collapsed : None);
      shown.iconPath = severityIcon(finding.severity);
      shown.description = rest || where(first);
      shown.tooltip = tooltip(finding);
      shown.command = open(first);
      shown.contextValue = finding.link ? "finding linked" : "finding";
      return shown;
    }
    case "place": {
      const { place } = node;
      const shown = new vscode.TreeItem(where(place), ofPlace(place).length ? Collapsed : None);
      shown.iconPath = new vscode.ThemeIcon("location");
      shown.description = place.path.slice(1).join(" → ");
      shown.command = open(place);
      shown.contextValue = "place";
      return shown;
    }
    case "step": {
      const shown = new vscode.TreeItem(node.place.path[node.at], None);
      shown.iconPath = new vscode.ThemeIcon(node.at === 0 ? "package" : node.at === node.place.path.length - 1 ? "target" : "arrow-small-down");
      shown.description = node.at === 1 ? "declared here" : undefined;
      shown.command = open(node.place);
      return shown;
    }
    case "note": {
      const shown = new vscode.TreeItem(node.text, None);
      shown.iconPath = new vscode.ThemeIcon(node.icon);
      if (node.link) shown.command = { title: "Open", command: "vscode.open", arguments: [node.link] };
      return shown;
    }
  }
}

function severityIcon(severity: vscode.DiagnosticSeverity): vscode.ThemeIcon {
  const [icon, color] = [
    ["error", "problemsErrorIcon.foreground"],
    ["warning", "problemsWarningIcon.foreground"],
    ["info", "problemsInfoIcon.foreground"],
    ["lightbulb", undefined],
  ][severity] as [string, string | undefined];
  return new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
}

function where({ uri, diagnostic }: Place): string {
  return `${uri.path.split("/").pop()}:${diagnostic.range.start.line + 1}`;
}

function open({ uri, diagnostic }: Place): vscode.Command {
  return { title: "Open", command: "vscode.open", arguments: [uri, { selection: diagnostic.range, preserveFocus: true }] };
}

function tooltip(finding: Finding): vscode.MarkdownString {
  const text = new vscode.MarkdownString().appendText(plain(finding.message));
  text.appendMarkdown("\n\n").appendText(finding.places.map(where).join(", "));
  if (finding.remedy) text.appendMarkdown("\n\n").appendText(plain(finding.remedy));
  return text;
}

function plain(text: string): string {
  return text.replaceAll("`", "");
}
