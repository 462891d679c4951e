// The story in Neovim: the main part in a headless Neovim, a short part on a screen.
import { join } from "node:path";
import { CORE, ERRORS, Fixture, REPOSITORY } from "./lib/fixture.mjs";
import { start } from "./lib/processes.mjs";
import { StepFailed } from "./lib/report.mjs";
import { checkResult } from "./lib/result.mjs";
import { Screen } from "./lib/screen.mjs";
import { within } from "./lib/waiting.mjs";

const FOLDER = join(REPOSITORY, "tests/editors/neovim");
const STORY_LIMIT = 15 * 60_000;

export async function play({ steps, editor, fixture: first, fixes, deny, pictures }) {
  await screenStory({ steps, editor, fixture: first, pictures });
  // A separate copy, because the server of the first one may still write files.
  const fixture = await Fixture.create(`${first.folder}-story`, first.server, first.home);
  const env = environment(fixture);
  // Scheduled, so that the story starts after Neovim's startup.
  const story = `lua vim.schedule(function() dofile([[${join(FOLDER, "story.lua")}]]) end)`;
  const nvim = start(editor.program, ["--headless", "-u", join(FOLDER, "init.lua"), "-c", story], { cwd: fixture.root, env });
  const result = reportSteps(nvim, steps);
  await within("the story in Neovim", nvim.ended, STORY_LIMIT);
  const { code } = await nvim.ended;
  if (result.failed) throw new StepFailed();
  await steps.step("Neovim exits", () => {
    if (code !== 0) throw new Error(`exit code ${code}\n${nvim.output.slice(-3000)}`);
  });
  await checkResult(steps, fixture, fixes, deny);
}

function environment(fixture) {
  const folder = (name) => join(fixture.folder, name);
  return {
    ...fixture.env,
    XDG_CONFIG_HOME: folder("config"),
    XDG_DATA_HOME: folder("data"),
    XDG_STATE_HOME: folder("state"),
    XDG_CACHE_HOME: folder("xdg-cache"),
    STORY_PLUGIN: join(REPOSITORY, "editors/neovim"),
    STORY_ROOT: fixture.root,
    STORY_CORE: fixture.core,
    STORY_DB: fixture.db,
    STORY_ERRORS: JSON.stringify(ERRORS),
  };
}

/** Reports the steps that `story.lua` prints. */
function reportSteps(nvim, steps) {
  const result = { failed: false };
  let rest = "";
  nvim.stdout.on("data", (text) => {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop();
    for (const line of parts.filter((line) => line.startsWith("@{"))) {
      const { name, seconds, note, failed, skipped } = JSON.parse(line.slice(1));
      if (failed) {
        result.failed = true;
        steps.failed(name, failed);
      } else if (skipped) steps.skip(name, skipped);
      else steps.passed(name, seconds, note);
    }
  });
  return result;
}

async function screenStory({ steps, editor, fixture, pictures }) {
  const command = [editor.program, "-u", join(FOLDER, "init.lua"), join(fixture.core, "Cargo.toml")];
  const screen = await Screen.open(environment(fixture), fixture.root, command, { columns: 150, rows: 26 });
  const cursor = (position) => screen.shows(new RegExp(` ${position} *$`, "m"));
  /** Types a command, and waits until the command line shows it: the keys have not gone to a popup. */
  const run = async (text) => {
    await screen.type(`:${text}`);
    await screen.state(`the command line with \`:${text}\``, (screen) => screen.trimEnd().split("\n").at(-1).trimEnd() === `:${text}`);
    await screen.press("Enter");
  };
  const policy = fixture.original("deny.toml").split("\n");
  try {
    await steps.step("the screen shows findings, hover and status", async () => {
      await screen.shows(/RUSTSEC-2026-0009|crafted RFC 2822/, /supercargo: 4 errors/);
      await screen.screenshot(pictures, "neovim-findings");
      await run("18");
      await cursor("18:1");
      await screen.press("K");
      await screen.shows(/severity medium/, /0\.3\.47/);
      await screen.screenshot(pictures, "neovim-hover");
      await screen.press("j");
      await cursor("19:1");
      await screen.hides(/severity medium/);
      await run("Supercargo findings");
      await screen.shows(/Cargo\.toml\|18 col/);
      await screen.screenshot(pictures, "neovim-quickfix");
      await run("cclose");
      await screen.hides(/Cargo\.toml\|18 col/);
    });
    await steps.step("the screen shows lenses, hover and completion in a policy", async () => {
      await run(`edit ${CORE}/deny.toml`);
      await screen.shows(/db-urls/, /supercargo: 4 errors/);
      await run("lua vim.lsp.codelens.refresh()");
      await screen.shows(/suppresses 1 finding/);
      await run("7");
      await cursor("7:1");
      await screen.press("f", "R");
      await cursor(`7:${policy[6].indexOf("R") + 1}`);
      await screen.press("K");
      await screen.shows(/Marvin/);
      await screen.screenshot(pictures, "neovim-policy");
      await screen.press("j");
      await screen.hides(/Marvin/);
      const zlib = policy.findIndex((line) => line.includes("Zlib")) + 1;
      await run(String(zlib));
      await cursor(`${zlib}:\\d+`);
      await screen.press("o");
      await screen.shows(/-- INSERT --/);
      await screen.type('"BS');
      await screen.shows(/"BS/);
      await screen.press("C-x", "C-o");
      await screen.shows(/BSD-2-Clause/, /BSL-1\.0/);
      await screen.screenshot(pictures, "neovim-completion");
      await screen.press("C-e");
      await screen.hides(/BSL-1\.0/);
      await screen.press("Escape");
      await screen.hides(/-- INSERT --/);
      await run("edit!");
      await screen.hides(/"BS"/);
    });
  } finally {
    await screen.close();
  }
}
