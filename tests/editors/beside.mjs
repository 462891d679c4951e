// Supercargo beside a TOML server that has `deny.schema.json`: what each completes in a policy, and what both do.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./lib/client.mjs";
import { until } from "./lib/waiting.mjs";
import { REPOSITORY } from "./lib/world.mjs";

/** Places in a policy, and what the schema lists there; `|` is the cursor. */
const LISTED = [
  { what: "keys of a table", text: '[licenses]\n|\nallow = ["MIT"]\n', one: "confidence-threshold" },
  { what: "a key that is begun", text: "[advisories]\nya|\n", one: "yanked" },
  // taplo completes nothing where a schema has alternatives.
  { what: "keys of an entry", text: "[bans]\nskip = [{ | }]\n", one: "crate", not: "taplo" },
  { what: "a value behind a key", text: "[bans]\nmultiple-versions = |\n", one: "warn" },
  { what: "a value in quotes", text: '[bans]\nmultiple-versions = "|"\n', one: "warn" },
  { what: "true and false", text: "[licenses.private]\nignore = |\n", one: "true" },
  { what: "tables", text: "|\n", one: "licenses" },
];

/** Places whose values only the graph, the advisories and SPDX know. */
const KNOWN = [
  { what: "licenses", text: '[licenses]\nallow = ["|"]\n', one: "MIT" },
  { what: "packages", text: '[bans]\nskip = ["|"]\n', one: "ring" },
  { what: "advisories", text: '[advisories]\nignore = ["|"]\n', one: "RUSTSEC-2026-0009" },
];

/** `editor.servers`: `{name, command, args, config}`, the latter the name of the file that READMEs tell about it. */
export async function play({ steps, editor, world }) {
  copyFileSync(join(REPOSITORY, "editors/schema/deny.schema.json"), join(world.root, "deny.schema.json"));
  const options = { offline: true, db: world.db };
  const own = { root: world.root, env: world.env };
  const usual = await Client.open(world.server, ["lsp"], { ...own, options });
  const quiet = await Client.open(world.server, ["lsp"], { ...own, options: { ...options, keyCompletion: false } });
  const policy = world.policy;
  try {
    // A policy that is half typed, as most of these are, leads to no graph; the one on disk does.
    for (const one of [usual, quiet]) await until("a first check", () => one.isChecked);
    for (const { name, command, args, config } of editor.servers) {
      writeFileSync(join(world.root, config), documented(config));
      const other = await Client.open(command, args, own);
      try {
        for (const place of LISTED.filter((place) => place.not !== name)) {
          await steps.step(`${name}: ${place.what}`, async () => {
            const theirs = await offered(other, policy, place);
            const [both, left] = [doubled(await offered(usual, policy, place), theirs), await asked(quiet, policy, place)];
            if (both.length === 0) throw new Error(`nothing is offered by both, so that there is nothing to set: ${theirs}`);
            if (left.length > 0) throw new Error(`\`keyCompletion = false\` leaves ${left}`);
            return `${both.length} of ${theirs.length} doubled, none with \`keyCompletion = false\``;
          });
        }
        for (const place of KNOWN) {
          await steps.step(`${name}: ${place.what} are left to supercargo`, async () => {
            const ours = await offered(quiet, policy, place);
            const both = doubled(ours, await asked(other, policy, place));
            if (both.length > 0) throw new Error(`offered by both: ${both}`);
            return `${ours.length} offered`;
          });
        }
      } finally {
        await other.end();
      }
    }
  } finally {
    await usual.end();
    await quiet.end();
  }
}

/** The configuration as `editors/README.md` tells it, so that what is tested is what is told. */
function documented(config) {
  const told = readFileSync(join(REPOSITORY, "editors/README.md"), "utf8");
  const block = told.match(new RegExp(`\`\`\`toml\\n(# ${config.replaceAll(".", "\\.")}\\n[^]*?)\`\`\``));
  if (!block) throw new Error(`editors/README.md says nothing about ${config}`);
  return block[1];
}

/** What a server offers at once. */
async function asked(client, path, { text }) {
  const whole = text.replace("|", "");
  client.show(path, whole);
  return client.completed(path, whole, text.indexOf("|"));
}

/** What a server offers as soon as it knows its schema, or its verdict. */
function offered(client, path, place) {
  return until(`\`${place.one}\` among ${place.what}`, async () => {
    const labels = await asked(client, path, place);
    if (!labels.some((label) => plain(label) === place.one || plain(label).startsWith(`${place.one}@`))) {
      throw new Error(`offered are ${labels.slice(0, 20)}`);
    }
    return labels;
  });
}

function doubled(ours, theirs) {
  const known = new Set(theirs.map(plain));
  return ours.filter((label) => known.has(plain(label)));
}

/** The same for a table's header and its name, with quotes and without. */
function plain(label) {
  return label.replace(/^[["']+|[\]"']+$/g, "");
}
