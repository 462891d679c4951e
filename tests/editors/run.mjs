// Plays a story in the real editors, opens a report in the browser, and compares completion with other TOML servers:
//
//   node tests/editors/run.mjs [--only vscode,neovim,helix,report,toml] [--server PATH] [--deny PATH] [--work DIR] [--pictures]
//   node tests/editors/run.mjs --install [--only ..]
//
// README.md describes the options. The last line is `N passed, N failed`.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./lib/browser.mjs";
import { capabilities, downloadCrates, Fixture, REPOSITORY } from "./lib/fixture.mjs";
import * as install from "./lib/install.mjs";
import { Report, StepFailed } from "./lib/report.mjs";

const HERE = join(REPOSITORY, "tests/editors");
const EXTENSION = join(REPOSITORY, "editors/vscode");

const EDITORS = {
  neovim: { title: "Neovim", install: install.neovim, needsTerminal: true },
  helix: { title: "Helix", install: install.helix, needsTerminal: true },
  vscode: { title: "VS Code", install: install.codeServer, needsBrowser: true },
  report: { title: "The report", install: (root) => install.axe(root, HERE), needsBrowser: true },
  toml: { title: "TOML servers", install: install.tomlServers, needsNoScreen: true },
};

/** The screenshots of the READMEs. */
const PICTURES = {
  vscode: ["findings", "hover", "graph", "quickfix", "policy", "view", "status", "clean"],
  neovim: ["findings", "hover", "quickfix", "policy"],
  helix: ["hints", "hover"],
};
const PICTURE_LIMIT = 200_000;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    server: { type: "string" },
    deny: { type: "string" },
    work: { type: "string" },
    pictures: { type: "boolean" },
    install: { type: "boolean" },
  },
});
const chosen = values.only ? values.only.split(",") : Object.keys(EDITORS);
for (const name of chosen) {
  if (!EDITORS[name]) throw new Error(`unknown editor \`${name}\`, expected one of ${Object.keys(EDITORS).join(", ")}`);
}
const installed = join(REPOSITORY, "target/editors");
const work = resolve(values.work ?? join(installed, "work"));
const home = join(installed, "cargo-home");
if (values.install) {
  await installAll();
  process.exit(0);
}
const folder = join(installed, "screenshots");
const server = resolve(values.server ?? process.env.SUPERCARGO_TEST_SERVER ?? join(REPOSITORY, "target/release/supercargo"));
const deny = values.deny && resolve(values.deny);
for (const program of [server, deny].filter(Boolean)) {
  if (!existsSync(program)) throw new Error(`could not find the program ${program}`);
}
for (const name of chosen) {
  // Remove the screenshots of earlier runs.
  for (const picture of existsSync(folder) ? readdirSync(folder) : []) if (picture.startsWith(`${name}-`)) rmSync(join(folder, picture));
}
mkdirSync(folder, { recursive: true });
mkdirSync(work, { recursive: true });

const report = new Report();
await downloadCrates(join(work, "crates"), home);
const fixes = Boolean((await capabilities(server)).codeActionProvider);
const needsScreen = chosen.some((name) => !EDITORS[name].needsNoScreen);
const pictures = { folder, ...(needsScreen ? await startBrowser() : {}) };

for (const name of chosen) {
  const { title, needsTerminal, needsBrowser } = EDITORS[name];
  let editor;
  try {
    editor = await EDITORS[name].install(installed);
    if (needsTerminal) await install.tmux();
    if (needsBrowser && !pictures.browser) throw new install.NotInstalled(pictures.reason);
  } catch (error) {
    if (!(error instanceof install.NotInstalled)) throw error;
    report.skipEditor(title, error.message);
    continue;
  }
  const steps = report.editor(title, editor.version);
  try {
    const { play } = await import(`./${name}.mjs`);
    const fixture = await Fixture.create(join(work, name), server, home);
    await play({ steps, editor, fixture, fixes, deny, pictures, installed });
  } catch (error) {
    // The error of a failed step has been printed.
    if (!(error instanceof StepFailed)) steps.failed(`the run in ${title}`, error.stack);
  }
}

await pictures.browser?.close();
if (values.pictures && report.failed === 0) updatePictures(folder);
process.exit(report.end());

/** Installs all that later runs need. What cannot be installed is named, and tried again by the run that needs it. */
async function installAll() {
  const editors = chosen.map((name) => ({ title: EDITORS[name].title, action: () => EDITORS[name].install(installed) }));
  const others = [
    { title: "tmux", action: install.tmux },
    { title: "Chromium", action: install.chromium },
    { title: "playwright", action: () => install.playwright(installed, HERE) },
    { title: "the build tools of the extension", action: () => install.extensionTools(EXTENSION) },
    { title: "the packages of the stories", action: () => downloadCrates(join(work, "crates"), home) },
  ];
  mkdirSync(work, { recursive: true });
  for (const { title, action } of [...editors, ...others]) {
    const reason = await action().then(() => undefined, (error) => error.message);
    console.log(reason ? `${title}: ${reason}` : `${title}: installed`);
  }
}

/** The browser for VS Code and for screenshots. The terminal editors can be tested without it. */
async function startBrowser() {
  try {
    const executable = await install.chromium();
    const chromium = await install.playwright(installed, HERE);
    return { browser: await launch(chromium, executable) };
  } catch (error) {
    if (!(error instanceof install.NotInstalled)) throw error;
    console.log(`no screenshots: ${error.message}`);
    return { reason: error.message };
  }
}

/** Copies the screenshots of this run to the READMEs. */
function updatePictures(folder) {
  for (const [editor, names] of Object.entries(PICTURES).filter(([editor]) => chosen.includes(editor))) {
    const images = join(REPOSITORY, "editors", editor, "images");
    mkdirSync(images, { recursive: true });
    for (const name of names) {
      const picture = join(folder, `${editor}-${name}.png`);
      if (!existsSync(picture)) continue;
      const { size } = statSync(picture);
      if (size > PICTURE_LIMIT) throw new Error(`${picture} is too large: ${size} bytes`);
      copyFileSync(picture, join(images, `${name}.png`));
    }
  }
}
