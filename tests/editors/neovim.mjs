// The story in Neovim: once on a screen that is looked at, and once without.
import { join } from "node:path";
import { start } from "./lib/processes.mjs";
import { Screen } from "./lib/screen.mjs";
import { within } from "./lib/waiting.mjs";
import { CORE, ERRORS, REPOSITORY, Fixture } from "./lib/fixture.mjs";
import { StepFailed } from "./lib/report.mjs";
import { checkResult } from "./lib/result.mjs";

const HERE = join(REPOSITORY, "tests/editors/neovim");

export async function play({ steps, editor, fixture: first, fixes, deny, pictures }) {
  await screens({ steps, editor, fixture: first, pictures });
  // A folder of its own: the server of the first one may still be writing there.
  const fixture = await Fixture.create(`${first.folder}-story`, first.server, first.home);
  const env = environment(fixture);
  // Scheduled: the story begins when Neovim has started.
  const story = `lua vim.schedule(function() dofile([[${join(HERE, "story.lua")}]]) end)`;
  const nvim = start(editor.program, ["--headless", "-u", join(HERE, "init.lua"), "-c", story], { cwd: fixture.root, env });
  const seen = lines(nvim, steps);
  await within("the story in Neovim", nvim.ended, 15 * 60_000);
  const { code } = await nvim.ended;
  if (seen.failed) throw new StepFailed();
  await steps.step("Neovim ends well", () => {
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

/** The steps that the script tells. */
function lines(nvim, steps) {
  const seen = { failed: false };
  let rest = "";
  nvim.stdout.on("data", (text) => {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop();
    for (const line of parts.filter((line) => line.startsWith("@{"))) {
      const { name, seconds, told, failed, skipped } = JSON.parse(line.slice(1));
      if (failed) {
        seen.failed = true;
        steps.failed(name, failed);
      } else if (skipped) steps.skip(name, skipped);
      else steps.passed(name, seconds, told);
    }
  });
  return seen;
}

async function screens({ steps, editor, fixture, pictures }) {
  const words = [editor.program, "-u", join(HERE, "init.lua"), join(fixture.core, "Cargo.toml")];
  const screen = await Screen.open(environment(fixture), fixture.root, words, { columns: 150, rows: 26 });
  try {
    await steps.step("the screen shows findings, hover and status", async () => {
      await screen.shows(/RUSTSEC-2026-0009|crafted RFC 2822/);
      await screen.shows(/gate: 4 errors/);
      await screen.screenshot(pictures, "neovim-findings");
      screen.type(":18", "Enter", "K");
      await screen.shows(/0\.3\.47/, /RUSTSEC-2026-0009/);
      await screen.screenshot(pictures, "neovim-hover");
      screen.type("j", ":Supercargo findings", "Enter");
      await screen.shows(/Cargo\.toml\|18 col/);
      await screen.showsNo(/severity medium/);
      await screen.screenshot(pictures, "neovim-quickfix");
    });
    await steps.step("the screen shows a policy: what its entries do, and licenses to choose from", async () => {
      screen.type(":cclose", "Enter");
      screen.type(`:edit ${CORE}/deny.toml`, "Enter");
      await screen.shows(/db-urls/);
      await screen.shows(/gate: 4 errors/);
      screen.type(":lua vim.lsp.codelens.refresh()", "Enter");
      await screen.shows(/suppresses 1 finding/);
      screen.type(":7", "Enter", "fR", "K");
      await screen.shows(/Marvin/);
      await screen.screenshot(pictures, "neovim-policy");
      screen.type("j");
      await screen.showsNo(/Marvin/);
      screen.type("/Zlib", "Enter", "o");
      screen.type("-l", '"BS');
      screen.type("C-x", "C-o");
      await screen.shows(/BSD-2-Clause/, /BSL-1\.0/);
      await screen.screenshot(pictures, "neovim-completion");
      screen.type("C-e", "Escape");
      screen.type(":edit!", "Enter");
      await screen.showsNo(/"BS"/);
    });
  } finally {
    await screen.close();
  }
}
