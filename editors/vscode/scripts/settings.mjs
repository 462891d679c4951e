// Writes the settings of package.json, and the names in src/settings.json, from the server's schema.
//
//   node scripts/settings.mjs           write them
//   node scripts/settings.mjs --check   fail where they are stale, or where versions differ
import { readFileSync, writeFileSync } from "node:fs";

const at = (path) => new URL(`../${path}`, import.meta.url);
const read = (path) => readFileSync(at(path), "utf8");

const schema = JSON.parse(read("../../server/docs/settings.schema.json"));

/** What the extension itself reads. Programs are named by the user and the machine, never by a workspace. */
const OURS = {
  "supercargo.server.path": {
    order: 100,
    type: "string",
    default: "",
    scope: "machine",
    markdownDescription:
      "The server's program, an absolute path. Empty: the one in this extension, else `supercargo` on the path. A workspace cannot set it.",
  },
  "supercargo.trace.server": {
    order: 101,
    type: "string",
    enum: ["off", "messages", "verbose"],
    default: "off",
    scope: "window",
    description: "Write what the editor and the server say to each other into the log.",
  },
};

/** Decided by VS Code's own trust in the workspace. */
const NOT_SHOWN = ["trusted"];

const properties = {};
const told = [];
/** What VS Code reads from no file of a workspace that is not trusted: programs, and what can keep a finding from being seen. */
const restricted = Object.entries(OURS).filter(([, rule]) => rule.scope === "machine").map(([name]) => name);
let order = 0;
collect("", schema);

function collect(prefix, object, weakens = false) {
  for (const [key, rule] of Object.entries(object.properties)) {
    const name = prefix + key;
    if (NOT_SHOWN.includes(name)) continue;
    if (rule.properties && name !== "codes") {
      collect(`${name}.`, rule, rule["x-weakens"] === true);
      continue;
    }
    const machine = rule["x-initialization-options-only"] === true;
    // The others are asked for by the name of the whole object.
    const [root] = name.split(".");
    if (!machine && !told.includes(root)) told.push(root);
    if (machine || weakens || rule["x-weakens"] === true) restricted.push(`supercargo.${name}`);
    properties[`supercargo.${name}`] = { order: order++, ...value(rule), scope: machine ? "machine" : "resource", ...words(rule) };
  }
}

function value(rule) {
  const { type, default: usual, enum: names, items, minimum, maximum } = rule;
  const told = { type, default: usual, enum: names, items, minimum, maximum };
  if (Array.isArray(type)) Object.assign(told, { type: "string", default: usual ?? "" });
  if (rule.properties) Object.assign(told, { properties: codes(rule.properties), additionalProperties: false });
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}

function codes(rules) {
  return Object.fromEntries(Object.entries(rules).map(([code, { enum: names, description }]) => [code, { enum: names, description }]));
}

function words({ description }) {
  return { markdownDescription: description };
}

const cargo = read("../../Cargo.toml").match(/^version = "(.*)"$/m)[1];
const manifest = JSON.parse(read("package.json"));
manifest.version = cargo;
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restricted;
manifest.contributes.configuration = { title: "Supercargo", properties: { ...properties, ...OURS } };

const fresh = {
  "package.json": `${compact(JSON.stringify(manifest, undefined, 2))}\n`,
  "src/settings.json": `${JSON.stringify(told)}\n`,
};

/** A line for each code instead of ten. */
function compact(text) {
  return text.replace(/\{\s+"enum": \[[^\]]*\],\s+"description": "(?:[^"\\]|\\.)*"\s+\}/g, (rule) => JSON.stringify(JSON.parse(rule)));
}

const stale = Object.entries(fresh).filter(([path, text]) => read(path) !== text);
if (process.argv.includes("--check")) {
  for (const [path] of stale) console.error(`editors/vscode/${path} is stale: run \`node editors/vscode/scripts/settings.mjs\``);
  const lock = JSON.parse(read("package-lock.json"));
  if (lock.version !== cargo) console.error(`editors/vscode/package-lock.json is of version ${lock.version}, Cargo.toml of ${cargo}`);
  process.exitCode = stale.length || lock.version !== cargo ? 1 : 0;
} else {
  for (const [path, text] of stale) writeFileSync(at(path), text);
}
