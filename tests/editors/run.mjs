// Plays the story in the real editors, and looks at what is completed beside other TOML servers:
//
//   node tests/editors/run.mjs [--only vscode,neovim,helix,beside] [--server PATH] [--deny PATH] [--work DIR] [--pictures]
//
// The server is `--server`, else $SUPERCARGO_TEST_SERVER, else target/release/supercargo. Editors that are missing are installed
// below target/editors; pictures of every state go to target/editors/screenshots; `--pictures` also renews those of the READMEs. The last
// line is `N passed, N failed`.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./lib/browser.mjs";
import * as install from "./lib/install.mjs";
import { Ended, Report } from "./lib/report.mjs";
import { capabilities, downloadCrates, REPOSITORY, World } from "./lib/world.mjs";

const EDITORS = {
  neovim: { title: "Neovim", get: install.neovim, terminal: true },
  helix: { title: "Helix", get: install.helix, terminal: true },
  vscode: { title: "VS Code", get: install.codeServer, browser: true },
  beside: { title: "TOML servers", get: install.tomlServers, unseen: true },
};

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    server: { type: "string" },
    deny: { type: "string" },
    work: { type: "string" },
    pictures: { type: "boolean" },
  },
});
const chosen = values.only ? values.only.split(",") : Object.keys(EDITORS);
for (const name of chosen) {
  if (!EDITORS[name]) throw new Error(`there is no editor \`${name}\`; there are ${Object.keys(EDITORS).join(", ")}`);
}
const installed = join(REPOSITORY, "target/editors");
const work = resolve(values.work ?? join(installed, "work"));
const folder = join(installed, "screenshots");
const server = resolve(values.server ?? process.env.SUPERCARGO_TEST_SERVER ?? join(REPOSITORY, "target/release/supercargo"));
const deny = values.deny && resolve(values.deny);
for (const program of [server, deny].filter(Boolean)) {
  if (!existsSync(program)) throw new Error(`there is no program ${program}`);
}
for (const name of chosen) {
  // Pictures of an earlier run must not pass for this one's.
  for (const picture of existsSync(folder) ? readdirSync(folder) : []) if (picture.startsWith(`${name}-`)) rmSync(join(folder, picture));
}
mkdirSync(folder, { recursive: true });
mkdirSync(work, { recursive: true });

const report = new Report();
const home = join(installed, "cargo-home");
await downloadCrates(join(work, "crates"), home);
const fixes = Boolean((await capabilities(server)).codeActionProvider);
const seen = chosen.some((name) => !EDITORS[name].unseen);
const pictures = { folder, ...(seen ? await painter() : {}) };

for (const name of chosen) {
  const { title, get, terminal, browser } = EDITORS[name];
  let editor;
  try {
    editor = await get(installed);
    if (terminal) await install.tmux();
    if (browser && !pictures.browser) throw new install.Missing(pictures.reason);
  } catch (error) {
    if (!(error instanceof install.Missing)) throw error;
    report.without(title, error.message);
    continue;
  }
  const steps = report.editor(title, editor.version);
  try {
    const { play } = await import(`./${name}.mjs`);
    const world = await World.create(join(work, name), server, home);
    await play({ steps, editor, world, fixes, deny, pictures, installed });
  } catch (error) {
    // A step has said itself why it failed.
    if (!(error instanceof Ended)) steps.failed(`the run in ${title}`, error.stack);
  }
}

await pictures.browser?.close();
if (values.pictures && report.failed === 0) renew(folder);
process.exit(report.end());

/** The browser, for VS Code and the pictures; the terminal editors can be tested without it. */
async function painter() {
  try {
    const executable = await install.chromium();
    const chromium = await install.playwright(installed, join(REPOSITORY, "tests/editors"));
    return { browser: await launch(chromium, executable) };
  } catch (error) {
    if (!(error instanceof install.Missing)) throw error;
    console.log(`no pictures: ${error.message}`);
    return { reason: error.message };
  }
}

/** Takes the pictures of this run into the READMEs. */
function renew(folder) {
  const shown = {
    vscode: ["findings", "hover", "quickfix", "policy", "view", "status", "clean"],
    neovim: ["findings", "hover", "quickfix", "policy"],
    helix: ["hints", "hover"],
  };
  for (const [editor, names] of Object.entries(shown).filter(([editor]) => chosen.includes(editor))) {
    const images = join(REPOSITORY, "editors", editor, "images");
    mkdirSync(images, { recursive: true });
    for (const name of names) {
      const picture = join(folder, `${editor}-${name}.png`);
      if (!existsSync(picture)) continue;
      const { size } = statSync(picture);
      if (size > 200_000) throw new Error(`${picture} is too large: ${size} bytes`);
      copyFileSync(picture, join(images, `${name}.png`));
    }
  }
}
