// Activates the extension: creates its parts and registers its commands.

import * as vscode from "vscode";
import { checkWorkspace, createPolicy, updateDatabase } from "./commands/check";
import { compareWithBase } from "./commands/compare";
import { explain, ExplanationPages, showDependencyGraph, showDependencyPath } from "./commands/explain";
import { fixAll, fixFinding } from "./commands/fix";
import { copyReport, report } from "./commands/report";
import type { Status } from "./protocol";
import { userSetting } from "./server";
import { Session } from "./session";
import { StatusBar } from "./status";
import { SupplyChain, type Node } from "./view";
import { WhyGraphs } from "./why";

/** Set by the first line of the bundle. */
declare const supercargoLoaded: NodeJS.CpuUsage;

/** For tests. */
export interface Api {
  /** Milliseconds of processor time for evaluating the bundle and for `activate`. */
  activation: number;
  session: Session;
  statuses(): Status[];
  statusBar: vscode.StatusBarItem;
  supplyChain: SupplyChain;
  whyGraphs: WhyGraphs;
  report(): string;
}

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const start = process.cpuUsage();
  const log = vscode.window.createOutputChannel("Supercargo", { log: true });
  const current = new Session(context, log);
  session = current;
  const statusBar = new StatusBar(current);
  const supplyChain = new SupplyChain(current);
  const pages = new ExplanationPages();
  const whyGraphs = new WhyGraphs(current);
  context.subscriptions.push(log, current, statusBar, supplyChain, whyGraphs, pages.register());

  const commands: Record<string, (node?: Node) => unknown> = {
    compareWithBase: (revision?: unknown) => compareWithBase(current, typeof revision === "string" ? revision : undefined),
    checkWorkspace: () => checkWorkspace(current),
    fixAll: () => fixAll(current),
    fixFinding,
    updateDatabase: () => updateDatabase(current),
    explain: (node) => explain(current, pages, node),
    showWhy: (node) => showDependencyPath(current, node),
    showWhyGraph: (subject?: unknown) => showDependencyGraph(current, whyGraphs, subject as Node | string | undefined),
    openAdvisory: (node) => node?.kind === "finding" && node.finding.link && vscode.env.openExternal(node.finding.link),
    createPolicy: () => createPolicy(current),
    showFindings: () => vscode.commands.executeCommand("workbench.actions.view.problems"),
    restart: () => current.restart(),
    showLog: () => log.show(),
    copyReport: () => copyReport(current),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`supercargo.${name}`, run));
  }
  let before = programs();
  context.subscriptions.push(
    vscode.workspace.onDidGrantWorkspaceTrust(() => current.trustGranted()),
    // The server reads these settings at startup only.
    vscode.workspace.onDidChangeConfiguration(() => {
      const now = programs();
      if (now !== before) void current.restart();
      before = now;
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (["base", "mergeBase"].some((name) => change.affectsConfiguration(`supercargo.${name}`))) current.forgetBase();
    }),
  );

  // Activation does not wait for the server.
  setImmediate(() => void current.start());
  return {
    activation: evaluation + millisecondsSince(start),
    session: current,
    statuses: () => current.statuses(),
    statusBar: statusBar.item,
    supplyChain,
    whyGraphs,
    report: () => report(current),
  };
}

function programs(): string {
  return JSON.stringify([userSetting("server.path"), userSetting("cargo")]);
}

export function deactivate(): Promise<void> | undefined {
  return session?.stop();
}

/** Milliseconds of processor time; unlike the time of a clock, it does not depend on what else runs. */
function millisecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Milliseconds for evaluating the bundle; this is its last line. */
const evaluation = millisecondsSince(supercargoLoaded);
