// The view "Supply Chain": workspaces, groups of a comparison, checks, findings, locations and dependency paths.

import * as vscode from "vscode";
import { CHECKS, count, countText, label, type Check, type Finding, type FindingLocation, type WorkspaceFindings } from "./findings";
import type { Group } from "./protocol";
import type { Session } from "./session";
import { lastChecks } from "./status";

export type Node =
  | { kind: "workspace"; workspace: WorkspaceFindings }
  | { kind: "group"; workspace: WorkspaceFindings; group: Group; findings: Finding[] }
  | { kind: "check"; id: string; workspace: WorkspaceFindings; check: Check; findings: Finding[] }
  | { kind: "finding"; finding: Finding }
  | { kind: "location"; finding: Finding; location: FindingLocation }
  | { kind: "step"; location: FindingLocation; at: number }
  | { kind: "note"; icon: string; text: string; link?: vscode.Uri };

const TITLES: Record<Check, string> = { advisories: "Advisories", licenses: "Licenses", bans: "Bans", sources: "Sources", other: "Policy and workspace" };
const ICONS: Record<Check, string> = { advisories: "bug", licenses: "law", bans: "circle-slash", sources: "repo", other: "settings-gear" };

/** The groups of a comparison in the order in which they are shown. */
const GROUPS: Group[] = ["new", "policy-loosened", "already-there"];
const GROUP_ITEMS: Record<Group, { title: string; icon: string; state: vscode.TreeItemCollapsibleState }> = {
  new: { title: "New", icon: "add", state: vscode.TreeItemCollapsibleState.Expanded },
  "policy-loosened": { title: "Hidden", icon: "eye-closed", state: vscode.TreeItemCollapsibleState.Expanded },
  "already-there": { title: "Already there", icon: "history", state: vscode.TreeItemCollapsibleState.Collapsed },
};

/** After so many milliseconds without a request for items, VS Code has read them. */
const READ_PAUSE = 250;

export class SupplyChain implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;
  private readonly subscription: vscode.Disposable;
  private pending: NodeJS.Timeout | undefined;
  /** When VS Code has last asked for items, in milliseconds. */
  private lastRead = 0;

  constructor(private readonly session: Session) {
    this.view = vscode.window.createTreeView("supercargo.supplyChain", { treeDataProvider: this, showCollapseAll: true });
    this.subscription = session.onDidChange(() => this.refresh());
    this.refresh();
  }

  dispose(): void {
    clearTimeout(this.pending);
    for (const one of [this.subscription, this.view, this.changed]) one.dispose();
  }

  /** Updates the view once for all changes within 50 ms, and not while VS Code reads the items: it would mix those of both updates. */
  private refresh(): void {
    if (this.pending) return;
    this.pending = setTimeout(() => {
      this.pending = undefined;
      if (Date.now() - this.lastRead < READ_PAUSE) {
        this.refresh();
        return;
      }
      const { errors } = count(this.session.workspaces().flatMap(({ findings }) => findings));
      this.view.badge = errors ? { value: errors, tooltip: countText({ errors, warnings: 0 }) } : undefined;
      void vscode.commands.executeCommand("setContext", "supercargo.noServer", this.session.health === "stopped");
      this.changed.fire();
    }, 50);
  }

  getChildren(node?: Node): Node[] {
    this.lastRead = Date.now();
    switch (node?.kind) {
      case undefined:
        return this.session.workspaces().map((workspace) => ({ kind: "workspace", workspace }));
      case "workspace":
        return groups(node.workspace) ?? checks(node.workspace);
      case "group":
        return checksOf(node);
      case "check":
        return node.findings.map((finding) => ({ kind: "finding", finding }));
      case "finding":
        return findingChildren(node.finding);
      case "location":
        return locationChildren(node.location);
      default:
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return item(node);
  }
}

/** The groups of a comparison with a base; `undefined` without one. */
function groups(workspace: WorkspaceFindings): Node[] | undefined {
  if (!workspace.status?.comparison?.counts) return undefined;
  const of = (group: Group) => workspace.findings.filter((one) => (one.group ?? "new") === group);
  const all = GROUPS.map((group): Node & { kind: "group" } => ({ kind: "group", workspace, group, findings: of(group) }));
  // Without new findings the group says so.
  return all.filter(({ group, findings }) => findings.length || group === "new");
}

/** The checks of a group that have findings. */
function checksOf({ workspace, group, findings }: Node & { kind: "group" }): Node[] {
  const all = CHECKS.map((check): Node & { kind: "check" } => ({
    kind: "check",
    id: `${workspace.folder}#${group}#${check}`,
    workspace,
    check,
    findings: findings.filter((one) => one.check === check),
  }));
  return all.filter(({ findings }) => findings.length);
}

function checks(workspace: WorkspaceFindings): Node[] {
  const nodes: Node[] = [];
  for (const check of CHECKS) {
    const findings = workspace.findings.filter((one) => one.check === check);
    // A check without findings is shown if it has run.
    if (findings.length || (counts(workspace)?.[check] && check !== "other")) nodes.push({ kind: "check", id: `${workspace.folder}#${check}`, workspace, check, findings });
  }
  return nodes;
}

function counts({ status }: WorkspaceFindings) {
  return status && lastChecks(status);
}

function findingChildren(finding: Finding): Node[] {
  const [first, ...others] = finding.locations;
  const nodes = locationChildren(first);
  nodes.push(...others.map((location): Node => ({ kind: "location", finding, location })));
  if (finding.remedy) nodes.unshift({ kind: "note", icon: "lightbulb", text: finding.remedy });
  if (finding.link) nodes.push({ kind: "note", icon: "link-external", text: finding.code, link: finding.link });
  return nodes;
}

function locationChildren(location: FindingLocation): Node[] {
  // The path of a direct dependency says nothing new.
  const nodes: Node[] = location.path.length > 2 ? location.path.map((_, at) => ({ kind: "step", location, at })) : [];
  const { otherPaths } = location;
  if (otherPaths) nodes.push({ kind: "note", icon: "ellipsis", text: `and ${otherPaths} other path${otherPaths === 1 ? "" : "s"}` });
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
      shown.description = status?.text ?? countText(count(findings));
      shown.tooltip = folder.fsPath;
      shown.contextValue = "workspace";
      return shown;
    }
    case "group": {
      const { group, findings, workspace } = node;
      const { title, icon, state } = GROUP_ITEMS[group];
      const shown = new vscode.TreeItem(title, findings.length ? state : None);
      shown.id = `${workspace.folder}#${group}`;
      shown.iconPath = new vscode.ThemeIcon(findings.length ? icon : "pass");
      const base = workspace.status?.comparison?.base;
      const numbers = countText(count(findings)) || (findings.length ? String(findings.length) : "none");
      const more = { new: ` since ${base}`, "policy-loosened": " by changes of the policy", "already-there": "" };
      shown.description = numbers + more[group];
      shown.contextValue = "group";
      return shown;
    }
    case "check": {
      const { check, findings, workspace, id } = node;
      const shown = new vscode.TreeItem(TITLES[check], findings.length ? Expanded : None);
      shown.id = id;
      shown.iconPath = findings.length ? new vscode.ThemeIcon(ICONS[check]) : new vscode.ThemeIcon("pass", new vscode.ThemeColor("testing.iconPassed"));
      // The counts of the gate: settings may hide some of its findings.
      const ofGate = workspace.status?.comparison?.counts ? undefined : counts(workspace)?.[check];
      shown.description = countText(ofGate ?? count(findings)) || (findings.length ? String(findings.length) : workspace.status?.state === "failed" ? "not checked" : "ok");
      shown.contextValue = "check";
      return shown;
    }
    case "finding": {
      const { finding } = node;
      const [first] = finding.locations;
      const children = findingChildren(finding).length;
      const { name, rest } = label(finding);
      const shown = new vscode.TreeItem(name, children ? Collapsed : None);
      shown.iconPath = severityIcon(finding.severity);
      shown.description = rest || fileAndLine(first);
      shown.tooltip = tooltip(finding);
      shown.command = openCommand(first);
      // Parts of the conditions for its commands.
      shown.contextValue = ["finding", ...(finding.link ? ["linked"] : []), ...(finding.package ? ["packaged"] : [])].join(" ");
      return shown;
    }
    case "location": {
      const { location } = node;
      const shown = new vscode.TreeItem(fileAndLine(location), locationChildren(location).length ? Collapsed : None);
      shown.iconPath = new vscode.ThemeIcon("location");
      shown.description = plain(location.note ?? location.path.slice(1).join(" → "));
      shown.command = openCommand(location);
      shown.contextValue = "location";
      return shown;
    }
    case "step": {
      const shown = new vscode.TreeItem(node.location.path[node.at], None);
      shown.iconPath = new vscode.ThemeIcon(node.at === 0 ? "package" : node.at === node.location.path.length - 1 ? "target" : "arrow-small-down");
      shown.description = node.at === 1 ? "direct dependency" : undefined;
      shown.command = openCommand(node.location);
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

function fileAndLine({ uri, range }: FindingLocation): string {
  return `${uri.path.split("/").pop()}:${range.start.line + 1}`;
}

function openCommand({ uri, range }: FindingLocation): vscode.Command {
  return { title: "Open", command: "vscode.open", arguments: [uri, { selection: range, preserveFocus: true }] };
}

function tooltip(finding: Finding): vscode.MarkdownString {
  const text = new vscode.MarkdownString().appendText(plain(finding.message));
  text.appendMarkdown("\n\n").appendText(fileAndLine(finding.locations[0]));
  if (finding.remedy) text.appendMarkdown("\n\n").appendText(plain(finding.remedy));
  return text;
}

function plain(text: string): string {
  return text.replaceAll("`", "");
}
