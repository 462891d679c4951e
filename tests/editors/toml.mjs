// Compares the completion of supercargo and of other TOML servers with `deny.schema.json` in a policy.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./lib/client.mjs";
import { until } from "./lib/waiting.mjs";
import { REPOSITORY } from "./lib/fixture.mjs";

/** Positions in a policy (`|` is the cursor), with an item that the schema lists there. */
const LISTED_IN_SCHEMA = [
  { name: "keys of a table", text: '[licenses]\n|\nallow = ["MIT"]\n', item: "confidence-threshold" },
  { name: "a partial key", text: "[advisories]\nya|\n", item: "yanked" },
  // taplo completes nothing if the schema has alternatives.
  { name: "keys of an entry", text: "[bans]\nskip = [{ | }]\n", item: "crate", except: "taplo" },
  { name: "a value after a key", text: "[bans]\nmultiple-versions = |\n", item: "warn" },
  { name: "a value in quotes", text: '[bans]\nmultiple-versions = "|"\n', item: "warn" },
  { name: "boolean values", text: "[licenses.private]\nignore = |\n", item: "true" },
  { name: "tables", text: "|\n", item: "licenses" },
];

/** Positions whose values come from the dependency graph, the advisories and SPDX, not from the schema. */
const NOT_IN_SCHEMA = [
  { name: "licenses", text: '[licenses]\nallow = ["|"]\n', item: "MIT" },
  { name: "packages", text: '[bans]\nskip = ["|"]\n', item: "ring" },
  { name: "advisories", text: '[advisories]\nignore = ["|"]\n', item: "RUSTSEC-2026-0009" },
];

/** `editor.servers` has `{name, command, args, config}` for each server; `config` is the name of its configuration file. */
export async function play({ steps, editor, fixture }) {
  copyFileSync(join(REPOSITORY, "editors/schema/deny.schema.json"), join(fixture.root, "deny.schema.json"));
  const options = { offline: true, db: fixture.db };
  const folder = { root: fixture.root, env: fixture.env };
  const complete = await Client.open(fixture.server, ["lsp"], { ...folder, options });
  const reduced = await Client.open(fixture.server, ["lsp"], { ...folder, options: { ...options, keyCompletion: false } });
  const policy = fixture.policy;
  try {
    // Most of these policies are incomplete and cannot be checked, so wait for a check of the policy on disk.
    for (const one of [complete, reduced]) await until("a first check", () => one.isChecked);
    for (const { name, command, args, config } of editor.servers) {
      writeFileSync(join(fixture.root, config), configFromReadme(config));
      const other = await Client.open(command, args, folder);
      try {
        for (const position of LISTED_IN_SCHEMA.filter((position) => position.except !== name)) {
          await steps.step(`${name}: ${position.name}`, async () => {
            const theirs = await completions(other, policy, position);
            const [both, left] = [common(await completions(complete, policy, position), theirs), await currentCompletions(reduced, policy, position)];
            if (both.length === 0) throw new Error(`no item is completed by both, so \`keyCompletion\` is not needed: ${theirs}`);
            if (left.length > 0) throw new Error(`with \`keyCompletion = false\` it still completes ${left}`);
            return `${both.length} of ${theirs.length} items are completed twice, none with \`keyCompletion = false\``;
          });
        }
        for (const position of NOT_IN_SCHEMA) {
          await steps.step(`${name}: ${position.name} are completed by supercargo only`, async () => {
            const ours = await completions(reduced, policy, position);
            const both = common(ours, await currentCompletions(other, policy, position));
            if (both.length > 0) throw new Error(`completed by both: ${both}`);
            return `${ours.length} items`;
          });
        }
      } finally {
        await other.end();
      }
    }
  } finally {
    await complete.end();
    await reduced.end();
  }
}

/** The configuration from `editors/README.md`, so that the documented one is tested. */
function configFromReadme(config) {
  const readme = readFileSync(join(REPOSITORY, "editors/README.md"), "utf8");
  const block = readme.match(new RegExp(`\`\`\`toml\\n(# ${config.replaceAll(".", "\\.")}\\n[^]*?)\`\`\``));
  if (!block) throw new Error(`editors/README.md has no block for ${config}`);
  return block[1];
}

/** The labels that a server completes now. */
async function currentCompletions(client, path, { text }) {
  const whole = text.replace("|", "");
  client.show(path, whole);
  return client.completionLabels(path, whole, text.indexOf("|"));
}

/** The labels that a server completes when it has loaded its schema, or checked the workspace. */
function completions(client, path, position) {
  return until(`\`${position.item}\` among ${position.name}`, async () => {
    const labels = await currentCompletions(client, path, position);
    if (!labels.some((label) => plain(label) === position.item || plain(label).startsWith(`${position.item}@`))) {
      throw new Error(`the labels are ${labels.slice(0, 20)}`);
    }
    return labels;
  });
}

/** The labels that are in both lists. */
function common(ours, theirs) {
  const others = new Set(theirs.map(plain));
  return ours.filter((label) => others.has(plain(label)));
}

/** The label without brackets and quotes: a table header and its name are the same item. */
function plain(label) {
  return label.replace(/^[["']+|[\]"']+$/g, "");
}
