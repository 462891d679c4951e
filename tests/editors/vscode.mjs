// The story in VS Code: in its real extension host, and in its workbench as a user sees it.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkResult } from "./lib/result.mjs";
import { NotInstalled } from "./lib/install.mjs";
import { descendants, succeed } from "./lib/processes.mjs";
import { StepFailed } from "./lib/report.mjs";
import { MENU_LIMIT, FIX_LIMIT, until } from "./lib/waiting.mjs";
import { Workbench } from "./lib/workbench.mjs";
import { CORE, ERRORS, PATCHED, REPOSITORY, Fixture } from "./lib/fixture.mjs";

/** Windows of which pictures are taken. */
const SMALL = { width: 1000, height: 560 };
const MIDDLE = { width: 1120, height: 580 };
const LARGE = { width: 1280, height: 800 };

const SOURCE = join(REPOSITORY, "editors/vscode");

export async function play(story) {
  const vsix = await packed(story);
  await host(story);
  await untrusted(story, vsix);
  await workbench(story, vsix);
}

/** The extension as users get it, without a server in it. */
async function packed({ steps, installed }) {
  if (!existsSync(join(SOURCE, "node_modules/.package-lock.json"))) {
    const install = () => succeed("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: SOURCE, limit: 300_000 });
    await install().catch(install).catch((error) => {
      throw new NotInstalled(`what the extension is built with cannot be installed: ${error.message.slice(0, 300)}`);
    });
  }
  const vsix = join(installed, "supercargo.vsix");
  await steps.step("the extension is packed, its settings fresh, its bundle below 500 kB", async () => {
    await succeed("npx", ["--no-install", "tsc", "-p", "."], { cwd: SOURCE });
    const out = await succeed(process.execPath, ["scripts/package.mjs", "--out", vsix], { cwd: SOURCE });
    return out.match(/dist\/extension\.js: .*/)[0];
  });
  return vsix;
}

function env(fixture) {
  return { ...fixture.env, STORY_ROOT: fixture.root, STORY_CORE: fixture.core, STORY_FOLDER: fixture.folder, STORY_ERRORS: JSON.stringify(ERRORS) };
}

function fresh(fixture, name) {
  const folder = join(fixture.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The extension's own tests. */
async function host({ steps, editor, fixture, pictures }) {
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "host"), env: env(fixture), settings: { "supercargo.db": fixture.db } });
  let failed = false;
  try {
    const code = await bench.test(pictures.browser, fixture.root, {
      development: SOURCE,
      module: join(REPOSITORY, "tests/editors/vscode/host.cjs"),
      limit: 4 * 60_000,
      onLine({ name, seconds, told, failed: reason }) {
        if (reason) {
          failed = true;
          steps.failed(name, reason);
        } else steps.passed(name, seconds, told);
      },
    });
    if (failed) throw new StepFailed();
    await steps.step("the extension host ends well", () => {
      if (code !== 0) throw new Error(`exit code ${code}`);
    });
  } finally {
    await bench.end();
  }
}

/** What a user sees. */
async function workbench({ steps, editor, fixture: old, fixes, deny, pictures, installed }, vsix) {
  const fixture = await Fixture.create(old.folder, old.server, old.home);
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "workbench"), env: env(fixture), vsix, settings: { "supercargo.db": fixture.db } });
  let window;
  try {
    window = await bench.open(pictures.browser, fixture.root);
    await seen({ steps, editor, fixture, fixes, pictures, window, bench });
    await checkResult(steps, fixture, fixes, deny);
  } catch (error) {
    await window?.screenshot(pictures, "vscode-failed").catch(() => {});
    throw error;
  } finally {
    await window?.close();
    await bench.end();
  }
}

async function seen({ steps, editor, fixture, fixes, pictures, window, bench }) {
  const { page } = window;
  await steps.step("a user opens the nested manifest and sees findings and the gate", async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await window.shows(".squiggly-error", { timeout: 90_000 });
    await window.status(/gate: 4 errors, 6 warnings/);
    await until("the hints", async () => (await window.lines()).some((line) => /ring = "0\.17\.9" ?→ ?0\.17\./.test(line)));
    await page.keyboard.press("Control+B");
    await page.setViewportSize(SMALL);
    await window.screenshot(pictures, "vscode-findings");
  });

  await steps.step("the hover of a dependency tells versions, path and advisory", async () => {
    await window.line(18, 2);
    await window.command("Supercargo: Show Why a Package Is Here");
    await window.shows('.monaco-hover:has-text("severity medium")');
    await window.screenshot(pictures, "vscode-hover");
    await page.keyboard.press("Escape");
    await page.setViewportSize(LARGE);
    await page.keyboard.press("Control+B");
  });

  await steps.step("a click on the gate opens the findings", async () => {
    await page.locator('.statusbar-item[id^="supercargo"] a').click();
    for (const { code } of ERRORS) await window.shows(`.markers-panel .monaco-list-row:has-text("${code}")`);
    await window.screenshot(pictures, "vscode-problems");
    await page.mouse.move(640, 300);
    await page.locator('.statusbar-item[id^="supercargo"] a').hover();
    await window.shows('.monaco-hover:has-text("advisories: 3 errors")');
    await window.screenshot(pictures, "vscode-status");
    await page.keyboard.press("Control+J");
  });

  await steps.step("the view tells the supply chain", async () => {
    await page.locator('.activitybar .action-item:has([aria-label*="Supercargo"])').first().click();
    const row = (text) => `.pane-body .monaco-list-row:has-text("${text}")`;
    await window.shows(row("handshake_core"));
    await window.shows(row("time 0.3.44"));
    await page.locator(row("2 versions: 0.14.5")).first().locator(".monaco-tl-twistie").click();
    await window.shows(row("sqlx-core 0.8.0"));
    await page.locator(row("time 0.3.44")).first().click();
    await until("its line is open", async () => (await page.locator(".statusbar-item", { hasText: /^Ln 18/ }).count()) === 1);
    await page.setViewportSize(MIDDLE);
    await window.screenshot(pictures, "vscode-view");
    await page.setViewportSize(LARGE);
  });

  await steps.step("the policy is completed, and tells what its entries do", async () => {
    await window.file(`${CORE}/deny.toml`);
    await page.keyboard.press("Control+B");
    await page.setViewportSize(SMALL);
    await window.shows('.codelens-decoration:has-text("suppresses 1 finding")');
    await window.line(7, 18);
    await window.command("Show or Focus Hover");
    await window.shows('.monaco-hover:has-text("rsa")');
    await window.screenshot(pictures, "vscode-policy");
    await page.keyboard.press("Escape");
    await window.line(11, 20);
    await page.keyboard.press("Enter");
    await page.keyboard.type('"BSL');
    await window.status(/gate: 4 errors, 6 warnings, deny\.toml broken at line 12/);
    await window.shows('.suggest-widget .monaco-list-row:has-text("BSL-1.0")');
    await window.screenshot(pictures, "vscode-completion");
    await page.keyboard.press("Escape");
    await window.command("File: Revert File");
    await window.gone('.view-line:has-text("BSL")');
    await window.line(7, 18);
    await page.setViewportSize(LARGE);
    await page.keyboard.press("Control+B");
  });

  await steps.step("the walkthrough tells the story", async () => {
    await window.command("Welcome: Open Walkthrough...");
    await page.locator('.quick-input-widget .monaco-list-row:has-text("Bring a gate to clean")').click();
    await window.shows('.gettingStartedContainer :text("Read what is wrong")');
    await page.keyboard.press("Control+B");
    await until("its picture", () => page.evaluate(() => [...document.querySelectorAll(".gettingStartedContainer img")].some((one) => one.naturalWidth > 0)));
    await window.screenshot(pictures, "vscode-walkthrough");
    await page.keyboard.press("Control+B");
  });

  await steps.step("`check` runs in a terminal as CI does", async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await window.command("Supercargo: Check Workspace as CI Does");
    await window.shows('.terminal-wrapper.active .xterm-rows:has-text("gate: fails")');
    await window.screenshot(pictures, "vscode-check");
    await page.keyboard.press("Control+J");
  });

  await steps.step("upgraded in a terminal, the gate becomes clean", async () => {
    const before = fixture.read("Cargo.lock");
    for (const [crate, version] of PATCHED) await fixture.cargo("update", "-p", crate, "--precise", version);
    await window.status(/gate: clean/);
    await window.gone(".squiggly-error");
    await page.keyboard.press("Control+B");
    await page.setViewportSize(SMALL);
    await window.screenshot(pictures, "vscode-clean");
    await page.setViewportSize(LARGE);
    await page.keyboard.press("Control+B");
    fixture.write("Cargo.lock", before);
    await window.status(/gate: 4 errors/);
  });

  await steps.step("a second window on the same folder sees the same, and what the first one saves", async () => {
    const second = await bench.open(pictures.browser, fixture.root);
    try {
      await second.file(`${CORE}/Cargo.toml`);
      await second.status(/gate: 4 errors/);
      const before = fixture.read("Cargo.toml");
      await window.file(`${CORE}/Cargo.toml`);
      await window.line(20, 1);
      await page.keyboard.press("End");
      await page.keyboard.type("\nlog = '99'");
      await window.status(/gate: no verdict/);
      await second.status(/gate: 4 errors/);
      await window.command("File: Save All");
      await second.status(/gate: no verdict/);
      fixture.write("Cargo.toml", before);
      await Promise.all([window.status(/gate: 4 errors/), second.status(/gate: 4 errors/)]);
    } finally {
      await second.close();
    }
  });

  await steps.step("findings and hover are shown in high contrast too", async () => {
    // The settings of a user are read when a window opens.
    bench.configure({ "workbench.colorTheme": "Default High Contrast" });
    const other = await bench.open(pictures.browser, fixture.root, SMALL);
    try {
      await other.shows(".monaco-workbench.hc-black");
      await other.file(`${CORE}/Cargo.toml`);
      await other.shows(".squiggly-error");
      await other.line(18, 2);
      await other.command("Supercargo: Show Why a Package Is Here");
      await other.shows('.monaco-hover:has-text("severity medium")');
      await other.screenshot(pictures, "vscode-contrast");
    } finally {
      await other.close();
      bench.configure({ "workbench.colorTheme": "Default Dark Modern" });
    }
  });

  await steps.step("settings of a wrong type are named, and the gate is judged all the same", async () => {
    bench.configure({ "supercargo.debounce": "soon" });
    const other = await bench.open(pictures.browser, fixture.root);
    try {
      await other.shows('.notification-toast:has-text("debounce")');
      await other.status(/gate: 4 errors/);
      await other.screenshot(pictures, "vscode-settings");
    } finally {
      await other.close();
      bench.configure({ "supercargo.debounce": undefined });
    }
  });

  await steps.step("a server that ends in a loop is left alone, which is said once, and the log is offered", async () => {
    // At once, so that most of them end before they have answered.
    const kills = setInterval(() => descendants(bench.pid).forEach((one) => one.program === fixture.server && kill(one.pid)), 10);
    const toasts = page.locator(".notification-toast");
    try {
      await window.status(/gate: no server/);
      await window.shows('.notification-toast:has-text("ended 5 times within three minutes and is left alone; the last time by SIGKILL")');
    } finally {
      clearInterval(kills);
    }
    await window.shows('.pane-body :text("The server does not run")');
    await window.screenshot(pictures, "vscode-crashes");
    const said = await toasts.allTextContents();
    if (said.length !== 1) throw new Error(`it is said ${said.length} times: ${said.join(" | ")}`);
    await toasts.locator('.monaco-button:has-text("Show Log")').click();
    await window.shows('.part.panel [id="workbench.panel.output"], .part.panel .output-view');
    if (editor.logs) {
      const logged = async () => (await page.locator(".part.panel .view-line").allTextContents()).join(" ").replaceAll("\u00a0", " ");
      await until("why the server ended", async () => /the server ended by SIGKILL after \d+\.\d s \(process \d+\); it is\s+left\s+alone/.test(await logged()));
    }
    await window.screenshot(pictures, "vscode-log");
    await window.command("Supercargo: Restart Server");
    await window.status(/gate: 4 errors/);
    await page.keyboard.press("Control+J");
    return editor.logs ? undefined : "without the text of the log: what writes it could not be compiled";
  });

  await ignored({ steps, fixes, pictures, window });
  await fixed({ steps, fixture, fixes, pictures, window });

  await steps.step("no server is left when the window is closed", async () => {
    const ours = () => descendants(bench.pid).filter((one) => one.program === fixture.server);
    if (ours().length === 0) throw new Error("there was none");
    await window.close();
    await bench.end();
    await until("none", () => ours().length === 0);
  });
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The last resort, undone again. */
async function ignored({ steps, fixes, pictures, window }) {
  const IGNORE = "an ignore, the last of the quick fixes, shows its reason to be written over";
  if (!fixes) return steps.skip(IGNORE, "the server offers no code actions");
  const { page } = window;
  await steps.step(IGNORE, async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await page.setViewportSize(SMALL);
    await window.line(18, 22);
    const ignore = page.locator('.action-widget .monaco-list-row.action:has-text("ignore RUSTSEC-2026-0009"), .action-widget .monaco-list-row.action:has-text("ignore `RUSTSEC-2026-0009`")');
    await until("the last resort", async () => {
      await page.keyboard.press("Control+.");
      await page.locator(".action-widget .monaco-list-row.action").first().waitFor({ timeout: MENU_LIMIT });
      if (await ignore.count()) return true;
      await page.keyboard.press("Escape");
      return false;
    }, FIX_LIMIT);
    await ignore.click();
    await window.shows('.tab.active[data-resource-name="deny.toml"]');
    await until("the selection", async () => (await page.locator(".statusbar-item", { hasText: /^Ln \d+, Col \d+ \(28 selected\)/ }).count()) === 1);
    await window.screenshot(pictures, "vscode-reason");
    await page.keyboard.type("dates come from our own devices");
    await until("the reason", async () => (await window.lines()).some((line) => line.includes('{ id = "RUSTSEC-2026-0009", reason = "dates come from our own devices" }')));
    await window.status(/gate: 3 errors/);
    await window.command("File: Revert File");
    await window.status(/gate: 4 errors/);
    await page.setViewportSize(LARGE);
  });
}

async function fixed({ steps, fixture, fixes, pictures, window }) {
  const FIXES = "takes the first quick fix on each line until no error is left, and saves";
  if (!fixes) {
    steps.skip(FIXES, "the server offers no code actions");
    return;
  }
  const { page } = window;
  await steps.step(FIXES, async () => {
    const taken = [];
    await window.file(`${CORE}/Cargo.toml`);
    // A window that changes its size closes the menu.
    await page.keyboard.press("Control+B");
    await page.setViewportSize(SMALL);
    for (const [line, column] of [[18, 22], [17, 22], [14, 10]]) {
      await window.line(line, column);
      const first = page.locator(".action-widget .monaco-list-row.action").first();
      const title = await until("an upgrade as the first action", async () => {
        // Asked within a quarter of a second after the caret has moved, VS Code drops the question for one of its own.
        await page.keyboard.press("Control+.");
        await first.waitFor({ timeout: MENU_LIMIT });
        const text = (await first.textContent()).trim();
        if (/upgrade/.test(text)) return text;
        await page.keyboard.press("Escape");
        return undefined;
      }, FIX_LIMIT);
      if (line === 18) await window.screenshot(pictures, "vscode-quickfix");
      await first.click();
      taken.push(title);
      await until("the finding is gone", async () => {
        const text = (await page.locator('.statusbar-item[id^="supercargo"]').textContent()).trim();
        return new RegExp(`gate: (clean|[0-${4 - taken.length}] errors?)`).test(text);
      }, FIX_LIMIT);
    }
    await window.status(/gate: clean/);
    await window.command("File: Save All");
    await page.setViewportSize(LARGE);
    await until("saved", async () => (await fixture.check("--only", "advisories,licenses")).code === 0);
    return taken.join("; ");
  });
}

/** A folder that the user does not trust. */
async function untrusted({ steps, editor, fixture: old, pictures }, vsix) {
  const fixture = await Fixture.create(old.folder, old.server, old.home);
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "untrusted"), env: env(fixture), vsix, trust: true, settings: { "supercargo.db": fixture.db, "security.workspace.trust.startupPrompt": "never", "workbench.colorTheme": "Default Light Modern" } });
  let window;
  try {
    window = await bench.open(pictures.browser, fixture.root);
    await steps.step("in an untrusted workspace the gate is judged and no program is started", async () => {
      await window.file(`${CORE}/Cargo.toml`);
      const server = await until("the server", () => descendants(bench.pid).find((one) => one.program === fixture.server));
      const seen = new Set();
      const watch = setInterval(() => descendants(server.pid).forEach((one) => seen.add(one.arguments.join(" "))), 5);
      try {
        await window.status(/gate: 3 errors.*restricted/);
        await window.shows(".squiggly-error");
        await window.screenshot(pictures, "vscode-untrusted");
        // An edit, too, starts nothing.
        await window.line(20, 1);
        await window.page.keyboard.press("End");
        await window.page.keyboard.type("\nlog = '0.4'");
        await window.status(/gate: .*restricted/);
      } finally {
        clearInterval(watch);
      }
      if (seen.size) throw new Error(`it started ${[...seen].join(", ")}`);
      await window.page.keyboard.press("Control+Z");
    });
    await steps.step("granted trust, the server judges it in full", async () => {
      await window.command("Workspaces: Manage Workspace Trust");
      await window.page.locator('.workspace-trust-editor a:has-text("Trust")').first().click();
      await window.status(/gate: 4 errors, 6 warnings/);
    });
  } catch (error) {
    await window?.screenshot(pictures, "vscode-failed").catch(() => {});
    throw error;
  } finally {
    await window?.close();
    await bench.end();
  }
}
