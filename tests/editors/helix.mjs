// The story in Helix, on a screen: everything goes through keys and what is shown.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { judged } from "./lib/ending.mjs";
import { below } from "./lib/processes.mjs";
import { Screen } from "./lib/screen.mjs";
import { LIMIT, PROOF, until } from "./lib/waiting.mjs";
import { CORE, REPOSITORY } from "./lib/world.mjs";

const CONFIG = `
theme = "dark_plus"

[editor]
line-number = "absolute"
idle-timeout = 50
end-of-line-diagnostics = "hint"
auto-completion = false

[editor.inline-diagnostics]
cursor-line = "error"

[editor.lsp]
display-messages = true
display-inlay-hints = true

[editor.statusline]
left = ["mode", "file-name", "file-modification-indicator"]
right = ["workspace-diagnostics", "diagnostics", "position"]
`;

export async function play({ steps, editor, world, fixes, deny, pictures }) {
  const env = configured(editor, world);
  const log = join(world.folder, "helix.log");
  const screen = await Screen.open(env, world.root, [editor.program, "-v", "--log", log, `${CORE}/Cargo.toml`], { columns: 220, rows: 36 });
  try {
    await story({ screen, steps, world, fixes, pictures });
    await judged(steps, world, fixes, deny);
  } catch (error) {
    console.log(`         the end of Helix's log:\n${readFileSync(log, "utf8").split("\n").slice(-12).join("\n")}`);
    throw error;
  } finally {
    await screen.close();
  }
}

/** The snippet of editors/helix as it stands there, with this server in place of the one on the path. */
function configured(editor, world) {
  const home = join(world.folder, "config/helix");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "config.toml"), CONFIG);
  const snippet = readFileSync(join(REPOSITORY, "editors/helix/languages.toml"), "utf8");
  const languages = snippet.replace('command = "supercargo"', `command = "${world.server}"\nconfig = { db = "${world.db}" }`);
  // As its comment says: only what is installed, since `:lsp-restart` gives up at the first program that is missing.
  const alone = languages.replace('["taplo", "supercargo"]', '["supercargo"]');
  if (languages === snippet || alone === languages) throw new Error("the snippet has changed");
  writeFileSync(join(home, "languages.toml"), alone);
  return {
    ...world.env,
    ...(editor.runtime ? { HELIX_RUNTIME: editor.runtime } : {}),
    XDG_CONFIG_HOME: join(world.folder, "config"),
    XDG_DATA_HOME: join(world.folder, "data"),
    XDG_CACHE_HOME: join(world.folder, "xdg-cache"),
    XDG_STATE_HOME: join(world.folder, "state"),
  };
}

async function story({ screen, steps, world, fixes, pictures }) {
  // No Escape just before another key: the terminal would take the two for one with Alt.
  const command = (text) => screen.type(`:${text}`, "Enter");
  const line = (number) => screen.type(`${number}gg`, "gh");
  const TIME = /A crafted RFC/;

  await steps.step("opens the nested manifest from the root of the repository", () => screen.shows(/time = \{ version = "0\.3\.44"/));

  await steps.step("shows the findings on the lines that can mend them", async () => {
    await screen.shows(/18.*time = .*A crafted RFC/, /14.*ring = .*(AES code can panic|no license can be told)/, /17.*sqlx = .*Length prefix/);
    await screen.shoot(pictures, "helix-findings");
  });

  await steps.step("lists them all", async () => {
    screen.type("Space", "d");
    await screen.shows(/RUSTSEC-2025-0009/, /unlicensed/, /RUSTSEC-2024-0363/, /RUSTSEC-2026-0009/);
    await screen.shoot(pictures, "helix-diagnostics");
    screen.type("Escape");
    await screen.showsNo(/RUSTSEC-2024-0363/);
  });

  await steps.step("reads the hover of a dependency", async () => {
    line(18);
    screen.type("Space", "k");
    await screen.shows(/declared here/, /upgrade to >=0\.3\.47/);
    await screen.shoot(pictures, "helix-hover");
    screen.type("Escape");
    await screen.showsNo(/declared here/);
  });

  await steps.step("tells the state of the gate: four errors", () => screen.shows(/W ● \d+ ● 4 /));

  const IGNORE = "an ignore, the last of the quick fixes, leaves a finding where its reason is to be written";
  if (fixes) {
    await steps.step(IGNORE, async () => {
      const disk = world.read("deny.toml");
      line(18);
      screen.type("f", '"', "l");
      await until("the last resort", async () => {
        screen.type("Space", "a");
        const menu = await until("the menu, or that there is none", async () => {
          const text = await screen.text();
          return /clears |No code actions available|timed out/.test(text) && text;
        }, 2 * LIMIT);
        if (/ignore `RUSTSEC-2026-0009`/.test(menu)) return true;
        screen.type(...(/clears /.test(menu) ? ["Escape"] : ["g", "h"]));
        await screen.showsNo(/clears |No code actions available|timed out/);
        line(18);
        screen.type("f", '"', "l");
        return false;
      }, PROOF);
      // The menu goes round: above the first is the last.
      screen.type("Up", "Enter");
      // This version shows no documents to a server: the policy is changed out of sight, and it is said where something is left to do.
      await screen.shows(/say why in `src\/backend\/handshake_core\/deny\.toml`, line 8/);
      await screen.showsNo(TIME);
      await screen.shoot(pictures, "helix-say-why");
      screen.type("Space", "D");
      await screen.shows(/supercargo::missing-reason/);
      screen.type("-l", "still to be written");
      await screen.shows(/> .*supercargo::missing-reason/);
      await screen.shoot(pictures, "helix-reason");
      screen.type("Enter");
      await screen.shows(/"RUSTSEC-2026-0009", reason = "TODO: why this is acceptable"/, /handshake_core\/deny\.toml/);
      screen.type("c");
      screen.type("-l", "dates are ours");
      screen.type("Escape");
      await screen.shows(/"RUSTSEC-2026-0009", reason = "dates are ours" \}/);
      if (world.read("deny.toml") !== disk) throw new Error("the policy was written");
      command("buffer-close!");
      await screen.shows(TIME);
    });
  } else {
    steps.skip(IGNORE, "the server offers no code actions");
  }

  await steps.step("a policy is completed, explained, and left for what it names", async () => {
    command(`open ${CORE}/deny.toml`);
    await screen.shows(/db-urls/);
    screen.type("7gg", "gh", "f", "R", "Space", "k");
    await screen.shows(/suppresses 1 finding: rsa/, /Marvin/);
    await screen.shoot(pictures, "helix-policy");
    screen.type("Escape");
    await screen.showsNo(/Marvin/);
    screen.type("Space", "s");
    await screen.shows(/confidence-threshold/, /unknown-registry/, /Object|Module|Struct/i);
    await screen.shoot(pictures, "helix-symbols");
    screen.type("Escape");
    await screen.showsNo(/object/i);
    screen.type("16gg", "o");
    screen.type("-l", '"BS');
    screen.type("C-x");
    await screen.shows(/BSD-2-Clause/, /BSL-1\.0/);
    await screen.shoot(pictures, "helix-completion");
    screen.type("C-c");
    await screen.showsNo(/BSL-1\.0/);
    screen.type("Escape");
    await screen.showsNo(/ INS /);
    screen.type("u");
    await screen.showsNo(/"BS"?$/m);
    screen.type("21gg", "o");
    screen.type("-l", 'skip = ["time"]');
    screen.type("Escape");
    await screen.showsNo(/ INS /);
    screen.type("b", "g", "d");
    await screen.shows(/handshake_core\/Cargo\.toml/, /time = \{ version/);
    command("buffer-next");
    await screen.shows(/db-urls/);
    screen.type("u");
    await screen.showsNo(/skip = /);
    command("buffer-close!");
    await screen.shows(TIME);
  });

  await steps.step("an unsaved edit of the policy changes findings", async () => {
    const disk = world.read("deny.toml");
    command(`hsplit ${CORE}/deny.toml`);
    await screen.shows(/db-urls/);
    screen.type("6gg", "o");
    screen.type("-l", '"RUSTSEC-2026-0009",');
    await screen.showsNo(TIME);
    screen.type("Escape");
    await screen.showsNo(/ INS /);
    screen.type("u");
    await screen.shows(TIME);
    if (world.read("deny.toml") !== disk) throw new Error("the policy was written");
    command("quit!");
    await screen.showsNo(/db-urls/);
  });

  await steps.step("`cargo update` in a terminal renews the findings", async () => {
    await world.cargo("update", "-p", "time", "--precise", "0.3.47");
    await screen.showsNo(TIME);
    await world.cargo("update", "-p", "time", "--precise", "0.3.44");
    await screen.shows(TIME);
  });

  await steps.step("a killed server is started again by `:lsp-restart` and recovers", async () => {
    const running = async () => below(await screen.pid()).find((one) => one.program === world.server);
    const before = await until("the server", running);
    process.kill(before.pid, "SIGKILL");
    await until("the server is gone", async () => (await running())?.pid !== before.pid);
    command("lsp-restart");
    await until("another server", async () => ((await running())?.pid ?? before.pid) !== before.pid).catch(async (error) => {
      throw new Error(`${error.message}\n${await screen.text()}`);
    });
    await screen.shows(TIME);
    line(18);
    screen.type("Space", "c");
    await screen.showsNo(TIME);
    screen.type("u");
    await screen.shows(TIME);
  });

  await steps.step("hints tell the locked and the newest versions", async () => {
    // Helix has asked for them before there was a verdict, and asks again after an edit.
    await screen.shows(/ring = "0\.17\.9" → 0\.17\.\d+/, /tokio = \{ version = "1\.40" 1\.\d+/);
    await screen.shoot(pictures, "helix-hints");
  });

  await steps.step("a TOML file of another name gets no findings", async () => {
    writeFileSync(join(world.folder, "other.toml"), '[dependencies]\ntime = "0.3.44"\n');
    command(`open ${join(world.folder, "other.toml")}`);
    await screen.shows(/other\.toml/, /time = "0\.3\.44"/);
    await screen.showsNo(TIME);
    command("buffer-close!");
    await screen.shows(TIME);
  });

  const FIXES = "takes the first quick fix on each line until no error is left, and saves";
  if (fixes) {
    await steps.step(FIXES, async () => {
      for (const [number, gone, shot] of [[18, TIME, "helix-quickfix"], [17, /Length prefix/], [14, /AES code can panic|no license can be told/]]) {
        line(number);
        screen.type("f", '"', "l");
        await until("an upgrade as the first action", async () => {
          screen.type("Space", "a");
          const menu = await until("the menu, or that there is none", async () => {
            const text = await screen.text();
            return /clears |No code actions available|timed out/.test(text) && text;
          }, 2 * LIMIT);
          if (!/clears /.test(menu)) {
            // Any key takes the message away.
            screen.type("g", "h");
            await screen.showsNo(/No code actions available|timed out/);
            line(number);
            screen.type("f", '"', "l");
            return false;
          }
          if (/upgrade `/.test(menu.split("\n").find((row) => /clears /.test(row)))) return true;
          screen.type("Escape");
          await screen.showsNo(/clears /);
          return false;
        }, PROOF);
        if (shot) await screen.shoot(pictures, shot);
        screen.type("Enter");
        await screen.showsNo(gone);
      }
      command("write-all");
      await until("saved", async () => (await world.check("--only", "advisories,licenses")).code === 0);
      await screen.shoot(pictures, "helix-clean");
    });
  } else {
    steps.skip(FIXES, "the server offers no code actions");
  }

  await steps.step("ends well, and leaves no server behind", async () => {
    const servers = below(await screen.pid());
    command("quit-all!");
    const code = await screen.exitCode();
    if (code !== 0) throw new Error(`exit code ${code}`);
    await until("no server", () => servers.every(({ pid }) => !alive(pid)));
  });
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
