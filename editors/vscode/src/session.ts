// The running server: starts, stops and restarts it, and keeps what it has published.

import { once } from "node:events";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import * as vscode from "vscode";
// Loaded after activation, because the library is large.
import type { CloseHandlerResult, ErrorHandler, LanguageClient, LanguageClientOptions, StaticFeature } from "vscode-languageclient/node";
import { findingsByWorkspace, type WorkspaceFindings } from "./findings";
import {
  COMPARE_WITH_BASE,
  DID_CHANGE_TRUST,
  FILES,
  SHOW_WHY_GRAPH,
  SOURCE,
  STATUS,
  WHY_GRAPH,
  type Status,
  type WhyGraph,
  type WhyGraphSubject,
} from "./protocol";
import { PublishedDiagnostics } from "./published";
import { findServer, NoServer, startFailure, systemMessage, versionWarning, type Server } from "./server";
import { initializationOptions, serverSettings } from "./settings";

type Library = typeof import("vscode-languageclient/node");

export type Health = "starting" | "running" | "stopped";

/** How long the server may take to answer `initialize`, in milliseconds. */
const START_LIMIT = 30_000;

/** How long to wait for the end of a process whose start has failed, in milliseconds: its last line is the reason. */
const END_LIMIT = 5_000;

export class Session implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private readonly statusOfWorkspace = new Map<string, Status>();
  private readonly published = new PublishedDiagnostics();
  private readonly changed = new vscode.EventEmitter<void>();
  /** The last start or stop: the next one waits for it. */
  private lastAction: Promise<void> = Promise.resolve();
  /** Counts the crashes since the user has started the server. */
  private crashes: ErrorHandler | undefined;
  /** Whether a server should run: it is started again after a crash. */
  private isWanted = false;
  /** The base that the user has chosen by the command; empty for no comparison. A server that is started again gets it, too. */
  private chosenBase: string | undefined;
  /** The last line that the server wrote to standard error. */
  private lastLine: string | undefined;
  /** Resolves to true when the process has closed standard error, and to false if there is no process. */
  private processEnded: Promise<boolean> = Promise.resolve(false);

  /** Fires when findings, a status or the server's health have changed. */
  readonly onDidChange = this.changed.event;
  health: Health = "stopped";
  /** Why there is no server. */
  failure: string | undefined;
  /** Set if the running server does not fit this extension. */
  versionWarning: string | undefined;
  server: Server | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
  ) {}

  get version(): string {
    return this.context.extension.packageJSON.version;
  }

  get serverVersion(): string | undefined {
    return this.client?.initializeResult?.serverInfo?.version;
  }

  get capabilities() {
    return this.client?.initializeResult?.capabilities;
  }

  get pid(): number | undefined {
    return this.client?.serverProcess?.pid;
  }

  /** The status of each workspace. */
  statuses(): Status[] {
    return [...this.statusOfWorkspace.values()];
  }

  /** The findings of each workspace. */
  workspaces(): WorkspaceFindings[] {
    return findingsByWorkspace(this.statuses(), this.published.all());
  }

  start(): Promise<void> {
    this.isWanted = true;
    return this.enqueue(() => this.startNow());
  }

  restart(): Promise<void> {
    const stopping = this.stop();
    this.isWanted = true;
    this.crashes = undefined;
    return this.enqueue(async () => {
      await stopping;
      await this.startNow();
    });
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    const { client } = this;
    this.isWanted = false;
    this.client = undefined;
    this.setHealth("stopped");
    if (!client) return;
    const child = client.serverProcess;
    // A client that is still starting cannot be stopped.
    if (client.isRunning()) await client.stop(5_000).catch((error: unknown) => this.log.warn(`could not stop the server: ${systemMessage(error)}`));
    if (child?.exitCode === null && !child.signalCode) setTimeout(() => child.kill("SIGKILL"), 1_000).unref?.();
    await client.dispose().catch(() => {});
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
  }

  /** The user has granted workspace trust. */
  async trustGranted(): Promise<void> {
    if (this.client && this.health === "running") {
      await this.client.sendNotification(DID_CHANGE_TRUST, { trusted: true });
    }
  }

  /** Compares with a base until its setting changes; an empty one turns the comparison off. */
  async compareWith(revision: string): Promise<void> {
    this.chosenBase = revision;
    if (this.client && this.health === "running") await this.sendBase(this.client);
  }

  /** Why packages are in the graph; null if the subject is about no package. Fails with a sentence for the user. */
  async whyGraph(subject: WhyGraphSubject): Promise<WhyGraph | null> {
    if (!this.client || this.health !== "running") throw new Error("the server is not running");
    return this.client.sendRequest<WhyGraph | null>(WHY_GRAPH, subject);
  }

  /** The setting has changed, which counts again. */
  forgetBase(): void {
    this.chosenBase = undefined;
  }

  private async sendBase(client: LanguageClient): Promise<void> {
    if (this.chosenBase === undefined) return;
    try {
      await client.sendRequest("workspace/executeCommand", { command: COMPARE_WITH_BASE, arguments: [this.chosenBase] });
    } catch (error) {
      this.chosenBase = undefined;
      if (this.client === client) this.show("error", `could not compare with the base: ${systemMessage(error)}`, ["Show Log"]);
    }
  }

  private enqueue(action: () => Promise<void>): Promise<void> {
    this.lastAction = this.lastAction.then(action, action);
    return this.lastAction;
  }

  private async startNow(): Promise<void> {
    if (this.client) return;
    this.failure = undefined;
    this.versionWarning = undefined;
    this.setHealth("starting");
    try {
      this.server = findServer(this.context);
    } catch (error) {
      if (!(error instanceof NoServer)) throw error;
      this.fail(error.message, ["Copy Install Command", "Open Setting"]);
      return;
    }
    const { program, origin } = this.server;
    this.log.info(`supercargo ${this.version}: the server is ${program} (${origin})`);
    const library = await import("vscode-languageclient/node");
    // Not in a folder of the workspace, which is the library's default.
    const command = { command: program, args: ["lsp"], options: { cwd: homedir() } };
    const client: LanguageClient = new (withoutPopups(library))("supercargo", "Supercargo", command, this.options(library, () => client));
    this.client = client;
    client.registerFeature(linksToGraphs);
    client.onNotification(STATUS, (status: Status) => {
      if (this.client !== client) return;
      this.statusOfWorkspace.set(status.workspace, status);
      this.changed.fire();
    });
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      this.setHealth(newState === library.State.Running ? "running" : "starting");
    });
    this.lastLine = undefined;
    this.processEnded = Promise.resolve(false);
    try {
      await withLimit(client.start(), START_LIMIT);
    } catch (error) {
      // A request fails before or after its connection is closed: the first of both to see it handles the crash.
      const hasEnded = await Promise.race([this.processEnded, delay(END_LIMIT, false)]);
      if (this.client !== client) return;
      if (hasEnded && (client.initializeResult || this.crashes)) {
        await this.crashed(client);
        return;
      }
      const reason = this.lastLine ?? systemMessage(error);
      await this.stop();
      this.fail(startFailure(this.server, reason), origin === "setting" ? ["Open Setting", "Show Log"] : ["Show Log", "Restart"]);
      return;
    }
    if (this.client !== client) {
      // Stopped in the meantime.
      await client.dispose().catch(() => {});
      return;
    }
    this.versionWarning = versionWarning(this.version, this.serverVersion);
    void this.sendBase(client);
    this.changed.fire();
    if (this.versionWarning) this.show("warning", this.versionWarning, origin === "setting" ? ["Open Setting", "Show Log"] : ["Show Log"]);
  }

  private options(library: Library, client: () => LanguageClient): LanguageClientOptions {
    return {
      documentSelector: FILES.map((pattern) => ({ scheme: "file", pattern })),
      diagnosticCollectionName: SOURCE,
      outputChannel: this.log,
      initializationOptions,
      stdioOptions: { stdout: () => {}, stderr: (input) => this.logLines(input) },
      initializationFailedHandler: () => false,
      errorHandler: this.errorHandler(library, client),
      // Hovers lead to dependency graphs. The server escapes all other text.
      markdown: { isTrusted: { enabledCommands: [SHOW_WHY_GRAPH] }, supportHtml: false },
      middleware: {
        handleDiagnostics: (uri, diagnostics, next) => {
          next(uri, diagnostics);
          if (this.client !== client()) return;
          this.published.set(uri, diagnostics);
          this.changed.fire();
        },
        workspace: {
          // The server reports settings that it does not know.
          configuration: ({ items }) =>
            items.map(({ section, scopeUri }) =>
              section === "supercargo" ? serverSettings(scopeUri ? vscode.Uri.parse(scopeUri) : undefined) : null,
            ),
        },
      },
    };
  }

  /**
   * If no server has answered yet, none is started again: `startNow` reports the failure. Each start gets a new client: one that the
   * library starts again may end as "starting", if the server ends once more at that moment.
   */
  private errorHandler({ CloseAction, ErrorAction }: Library, client: () => LanguageClient): ErrorHandler {
    const closed = async (): Promise<CloseHandlerResult> => {
      if (client().initializeResult || this.crashes) await this.crashed(client());
      return { action: CloseAction.DoNotRestart, handled: true };
    };
    return { error: () => ({ action: ErrorAction.Continue, handled: true }), closed };
  }

  /** The server has ended unasked. Starts another one, unless too many have ended: the library's restart policy. */
  private async crashed(client: LanguageClient): Promise<void> {
    if (this.client !== client) return;
    this.client = undefined;
    const { CloseAction } = await import("vscode-languageclient/node");
    this.crashes ??= client.createDefaultErrorHandler();
    const { action, message } = await this.crashes.closed();
    if (!this.isWanted) return;
    if (action === CloseAction.DoNotRestart) {
      this.fail(message ?? "the server has crashed", ["Show Log", "Restart"]);
      return;
    }
    this.setHealth("starting");
    void this.enqueue(async () => {
      if (this.isWanted) await this.startNow();
    });
  }

  /** Writes the server's standard error to the log. */
  private logLines(input: NodeJS.ReadableStream): void {
    this.processEnded = once(input, "close").then(() => true, () => true);
    createInterface({ input, crlfDelay: Infinity }).on("line", (line) => {
      if (line.trim()) this.lastLine = line;
      const level = line.match(/\b(ERROR|WARN|INFO|DEBUG|TRACE)\b/)?.[1];
      const methods = { ERROR: "error", WARN: "warn", INFO: "info", DEBUG: "debug", TRACE: "trace" } as const;
      this.log[level ? methods[level as keyof typeof methods] : "error"](line);
    });
  }

  private setHealth(health: Health): void {
    this.health = health;
    if (health !== "running") {
      this.statusOfWorkspace.clear();
      this.published.clear();
    }
    this.changed.fire();
  }

  private fail(message: string, buttons: Button[]): void {
    this.failure = message;
    this.setHealth("stopped");
    this.log.error(message);
    this.show("error", message, buttons);
  }

  private show(severity: "error" | "warning", message: string, buttons: Button[]): void {
    const show = severity === "error" ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
    void show(`Supercargo: ${message}`, ...buttons).then((chosen) => {
      if (chosen === "Open Setting") void vscode.commands.executeCommand("workbench.action.openSettings", "supercargo.server.path");
      if (chosen === "Show Log") this.log.show();
      if (chosen === "Restart") void this.restart();
      if (chosen === "Copy Install Command") void vscode.env.clipboard.writeText("cargo install supercargo");
    });
  }
}

type Button = "Open Setting" | "Show Log" | "Restart" | "Copy Install Command";

/** The library's client, whose own error messages go to the log only: the session shows one message with buttons. */
function withoutPopups({ LanguageClient }: Library): typeof LanguageClient {
  return class extends LanguageClient {
    override error(message: string, data?: unknown): void {
      // Without the stack trace of the library.
      super.error(data instanceof Error ? `${message} ${systemMessage(data)}` : message, data instanceof Error ? undefined : data, false);
    }
  };
}

/** Sends the server the command that shows a dependency graph. */
const linksToGraphs: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { ...capabilities.experimental, supercargo: { whyGraphCommand: SHOW_WHY_GRAPH } };
  },
  initialize() {},
  getState: () => ({ kind: "static" }),
  clear() {},
};

async function withLimit<T>(promise: Promise<T>, limit: number): Promise<T> {
  const stop = new AbortController();
  const timeout = delay(limit, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`no response within ${limit / 1000} s`);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stop.abort();
    timeout.catch(() => {});
  }
}
