// A language server on standard input and output, asked as an editor does.
import { pathToFileURL } from "node:url";
import { frame, Frames } from "./frames.mjs";
import { start } from "./processes.mjs";
import { within } from "./waiting.mjs";

export class Client {
  #asked = new Map();
  #id = 0;
  #version = 0;
  #states = new Map();

  /** Starts `command` and introduces itself, with `root` as the folder. */
  static async open(command, args, { root, env, options = {} }) {
    const client = new Client(command, args, { cwd: root, env });
    const uri = String(pathToFileURL(root));
    const capabilities = {
      workspace: { configuration: true, workspaceFolders: true },
      textDocument: { completion: { completionItem: { snippetSupport: true } } },
    };
    const folders = [{ uri, name: "root" }];
    const params = { processId: null, rootUri: uri, workspaceFolders: folders, capabilities, initializationOptions: options };
    client.capabilities = (await client.ask("initialize", params)).capabilities;
    client.tell("initialized", {});
    return client;
  }

  constructor(command, args, options) {
    this.child = start(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    const frames = new Frames((message) => this.#take(message));
    // The child's output is also kept as text, for who looks at a failure.
    this.child.stdout.setEncoding("utf8");
    this.child.stdout.on("data", (text) => frames.take(Buffer.from(text)));
    this.child.stdin.on("error", () => {});
  }

  #take(message) {
    if (message.method === undefined) {
      this.#asked.get(message.id)?.(message);
      this.#asked.delete(message.id);
    } else if (message.id !== undefined) {
      const none = message.method === "workspace/configuration" ? message.params.items.map(() => null) : null;
      this.#send({ id: message.id, result: none });
    } else if (message.method === "supercargo/status") {
      this.#states.set(message.params.workspace, message.params.state);
    }
  }

  /** Whether there are workspaces, and each was checked as it is. */
  get isChecked() {
    const states = [...this.#states.values()];
    return states.length > 0 && states.every((state) => state === "exact");
  }

  #send(message) {
    this.child.stdin.write(frame({ jsonrpc: "2.0", ...message }));
  }

  tell(method, params) {
    this.#send({ method, params });
  }

  async ask(method, params) {
    const id = ++this.#id;
    const answer = new Promise((resolve) => this.#asked.set(id, resolve));
    this.#send({ id, method, params });
    const { result, error } = await within(`an answer to ${method}`, answer);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Opens a file with this text, or changes it to that. */
  show(path, text) {
    const uri = String(pathToFileURL(path));
    this.#version += 1;
    const document = { uri, version: this.#version };
    if (this.#version === 1) this.tell("textDocument/didOpen", { textDocument: { ...document, languageId: "toml", text } });
    else this.tell("textDocument/didChange", { textDocument: document, contentChanges: [{ text }] });
  }

  /** The labels that are offered at an offset of the text that was shown. */
  async completed(path, text, offset) {
    const lines = text.slice(0, offset).split("\n");
    const position = { line: lines.length - 1, character: lines.at(-1).length };
    const result = await this.ask("textDocument/completion", { textDocument: { uri: String(pathToFileURL(path)) }, position });
    return (Array.isArray(result) ? result : (result?.items ?? [])).map((item) => item.label);
  }

  end() {
    return this.child.end();
  }
}
