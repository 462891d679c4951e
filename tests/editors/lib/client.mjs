// A minimal client for a language server on standard input and output.
import { pathToFileURL } from "node:url";
import { frame, Frames } from "./frames.mjs";
import { start } from "./processes.mjs";
import { within } from "./waiting.mjs";

export class Client {
  #pending = new Map();
  #id = 0;
  #version = 0;
  #stateOfWorkspace = new Map();

  /** Starts `command` and initializes it with the folder `root`. */
  static async open(command, args, { root, env, options = {} }) {
    const client = new Client(command, args, { cwd: root, env });
    const uri = String(pathToFileURL(root));
    const capabilities = {
      workspace: { configuration: true, workspaceFolders: true },
      textDocument: { completion: { completionItem: { snippetSupport: true } } },
    };
    const folders = [{ uri, name: "root" }];
    const params = { processId: null, rootUri: uri, workspaceFolders: folders, capabilities, initializationOptions: options };
    client.capabilities = (await client.request("initialize", params)).capabilities;
    client.notify("initialized", {});
    return client;
  }

  constructor(command, args, options) {
    this.child = start(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    const frames = new Frames((message) => this.#receive(message));
    // `child.output` keeps the output as text for error messages.
    this.child.stdout.setEncoding("utf8");
    this.child.stdout.on("data", (text) => frames.push(Buffer.from(text)));
    this.child.stdin.on("error", () => {});
  }

  #receive(message) {
    if (message.method === undefined) {
      this.#pending.get(message.id)?.(message);
      this.#pending.delete(message.id);
    } else if (message.id !== undefined) {
      const none = message.method === "workspace/configuration" ? message.params.items.map(() => null) : null;
      this.#send({ id: message.id, result: none });
    } else if (message.method === "supercargo/status") {
      this.#stateOfWorkspace.set(message.params.workspace, message.params.state);
    }
  }

  /** Whether all workspaces have been checked, and there is at least one. */
  get isChecked() {
    const states = [...this.#stateOfWorkspace.values()];
    return states.length > 0 && states.every((state) => state === "exact");
  }

  #send(message) {
    this.child.stdin.write(frame({ jsonrpc: "2.0", ...message }));
  }

  notify(method, params) {
    this.#send({ method, params });
  }

  async request(method, params) {
    const id = ++this.#id;
    const response = new Promise((resolve) => this.#pending.set(id, resolve));
    this.#send({ id, method, params });
    const { result, error } = await within(`the response to ${method}`, response);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Opens the file with this text, or changes its text. */
  show(path, text) {
    const uri = String(pathToFileURL(path));
    this.#version += 1;
    const document = { uri, version: this.#version };
    if (this.#version === 1) this.notify("textDocument/didOpen", { textDocument: { ...document, languageId: "toml", text } });
    else this.notify("textDocument/didChange", { textDocument: document, contentChanges: [{ text }] });
  }

  /** The labels of the completion items at an offset of the text. */
  async completionLabels(path, text, offset) {
    const lines = text.slice(0, offset).split("\n");
    const position = { line: lines.length - 1, character: lines.at(-1).length };
    const result = await this.request("textDocument/completion", { textDocument: { uri: String(pathToFileURL(path)) }, position });
    return (Array.isArray(result) ? result : (result?.items ?? [])).map((item) => item.label);
  }

  end() {
    return this.child.end();
  }
}
