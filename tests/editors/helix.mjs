// The story in Helix: keys go to a terminal, and each step waits for what its screen shows.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CORE, REPOSITORY } from "./lib/fixture.mjs";
import { descendants } from "./lib/processes.mjs";
import { checkResult } from "./lib/result.mjs";
import { Screen } from "./lib/screen.mjs";
import { FIX_LIMIT, LIMIT, until } from "./lib/waiting.mjs";

// Borders around pickers, popups and menus show that one is open. The boxes with key hints have borders, too, so they are off.
const CONFIG = `
theme = "dark_plus"

[editor]
line-number = "absolute"
idle-timeout = 50
end-of-line-diagnostics = "hint"
auto-completion = false
auto-info = false
popup-border = "all"

[editor.inline-diagnostics]
cursor-line = "error"

[editor.lsp]
display-messages = true
display-inlay-hints = true

[editor.statusline]
left = ["mode", "file-name", "file-modification-indicator"]
right = ["workspace-diagnostics", "diagnostics", "position"]
`;

export async function play({ steps, editor, fixture, fixes, deny, pictures }) {
  const env = configure(editor, fixture);
  const log = join(fixture.folder, "helix.log");
  const screen = await Screen.open(env, fixture.root, [editor.program, "-v", "--log", log, `${CORE}/Cargo.toml`], { columns: 220, rows: 36 });
  try {
    await story({ helix: new Helix(screen), screen, steps, fixture, fixes, pictures });
    await checkResult(steps, fixture, fixes, deny);
  } catch (error) {
    console.log(`         the end of Helix's log:\n${readFileSync(log, "utf8").split("\n").slice(-12).map((row) => row.slice(0, 300)).join("\n")}`);
    throw error;
  } finally {
    await screen.close();
  }
}

/** Installs the snippet of editors/helix, with the tested server instead of the one in `PATH`. */
function configure(editor, fixture) {
  const home = join(fixture.folder, "config/helix");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "config.toml"), CONFIG);
  const snippet = readFileSync(join(REPOSITORY, "editors/helix/languages.toml"), "utf8");
  const languages = snippet.replace('command = "supercargo"', `command = "${fixture.server}"\nconfig = { db = "${fixture.db}" }`);
  // Only installed servers, as the comment in the snippet says: taplo is not.
  const alone = languages.replace('["taplo", "supercargo"]', '["supercargo"]');
  if (languages === snippet || alone === languages) throw new Error("the snippet has changed");
  writeFileSync(join(home, "languages.toml"), alone);
  return {
    ...fixture.env,
    ...(editor.runtime ? { HELIX_RUNTIME: editor.runtime } : {}),
    XDG_CONFIG_HOME: join(fixture.folder, "config"),
    XDG_DATA_HOME: join(fixture.folder, "data"),
    XDG_CACHE_HOME: join(fixture.folder, "xdg-cache"),
    XDG_STATE_HOME: join(fixture.folder, "state"),
  };
}

/**
 * The actions of a user. Each ends when the screen shows its result, so that the keys of the next one cannot go to a picker, popup or
 * prompt that is about to open or close.
 */
class Helix {
  constructor(screen) {
    this.screen = screen;
  }

  /** Waits until nothing is open and the mode is `mode`. */
  async idle(mode = "NOR") {
    await this.screen.state(`the mode ${mode} without picker, popup, menu or prompt`, (text) => isIdle(text, mode));
  }

  /** Waits until the cursor is at this position, counted from 1. */
  async at(line, column) {
    await this.screen.state(`the cursor at ${line}:${column}`, (text) => isIdle(text) && cursor(text) === `${line}:${column}`);
  }

  /** Moves the cursor. A position other than the first column is after the first `"` of the line. */
  async moveTo(line, column = 1) {
    await this.idle();
    await this.screen.press(`${line}gg`);
    await this.screen.state(`the cursor on line ${line}`, (text) => isIdle(text) && cursor(text)?.startsWith(`${line}:`));
    await this.screen.press("g", "h");
    await this.at(line, 1);
    if (column === 1) return;
    await this.screen.press(`${column - 1}l`);
    await this.at(line, column);
  }

  /** Opens a picker, popup or menu with keys, and waits until it shows all patterns. */
  async open(keys, ...patterns) {
    await this.idle();
    await this.screen.press(...keys);
    await this.screen.state(`a box with ${patterns.join(" and ")}`, (text) => hasBox(text) && patterns.every((pattern) => pattern.test(text)));
  }

  /** Closes what is open. */
  async close() {
    await this.screen.press("Escape");
    await this.idle();
  }

  /** Runs a command. */
  async command(text) {
    await this.idle();
    await this.screen.press(":");
    // An empty prompt shows the last command.
    await this.screen.state("the prompt", (text) => prompt(text));
    await this.screen.type(text);
    await this.screen.state(`the prompt with \`${text}\``, (screen) => prompt(screen) === `:${text}`);
    await this.screen.press("Enter");
  }

  /** Opens a line below the cursor and types a text, in insert mode. */
  async insertBelow(text) {
    await this.idle();
    await this.screen.press("o");
    await this.idle("INS");
    await this.screen.type(text);
    await this.screen.shows(new RegExp(escaped(text)));
  }

  /** Leaves insert mode. */
  async leaveInsert() {
    await this.screen.press("Escape");
    await this.idle("NOR");
  }

  /** Opens the code actions at the cursor until `accepts`, a function of the menu's rows, returns true. */
  async codeActions(line, column, what, accepts) {
    await until(what, async () => {
      await this.moveTo(line, column);
      await this.screen.press("Space", "a");
      const text = await this.screen.state("code actions or a message", (text) => (hasBox(text) || NO_ACTIONS.test(text)) && text, 2 * LIMIT);
      if (!hasBox(text)) {
        // The next key press removes the message.
        await this.screen.press("g", "h");
        await this.screen.hides(NO_ACTIONS);
        return false;
      }
      if (accepts(boxRows(text))) return true;
      await this.close();
      return false;
    }, FIX_LIMIT);
  }
}

const NO_ACTIONS = /No code actions available|timed out/;

function hasBox(text) {
  return text.includes("┌");
}

/** The rows in the box that is open. */
function boxRows(text) {
  return text.split("\n").flatMap((row) => row.match(/│ *(.*?) *│/)?.[1] ?? []);
}

function isIdle(text, mode = "NOR") {
  return !hasBox(text) && !prompt(text) && new RegExp(`^ *${mode} `, "m").test(text);
}

/** The command prompt in the last row, if it is open. */
function prompt(text) {
  const last = text.trimEnd().split("\n").at(-1);
  return last.startsWith(":") ? last.trimEnd() : undefined;
}

/** The position in the statusline, as `line:column`. */
function cursor(text) {
  return text.match(/^ *(?:NOR|INS|SEL) .* (\d+:\d+) *$/m)?.[1];
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

async function story({ helix, screen, steps, fixture, fixes, pictures }) {
  const TIME = /A crafted RFC/;
  const RING = /14 .*`ring` 0\.17\.9/;
  const SQLX = /Length prefix/;
  /** The line of each dependency, and the column after the first `"`. */
  const [time, sqlx, ring] = ["time", "sqlx", "ring"].map((name) => {
    const lines = fixture.original("Cargo.toml").split("\n");
    const line = lines.findIndex((text) => text.startsWith(`${name} = `));
    return [line + 1, lines[line].indexOf('"') + 2];
  });

  await steps.step("opens a nested manifest from the root of the repository", async () => {
    await screen.shows(/time = \{ version = "0\.3\.44"/);
    await helix.idle();
  });

  await steps.step("shows the findings on their lines", async () => {
    await screen.shows(/18.*time = .*A crafted RFC/, RING, /17.*sqlx = .*Length prefix/);
    await screen.screenshot(pictures, "helix-findings");
  });

  await steps.step("lists all findings", async () => {
    await helix.open(["Space", "d"], /RUSTSEC-2025-0009/, /unlicensed/, /RUSTSEC-2024-0363/, /RUSTSEC-2026-0009/);
    await screen.screenshot(pictures, "helix-diagnostics");
    await helix.close();
  });

  await steps.step("shows the hover of a dependency", async () => {
    await helix.moveTo(time[0]);
    await helix.open(["Space", "k"], /0\.3\.44/, /upgrade to >=0\.3\.47/);
    await screen.screenshot(pictures, "helix-hover");
    await helix.close();
  });

  await steps.step("shows four errors in the statusline", () => screen.shows(/W ● \d+ ● 4 /));

  const IGNORE = "ignoring an advisory leaves a finding at the missing reason";
  if (fixes) {
    await steps.step(IGNORE, async () => {
      const disk = fixture.read("deny.toml");
      // Helix can send `didChange` before `didOpen` for a file that an edit of the server opens, so the policy is opened first.
      await helix.command(`open ${CORE}/deny.toml`);
      await screen.shows(/db-urls/);
      await helix.command("buffer-previous");
      await screen.shows(TIME);
      await helix.codeActions(...time, "an ignore as the last action", (rows) => /ignore `?RUSTSEC-2026-0009/.test(rows.at(-1)));
      // From the first action, Up goes to the last one.
      await screen.press("Up", "Enter");
      // This version of Helix does not show documents on request, so the server names the line in a message.
      await screen.shows(/handshake_core\/deny\.toml/, /line 8\b/);
      await screen.hides(TIME);
      await screen.screenshot(pictures, "helix-reason-message");
      await helix.open(["Space", "D"], /supercargo::missing-reason/);
      await screen.type("%code missing-reason");
      await screen.state("the finding selected", (text) => hasBox(text) && boxRows(text).filter((row) => /supercargo::/.test(row)).length === 1);
      await screen.screenshot(pictures, "helix-reason");
      await screen.press("Enter");
      await screen.shows(/"RUSTSEC-2026-0009", reason = "TODO: /, /handshake_core\/deny\.toml/);
      await screen.state("the reason selected", (text) => !hasBox(text) && cursor(text)?.startsWith("8:"));
      await screen.press("c");
      await helix.idle("INS");
      await screen.type("dates are ours");
      await screen.shows(/reason = "dates are ours/);
      await helix.leaveInsert();
      await screen.shows(/"RUSTSEC-2026-0009", reason = "dates are ours" \}/);
      if (fixture.read("deny.toml") !== disk) throw new Error("the policy was written");
      await helix.command("buffer-close!");
      await screen.shows(TIME);
    });
  } else {
    steps.skip(IGNORE, "the server offers no code actions");
  }

  await steps.step("completes and explains a policy, and goes to a dependency", async () => {
    await helix.command(`open ${CORE}/deny.toml`);
    await screen.shows(/db-urls/);
    await helix.moveTo(7, fixture.original("deny.toml").split("\n")[6].indexOf("R") + 1);
    await helix.open(["Space", "k"], /suppresses 1 finding: rsa/, /Marvin/);
    await screen.screenshot(pictures, "helix-policy");
    await helix.close();
    await helix.open(["Space", "s"], /confidence-threshold/, /unknown-registry/, /Object|Module|Struct/i);
    await screen.screenshot(pictures, "helix-symbols");
    await helix.close();
    await helix.moveTo(16);
    await helix.insertBelow('"BS');
    await screen.press("C-x");
    await screen.state("the completions", (text) => hasBox(text) && /BSD-2-Clause/.test(text) && /BSL-1\.0/.test(text));
    await screen.screenshot(pictures, "helix-completion");
    await screen.press("C-c");
    await helix.idle("INS");
    await helix.leaveInsert();
    await screen.press("u");
    await screen.hides(/"BS"?$/m);
    await helix.moveTo(21);
    await helix.insertBelow('skip = ["time"]');
    await helix.leaveInsert();
    await screen.press("b");
    await screen.state("the cursor in the entry", (text) => isIdle(text) && /^22:\d+$/.test(cursor(text)) && cursor(text) !== "22:15");
    await screen.press("g", "d");
    await screen.shows(/handshake_core\/Cargo\.toml/, /time = \{ version/);
    await helix.command("buffer-next");
    await screen.shows(/db-urls/);
    await helix.idle();
    await screen.press("u");
    await screen.hides(/skip = /);
    await helix.command("buffer-close!");
    await screen.shows(TIME);
  });

  await steps.step("an unsaved edit of the policy changes the findings", async () => {
    const disk = fixture.read("deny.toml");
    await helix.command(`hsplit ${CORE}/deny.toml`);
    await screen.shows(/db-urls/);
    await screen.press("6gg");
    await screen.shows(/deny\.toml.* 6:\d+ *$/m);
    await screen.press("o");
    await screen.shows(/ INS /);
    await screen.type('"RUSTSEC-2026-0009",');
    await screen.hides(TIME);
    await screen.press("Escape");
    await screen.hides(/ INS /);
    await screen.press("u");
    await screen.shows(TIME);
    if (fixture.read("deny.toml") !== disk) throw new Error("the policy was written");
    await helix.command("quit!");
    await screen.hides(/db-urls/);
  });

  await steps.step("`cargo update` in a terminal updates the findings", async () => {
    await fixture.cargo("update", "-p", "time", "--precise", "0.3.47");
    await screen.hides(TIME);
    await fixture.cargo("update", "-p", "time", "--precise", "0.3.44");
    await screen.shows(TIME);
  });

  await steps.step("`:lsp-restart` restarts a killed server", async () => {
    const running = async () => descendants(await screen.pid()).find((one) => one.program === fixture.server);
    const before = await until("the server", running);
    process.kill(before.pid, "SIGKILL");
    await until("the server has ended", async () => (await running())?.pid !== before.pid);
    await helix.command("lsp-restart");
    await until("a new server", async () => ((await running())?.pid ?? before.pid) !== before.pid).catch(async (error) => {
      throw new Error(`${error.message}\n${await screen.text()}`);
    });
    await screen.shows(TIME);
    await helix.moveTo(time[0]);
    await screen.press("Space", "c");
    await screen.hides(TIME);
    await helix.idle();
    await screen.press("u");
    await screen.shows(TIME);
  });

  await steps.step("hints show the locked and the newest versions", async () => {
    // Helix asks for hints before the first check is done, and again after an edit.
    await screen.shows(/ring = "0\.17\.9" → 0\.17\.\d+/, /tokio = \{ version = "1\.40" 1\.\d+/);
    await screen.screenshot(pictures, "helix-hints");
  });

  await steps.step("a TOML file with another name gets no findings", async () => {
    writeFileSync(join(fixture.folder, "other.toml"), '[dependencies]\ntime = "0.3.44"\n');
    await helix.command(`open ${join(fixture.folder, "other.toml")}`);
    await screen.shows(/other\.toml/, /time = "0\.3\.44"/);
    await screen.hides(TIME);
    await helix.command("buffer-close!");
    await screen.shows(TIME);
  });

  const FIXES = "the first quick fix on each line fixes all errors, and all files are saved";
  if (fixes) {
    await steps.step(FIXES, async () => {
      for (const [position, finding, shot] of [[time, TIME, "helix-quickfix"], [sqlx, SQLX], [ring, RING]]) {
        await helix.codeActions(...position, "an upgrade as the first action", (rows) => /upgrade `/.test(rows[0]));
        if (shot) await screen.screenshot(pictures, shot);
        await screen.press("Enter");
        await screen.hides(finding);
      }
      await helix.command("write-all");
      await until("the files are saved", async () => (await fixture.check("--only", "advisories,licenses")).code === 0);
      await screen.screenshot(pictures, "helix-clean");
    });
  } else {
    steps.skip(FIXES, "the server offers no code actions");
  }

  await steps.step("Helix exits, and no server is left", async () => {
    const servers = descendants(await screen.pid());
    await helix.command("quit-all!");
    const code = await screen.exitCode();
    if (code !== 0) throw new Error(`exit code ${code}`);
    await until("no server", () => servers.every(({ pid }) => !isAlive(pid)));
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
