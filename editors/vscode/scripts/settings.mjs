// Generates the settings in package.json and src/settings.json from the server's schema.
//
//   node scripts/settings.mjs           write the files
//   node scripts/settings.mjs --check   fail if a file is stale or the versions differ
import { readFileSync, writeFileSync } from "node:fs";

const at = (path) => new URL(`../${path}`, import.meta.url);
const read = (path) => readFileSync(at(path), "utf8");

const schema = JSON.parse(read("../../server/docs/settings.schema.json"));

/** The settings of the extension itself. A setting that names a program has the scope `machine`: a workspace cannot set it. */
const CLIENT_SETTINGS = {
  "supercargo.server.path": {
    order: 100,
    type: "string",
    default: "",
    scope: "machine",
    markdownDescription:
      "The absolute path of the server. If empty, the extension uses its bundled server, else `supercargo` from `PATH`. A workspace cannot set it.",
  },
  "supercargo.trace.server": {
    order: 101,
    type: "string",
    enum: ["off", "messages", "verbose"],
    default: "off",
    scope: "window",
    description: "Log the messages between VS Code and the server.",
  },
};

/** VS Code's workspace trust replaces this setting. */
const HIDDEN = ["trusted"];

const properties = {};
const names = [];
/** The settings that VS Code does not read from an untrusted workspace: programs, and what can hide a finding. */
const restricted = Object.entries(CLIENT_SETTINGS).filter(([, rule]) => rule.scope === "machine").map(([name]) => name);
let order = 0;
collect("", schema);

function collect(prefix, object, weakens = false) {
  for (const [key, rule] of Object.entries(object.properties)) {
    const name = prefix + key;
    if (HIDDEN.includes(name)) continue;
    if (rule.properties && !["codes", "levels"].includes(name)) {
      collect(`${name}.`, rule, rule["x-weakens"] === true);
      continue;
    }
    const machine = rule["x-initialization-options-only"] === true;
    // The server asks for a nested setting by the name of its object.
    const [root] = name.split(".");
    if (!machine && !names.includes(root)) names.push(root);
    if (machine || weakens || rule["x-weakens"] === true) restricted.push(`supercargo.${name}`);
    properties[`supercargo.${name}`] = { order: order++, ...value(rule), scope: machine ? "machine" : "resource", markdownDescription: rule.description };
  }
}

function value(rule) {
  const { type, default: standard, enum: values, items, minimum, maximum } = rule;
  const schema = { type, default: standard, enum: values, items, minimum, maximum };
  if (Array.isArray(type)) Object.assign(schema, { type: "string", default: standard ?? "" });
  if (rule.properties) Object.assign(schema, { properties: codes(rule.properties), additionalProperties: false });
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

function codes(rules) {
  return Object.fromEntries(Object.entries(rules).map(([code, { enum: values, description }]) => [code, { enum: values, description }]));
}

const cargo = read("../../Cargo.toml").match(/^version = "(.*)"$/m)[1];
const manifest = JSON.parse(read("package.json"));
manifest.version = cargo;
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restricted;
manifest.contributes.configuration = { title: "Supercargo", properties: { ...properties, ...CLIENT_SETTINGS } };

const fresh = {
  "package.json": `${compact(JSON.stringify(manifest, undefined, 2))}\n`,
  "src/settings.json": `${JSON.stringify(names)}\n`,
};

/** Writes each code on one line instead of ten. */
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
