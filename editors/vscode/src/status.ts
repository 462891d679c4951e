// The gate in the status bar.

import * as vscode from "vscode";
import { counted } from "./findings";
import type { Status } from "./protocol";
import type { Session } from "./session";

const DAY = 24 * 60 * 60_000;
/** A database that is older is worth a word. */
const OLD = 7;

export class StatusBar implements vscode.Disposable {
  readonly item = vscode.window.createStatusBarItem("supercargo.gate", vscode.StatusBarAlignment.Left, 40);

  constructor(private readonly session: Session) {
    this.item.name = "Supercargo: the gate";
    this.show();
    session.onDidChange(() => this.show());
  }

  dispose(): void {
    this.item.dispose();
  }

  private show(): void {
    const { text, tooltip, command, alarming } = shown(this.session);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.command = command;
    this.item.backgroundColor = alarming ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.item.accessibilityInformation = { label: text.replace(/\$\([^)]*\)\s*/g, "") };
    this.item.show();
  }
}

interface Shown {
  text: string;
  tooltip: vscode.MarkdownString;
  command: string;
  alarming?: boolean;
}

function shown(session: Session): Shown {
  const tooltip = new vscode.MarkdownString("", true);
  tooltip.isTrusted = { enabledCommands: ["supercargo.showLog", "supercargo.restart", "supercargo.updateDatabase", "workbench.trust.manage"] };
  const gates = session.gates();
  if (session.trouble) {
    tooltip.appendText(session.trouble);
    tooltip.appendMarkdown("\n\n[Restart](command:supercargo.restart) · [Show log](command:supercargo.showLog)");
    return { text: "$(warning) gate: no server", tooltip, command: "supercargo.showLog", alarming: true };
  }
  if (session.health === "stopped") {
    tooltip.appendText("The server is stopped");
    return { text: "$(circle-slash) gate: stopped", tooltip, command: "supercargo.restart" };
  }
  if (gates.length === 0) {
    tooltip.appendText(session.health === "starting" ? "The server is starting" : "Waiting for a manifest or a policy");
    return { text: session.health === "starting" ? "$(sync~spin) gate" : "$(shield) gate", tooltip, command: "supercargo.showFindings" };
  }
  for (const gate of gates) describe(gate, tooltip);
  if (session.complaint) tooltip.appendMarkdown("\n\n$(warning) ").appendText(session.complaint);
  tooltip.appendMarkdown("\n\n[Update the advisory database](command:supercargo.updateDatabase) · [Show log](command:supercargo.showLog)");
  return { ...together(gates), tooltip, command: "supercargo.showFindings" };
}

/** One word for all gates: the worst, and whether more is to come. */
function together(gates: Status[]): { text: string; alarming?: boolean } {
  const all = total(gates);
  const words = counted(all);
  const some = (state: Status["state"]) => gates.some((gate) => gate.state === state);
  const old = gates.some((gate) => (age(gate) ?? 0) > OLD) ? " $(history)" : "";
  if (some("resolving") || some("provisional")) return { text: `$(sync~spin) gate: ${words || "resolving"}` };
  if (some("untrusted")) return { text: `$(workspace-untrusted) gate: ${words || "nothing seen"} (restricted)` };
  const broken = gates.find(({ brokenPolicy }) => brokenPolicy);
  // What was found before may hold no longer: it is never said to be clean.
  if (gates.some((gate) => gate.state === "failed" && !lastChecks(gate))) return { text: "$(warning) gate: no verdict", alarming: true };
  if (broken) return { text: `$(edit) gate: ${words ? `${words}, ` : ""}${where(broken)}` };
  if (all.errors) return { text: `$(error) gate: ${words}${old}` };
  return { text: `$(pass) gate: clean${words ? `, ${words}` : ""}${old}` };
}

/** Where the policy of a gate is broken. */
function where({ brokenPolicy }: Status): string {
  return brokenPolicy ? `${brokenPolicy.file.split("/").pop()} broken at line ${brokenPolicy.line}` : "";
}

/** What the checks have found: now, or before the policy was broken; `undefined` where nothing was judged. */
export function lastChecks(gate: Status): Status["checks"] | undefined {
  return [gate.checks, gate.brokenPolicy?.checksBefore ?? {}].find((checks) => Object.keys(checks).length > 0);
}

export function total(gates: Status[]): { errors: number; warnings: number } {
  const found = gates.flatMap((gate) => Object.values(lastChecks(gate) ?? {}));
  const sum = (pick: (one: { errors: number; warnings: number }) => number) => found.reduce((all, one) => all + pick(one), 0);
  return { errors: sum((one) => one.errors), warnings: sum((one) => one.warnings) };
}

const STATES: Record<Status["state"], string> = {
  resolving: "cargo resolves",
  provisional: "cargo resolves; what the files tell is shown",
  exact: "the verdict of cargo-deny",
  untrusted: "restricted mode: judged without starting anything",
  failed: "no verdict",
};

function describe(gate: Status, tooltip: vscode.MarkdownString): void {
  const folder = vscode.workspace.asRelativePath(vscode.Uri.parse(gate.workspace));
  if (tooltip.value) tooltip.appendMarkdown("\n\n---\n\n");
  tooltip.appendMarkdown("**").appendText(folder).appendMarkdown(`**: ${gate.brokenPolicy ? "no verdict" : STATES[gate.state]}\n\n`);
  if (gate.message) tooltip.appendText(gate.message).appendMarkdown("\n\n");
  if (gate.brokenPolicy) tooltip.appendText(`${where(gate)}${lastChecks(gate) ? "; found before:" : ""}`).appendMarkdown("\n\n");
  for (const [check, found] of Object.entries(lastChecks(gate) ?? {})) {
    const icon = found.errors ? "$(error)" : found.warnings ? "$(warning)" : "$(pass)";
    tooltip.appendMarkdown(`${icon} ${check}: ${counted(found) || "ok"}  \n`);
  }
  const days = age(gate);
  if (days !== undefined) {
    const words = days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
    tooltip.appendMarkdown(`\n$(database) advisories fetched ${gate.database?.date} (${words})\n`);
  } else if (gate.database) {
    tooltip.appendMarkdown("\n$(database) advisories of a folder\n");
  } else if (gate.state === "exact" || (gate.state === "failed" && !gate.brokenPolicy)) {
    tooltip.appendMarkdown("\n$(database) no advisory database was read\n");
  }
}

/** How many days old the advisories are. */
export function age(gate: Status, now = Date.now()): number | undefined {
  const date = gate.database?.date;
  return date ? Math.floor((now - Date.parse(date)) / DAY) : undefined;
}
