// The running server: started, watched, told about trust, started again.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
// The library is loaded after the extension's activation: it is large.
import type { CloseHandlerResult, LanguageClient, LanguageClientOptions } from "vscode-languageclient/node";
import { Crashes } from "./crashes";
import { Ending, startTrouble } from "./ending";
import { workspaces, type Workspace } from "./findings";
import { DID_CHANGE_TRUST, FILES, SOURCE, STATUS, type Status } from "./protocol";
import { Published } from "./published";
import { findServer, NoServer, versionTrouble, type Server } from "./server";
import { initializationOptions, serverSettings } from "./settings";

type Library = typeof import("vscode-languageclient/node");

export type Health = "starting" | "running" | "stopped";

const START_LIMIT = 30_000;
/** How much of the server's last words a message repeats. */
const WORDS = 200;

export class Session implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private child: ChildProcess | undefined;
  /** What is known of the child, also when it is gone. */
  private ending: Ending | undefined;
  private readonly crashes = new Crashes();
  private readonly statuses = new Map<string, Status>();
  private readonly published = new Published();
  private readonly changed = new vscode.EventEmitter<void>();
  /** One start or stop at a time. */
  private turn: Promise<void> = Promise.resolve();

  /** Fires when findings, the state of a gate or of the server have changed. */
  readonly onDidChange = this.changed.event;
  health: Health = "stopped";
  /** Why there is no server, for the status. */
  trouble: string | undefined;
  /** What is wrong with the server that runs. */
  complaint: string | undefined;
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
    return this.child?.pid;
  }

  get crashCount(): number {
    return this.crashes.count;
  }

  /** The gates that the server has told of. */
  gates(): Status[] {
    return [...this.statuses.values()];
  }

  /** The findings of every workspace. */
  workspaces(): Workspace[] {
    return workspaces(this.gates(), this.published.all());
  }

  start(): Promise<void> {
    return this.inTurn(() => this.startNow());
  }

  restart(): Promise<void> {
    this.crashes.forget();
    const leaving = this.leave();
    return this.inTurn(async () => {
      await leaving;
      await this.startNow();
    });
  }

  async stop(): Promise<void> {
    await this.leave();
  }

  dispose(): void {
    void this.leave();
    this.changed.dispose();
  }

  /** The user trusts the workspace now. */
  async trustGranted(): Promise<void> {
    if (this.client && this.health === "running") {
      await this.client.sendNotification(DID_CHANGE_TRUST, { trusted: true });
    }
  }

  private inTurn(action: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(action, action);
    return this.turn;
  }

  private async startNow(): Promise<void> {
    if (this.client) return;
    this.trouble = undefined;
    this.complaint = undefined;
    this.become("starting");
    try {
      this.server = findServer(this.context);
    } catch (error) {
      if (!(error instanceof NoServer)) throw error;
      this.fail(error.message, error.remedy);
      return;
    }
    this.log.info(`supercargo ${this.version}: the server is ${this.server.program} (${this.server.origin})`);
    const library = await import("vscode-languageclient/node");
    const client: LanguageClient = new (quiet(library))(
      "supercargo",
      "Supercargo",
      () => this.spawn(),
      this.options(library, () => client),
    );
    this.client = client;
    client.onNotification(STATUS, (status: Status) => {
      if (this.client !== client) return;
      this.statuses.set(status.workspace, status);
      this.changed.fire();
    });
    try {
      await limited(client.start(), START_LIMIT);
    } catch (error) {
      // Of one that ends before it has answered the client says nothing more.
      const ended = (await this.ending?.isNear()) ?? false;
      if (this.client !== client) return;
      if (ended) {
        this.closed(library, client);
        return;
      }
      await this.leave();
      this.fail(`The server did not start: ${startTrouble(this.server.program, error)}`, "log");
      return;
    }
    if (this.client !== client) return;
    this.complaint = versionTrouble(this.version, this.serverVersion);
    this.become("running");
    if (this.complaint) this.say("warning", this.complaint, this.server.origin === "setting" ? "setting" : "log");
  }

  private async spawn(): Promise<ChildProcess> {
    const child = spawn(this.server!.program, ["lsp"], { stdio: "pipe", windowsHide: true });
    this.child = child;
    this.ending = undefined;
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        // There was never a process: it is not one that has ended.
        this.child = undefined;
        reject(error);
      });
    });
    this.ending = new Ending(child);
    this.log.info(`the server runs (process ${child.pid})`);
    child.on("error", (error) => this.log.error(`the server: ${error.message}`));
    return child;
  }

  private options(library: Library, client: () => LanguageClient): LanguageClientOptions {
    const { ErrorAction } = library;
    return {
      documentSelector: FILES.map((pattern) => ({ scheme: "file", pattern })),
      diagnosticCollectionName: SOURCE,
      outputChannel: this.log,
      initializationOptions,
      // A connection that ends or fails is told by the session.
      stdioOptions: { stdout: () => {}, stderr: (input) => this.listen(input) },
      initializationFailedHandler: () => false,
      errorHandler: { error: () => ({ action: ErrorAction.Continue, handled: true }), closed: () => this.closed(library, client()) },
      markdown: { isTrusted: false, supportHtml: false },
      middleware: {
        handleDiagnostics: (uri, diagnostics, next) => {
          next(uri, diagnostics);
          if (this.client !== client()) return;
          this.published.set(uri, diagnostics);
          this.changed.fire();
        },
        workspace: {
          // Only what the server knows: it would complain about the rest.
          configuration: ({ items }) =>
            items.map(({ section, scopeUri }) =>
              section === "supercargo" ? serverSettings(scopeUri ? vscode.Uri.parse(scopeUri) : undefined) : null,
            ),
        },
      },
    };
  }

  /** The connection has ended. The client does not start the server again itself: it knows no delays. */
  private closed({ CloseAction }: Library, client: LanguageClient): CloseHandlerResult {
    const result = { action: CloseAction.DoNotRestart, handled: true, message: "the connection has ended" };
    if (this.client !== client) return result;
    this.client = undefined;
    const { child, ending } = this;
    child?.kill();
    const delay = this.crashes.next();
    void this.tellEnd(child, ending, delay);
    if (delay === undefined) {
      this.become("stopped");
      return result;
    }
    this.become("starting");
    setTimeout(() => {
      if (this.health === "starting") void this.start();
    }, delay);
    return result;
  }

  /** Says how the server ended and what comes of it, once its last words are here. */
  private async tellEnd(child: ChildProcess | undefined, ending: Ending | undefined, delay: number | undefined): Promise<void> {
    const how = (await ending?.how()) ?? "before it was there";
    const next = delay === undefined ? "is left alone" : `is started again${delay ? ` in ${delay / 1000} s` : " at once"}`;
    this.log.warn(`the server ended ${how}; it ${next}`);
    if (delay !== undefined || this.child !== child || this.client) return;
    const last = ending?.lastLine;
    this.fail(
      `The server ended ${this.crashes.count} times within three minutes and is left alone; the last time ${how}` +
        (last ? `, its last words: ${last.slice(0, WORDS)}` : ", without a word"),
      "log",
    );
  }

  /** What the server writes to standard error goes to the log. */
  private listen(input: NodeJS.ReadableStream): void {
    const { ending } = this;
    createInterface({ input, crlfDelay: Infinity }).on("line", (line) => {
      ending?.heard(line);
      const level = line.match(/\b(ERROR|WARN|INFO|DEBUG|TRACE)\b/)?.[1];
      const tell = { ERROR: "error", WARN: "warn", INFO: "info", DEBUG: "debug", TRACE: "trace" } as const;
      this.log[level ? tell[level as keyof typeof tell] : "error"](line);
    });
  }

  /** Ends the server that runs, if one does. */
  private async leave(): Promise<void> {
    const { client, child, ending } = this;
    this.client = undefined;
    this.child = undefined;
    this.become("stopped");
    if (!client) return;
    // One that is still starting cannot be stopped.
    await client.stop(5_000).catch((error: unknown) => this.log.warn(`stopping: ${firstLine(error)}`));
    void ending?.how().then((how) => this.log.info(`the server was told to end, and did ${how}`));
    if (child?.exitCode === null && !child.signalCode) setTimeout(() => child.kill("SIGKILL"), 1_000).unref?.();
    await client.dispose().catch(() => {});
  }

  private become(health: Health): void {
    this.health = health;
    if (health !== "running") {
      this.statuses.clear();
      this.published.clear();
    }
    this.changed.fire();
  }

  private fail(message: string, remedy: Remedy): void {
    this.trouble = message;
    this.become("stopped");
    this.log.error(message);
    this.say("error", message, remedy);
  }

  private say(how: "error" | "warning", message: string, remedy: Remedy): void {
    const words: Record<Remedy, string[]> = {
      setting: ["Open Setting", "Show Log"],
      install: ["Copy Install Command", "Open Setting"],
      log: ["Show Log", "Restart"],
    };
    const show = how === "error" ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
    void show(`Supercargo: ${message}`, ...words[remedy]).then((chosen) => {
      if (chosen === "Open Setting") void vscode.commands.executeCommand("workbench.action.openSettings", "supercargo.server.path");
      if (chosen === "Show Log") this.log.show();
      if (chosen === "Restart") void this.restart();
      if (chosen === "Copy Install Command") void vscode.env.clipboard.writeText("cargo install supercargo");
    });
  }
}

type Remedy = "setting" | "install" | "log";

/** The library's client without its own messages: it would repeat in its words what the session says. They are in the log. */
function quiet({ LanguageClient }: Library): typeof LanguageClient {
  return class extends LanguageClient {
    override error(message: string, data?: unknown): void {
      // Where in the library it happened helps nobody.
      super.error(data instanceof Error ? `${message} ${firstLine(data)}` : message, data instanceof Error ? undefined : data, false);
    }
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0];
}

function limited<T>(promise: Promise<T>, limit: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
    promise.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
