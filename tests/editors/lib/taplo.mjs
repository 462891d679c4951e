// Runs taplo's language server, the library of its VS Code extension, over standard input and output.
//
//   node lib/taplo.mjs FOLDER     FOLDER contains the installed `@taplo/lsp`
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { frame, Frames } from "./frames.mjs";

const require = createRequire(join(process.argv[2], "package.json"));
const { TaploLsp } = require("@taplo/lsp");

const environment = {
  now: () => new Date(),
  envVar: (name) => process.env[name],
  envVars: () => Object.entries(process.env),
  stdErrAtty: () => false,
  stdin: process.stdin,
  stdout: process.stderr,
  stderr: process.stderr,
  // Only taplo's command line searches and writes files.
  glob: () => [],
  readFile: async (path) => readFileSync(path),
  writeFile: () => Promise.reject(new Error("not supported")),
  urlToFilePath: (url) => fileURLToPath(url),
  isAbsolute,
  cwd: () => process.cwd(),
  findConfigFile: (from) => {
    for (let folder = from; ; folder = dirname(folder)) {
      const found = [".taplo.toml", "taplo.toml"].map((name) => join(folder, name)).find((path) => existsSync(path));
      if (found || folder === dirname(folder)) return found;
    }
  },
  // The schema is a file, so no network is needed.
  fetch: { fetch: () => Promise.reject(new Error("no network")), Headers, Request, Response },
};

const server = await TaploLsp.initialize(environment, { onMessage: (message) => process.stdout.write(frame(message)) });
const frames = new Frames((message) => server.send(message));
process.stdin.on("data", (bytes) => frames.push(bytes));
process.stdin.on("end", () => process.exit(0));
