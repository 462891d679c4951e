// The status bar item: the text that the server sends, with an icon and a tooltip.

import * as vscode from "vscode";
import { countText, nearestAbove } from "./findings";
import type { Comparison, Status } from "./protocol";
import type { Session } from "./session";

const DAY = 24 * 60 * 60_000;
/** An advisory database that is older than this gets an icon. */
const OLD_DAYS = 7;

export class StatusBar implements vscode.Disposable {
  readonly item = vscode.window.createStatusBarItem("supercargo.gate", vscode.StatusBarAlignment.Left, 40);
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly session: Session) {
    this.item.name = "Supercargo";
    this.update();
    const update = () => this.update();
    this.subscriptions = [session.onDidChange(update), vscode.window.onDidChangeActiveTextEditor(update)];
  }

  dispose(): void {
    for (const one of [...this.subscriptions, this.item]) one.dispose();
  }

  private update(): void {
    const { text, tooltip, command, isAlarming } = content(this.session);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.command = command;
    this.item.backgroundColor = isAlarming ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.item.accessibilityInformation = { label: text.replace(/\$\([^)]*\)\s*/g, "") };
    this.item.show();
  }
}

interface Content {
  text: string;
  tooltip: vscode.MarkdownString;
  command: string;
  isAlarming?: boolean;
}

function content(session: Session): Content {
  const tooltip = new vscode.MarkdownString("", true);
  tooltip.isTrusted = { enabledCommands: ["supercargo.showLog", "supercargo.restart", "supercargo.updateDatabase", "supercargo.compareWithBase"] };
  if (session.failure) {
    tooltip.appendText(session.failure);
    tooltip.appendMarkdown("\n\n[Restart](command:supercargo.restart) · [Show Log](command:supercargo.showLog)");
    return { text: "$(warning) supercargo: not running", tooltip, command: "supercargo.showLog", isAlarming: true };
  }
  const statuses = session.statuses();
  const status = current(statuses);
  if (!status) {
    const isStarting = session.health === "starting";
    tooltip.appendText(isStarting ? "The server is starting" : "Open a `Cargo.toml` or a `deny.toml`");
    return { text: isStarting ? "$(sync~spin) supercargo" : "$(shield) supercargo", tooltip, command: "supercargo.showFindings" };
  }
  for (const one of statuses) describe(one, tooltip);
  if (session.versionWarning) tooltip.appendMarkdown("\n\n$(warning) ").appendText(session.versionWarning);
  tooltip.appendMarkdown(
    "\n\n[Compare with Base…](command:supercargo.compareWithBase) · [Update Advisory Database](command:supercargo.updateDatabase) · [Show Log](command:supercargo.showLog)",
  );
  const old = (databaseAge(status) ?? 0) > OLD_DAYS ? " $(history)" : "";
  const isAlarming = status.state === "failed" && !lastChecks(status);
  return { text: `${icon(status)} supercargo: ${status.text}${old}`, tooltip, command: "supercargo.showFindings", isAlarming };
}

/** The status of the active file's workspace, else the worst of all workspaces. */
function current(statuses: Status[]): Status | undefined {
  const file = vscode.window.activeTextEditor?.document.uri;
  const nearest = nearestAbove(statuses, file, ({ workspace }) => vscode.Uri.parse(workspace));
  const rank = (status: Status) => (lastChecks(status) ? total(status).errors : status.state === "failed" ? Number.MAX_SAFE_INTEGER : 0);
  return nearest ?? [...statuses].sort((a, b) => rank(b) - rank(a))[0];
}

function icon(status: Status): string {
  if (status.brokenPolicy) return "$(edit)";
  if (status.state === "failed") return "$(warning)";
  if (status.state === "untrusted") return "$(workspace-untrusted)";
  if (status.state !== "exact") return "$(sync~spin)";
  return total(status).errors ? "$(error)" : "$(pass)";
}

/** The counts of each check, from before if the policy is broken now; `undefined` if there are none. */
export function lastChecks(status: Status): Status["checks"] | undefined {
  return [status.checks, status.brokenPolicy?.checksBefore ?? {}].find((checks) => Object.keys(checks).length > 0);
}

function total(status: Status): { errors: number; warnings: number } {
  const counts = Object.values(lastChecks(status) ?? {});
  return {
    errors: counts.reduce((sum, { errors }) => sum + errors, 0),
    warnings: counts.reduce((sum, { warnings }) => sum + warnings, 0),
  };
}

function describe(status: Status, tooltip: vscode.MarkdownString): void {
  const folder = vscode.workspace.asRelativePath(vscode.Uri.parse(status.workspace));
  if (tooltip.value) tooltip.appendMarkdown("\n\n---\n\n");
  tooltip.appendMarkdown("**").appendText(folder).appendMarkdown("**: ").appendText(status.text).appendMarkdown("\n\n");
  if (status.message) tooltip.appendText(status.message).appendMarkdown("\n\n");
  for (const [check, counts] of Object.entries(lastChecks(status) ?? {})) {
    const symbol = counts.errors ? "$(error)" : counts.warnings ? "$(warning)" : "$(pass)";
    tooltip.appendMarkdown(`${symbol} ${check}: ${countText(counts) || "ok"}  \n`);
  }
  const uncounted = status.uncounted && countText(status.uncounted);
  if (uncounted) tooltip.appendMarkdown(`$(info) ${uncounted}, not counted by cargo-deny  \n`);
  if (status.comparison) describeComparison(status.comparison, tooltip);
  const days = databaseAge(status);
  if (days !== undefined) {
    const age = days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
    tooltip.appendMarkdown(`\n$(database) advisory database fetched ${status.database?.date} (${age})\n`);
  } else if (status.database) {
    tooltip.appendMarkdown("\n$(database) advisory database: a plain folder\n");
  } else if (status.state === "exact" || (status.state === "failed" && !status.brokenPolicy)) {
    tooltip.appendMarkdown("\n$(database) no advisory database\n");
  }
}

function describeComparison({ text, counts, message }: Comparison, tooltip: vscode.MarkdownString): void {
  tooltip.appendMarkdown("\n$(git-compare) ").appendText(counts ? `since ${counts.base}` : text).appendMarkdown("  \n");
  if (message) tooltip.appendText(message).appendMarkdown("\n");
  if (!counts) return;
  const lines = [
    ["add", "new", counts.new],
    ["eye-closed", "hidden by changes of the policy", counts.policyLoosened],
    ["check", "fixed", counts.fixed],
    ["history", "already there", counts.alreadyThere],
  ] as const;
  for (const [icon, what, numbers] of lines) tooltip.appendMarkdown(`$(${icon}) ${what}: ${countText(numbers) || "none"}  \n`);
}

/** The age of the advisory database in days. */
function databaseAge(status: Status): number | undefined {
  const date = status.database?.date;
  return date ? Math.floor((Date.now() - Date.parse(date)) / DAY) : undefined;
}
