// The extension: what VS Code starts, and what each part is connected to.

import * as vscode from "vscode";
import { checkWorkspace, createPolicy, updateDatabase } from "./commands/check";
import { explain, Pages, showWhy } from "./commands/explain";
import { fixAll, fixFinding } from "./commands/fix";
import { copyReport, report } from "./commands/report";
import type { Status } from "./protocol";
import { chosenProgram } from "./server";
import { Session } from "./session";
import { StatusBar } from "./status";
import { SupplyChain, type Node } from "./view";

/** Set by the first line of the bundle. */
declare const supercargoLoaded: number;

/** For tests. */
export interface Api {
  /** Milliseconds that the bundle took to be read and `activate` to answer; what VS Code did in between is not ours. */
  activation: number;
  session: Session;
  gates(): Status[];
  statusBar: vscode.StatusBarItem;
  supplyChain: SupplyChain;
  report(): string;
}

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const start = performance.now();
  const log = vscode.window.createOutputChannel("Supercargo", { log: true });
  const running = new Session(context, log);
  session = running;
  const statusBar = new StatusBar(running);
  const supplyChain = new SupplyChain(running);
  const pages = new Pages();
  context.subscriptions.push(log, running, statusBar, supplyChain, pages.register());

  const commands: Record<string, (node?: Node) => unknown> = {
    checkWorkspace: () => checkWorkspace(running),
    fixAll: () => fixAll(running),
    fixFinding,
    updateDatabase: () => updateDatabase(running),
    explain: (node) => explain(running, pages, node),
    showWhy: (node) => showWhy(running, node),
    openAdvisory: (node) => node?.kind === "finding" && node.finding.link && vscode.env.openExternal(node.finding.link),
    createPolicy: () => createPolicy(running),
    showFindings: () => vscode.commands.executeCommand("workbench.actions.view.problems"),
    restart: () => running.restart(),
    showLog: () => log.show(),
    copyReport: () => copyReport(running),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`supercargo.${name}`, run));
  }
  let named = programs();
  context.subscriptions.push(
    vscode.workspace.onDidGrantWorkspaceTrust(() => running.trustGranted()),
    // Programs are named at the start only. A workspace that names one is not listened to.
    vscode.workspace.onDidChangeConfiguration(() => {
      const now = programs();
      if (now !== named) void running.restart();
      named = now;
    }),
  );

  // The editor does not wait for the server.
  setImmediate(() => void running.start());
  return {
    activation: reading + performance.now() - start,
    session: running,
    gates: () => running.gates(),
    statusBar: statusBar.item,
    supplyChain,
    report: () => report(running),
  };
}

function programs(): string {
  return JSON.stringify([chosenProgram("server.path"), chosenProgram("cargo")]);
}

export function deactivate(): Promise<void> | undefined {
  return session?.stop();
}

/** The last line of the bundle's own code. */
const reading = performance.now() - supercargoLoaded;
