// The story in VS Code: tests in the real extension host, then the workbench as a user sees it.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkResult } from "./lib/result.mjs";
import { extensionTools } from "./lib/install.mjs";
import { descendants, succeed } from "./lib/processes.mjs";
import { StepFailed } from "./lib/report.mjs";
import { FIX_LIMIT, MENU_LIMIT, until } from "./lib/waiting.mjs";
import { Workbench } from "./lib/workbench.mjs";
import { CORE, ERRORS, Fixture, PATCHED, REPOSITORY } from "./lib/fixture.mjs";

/** Window sizes for screenshots. */
const SMALL = { width: 1000, height: 560 };
const MIDDLE = { width: 1120, height: 580 };
const LARGE = { width: 1280, height: 800 };

const SOURCE = join(REPOSITORY, "editors/vscode");

export async function play(story) {
  const vsix = await packageExtension(story);
  await extensionHost(story);
  await restrictedMode(story, vsix);
  await workbench(story, vsix);
}

/** The extension as users install it, without a server. */
async function packageExtension({ steps, installed }) {
  await extensionTools(SOURCE);
  const vsix = join(installed, "supercargo.vsix");
  await steps.step("the extension is packaged, its settings are current, its bundle is smaller than 500 kB", async () => {
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

/** The tests in the extension host. */
async function extensionHost({ steps, editor, fixture, pictures }) {
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "host"), env: env(fixture), settings: { "supercargo.db": fixture.db } });
  let failed = false;
  try {
    const code = await bench.test(pictures.browser, fixture.root, {
      development: SOURCE,
      module: join(REPOSITORY, "tests/editors/vscode/host.cjs"),
      limit: 4 * 60_000,
      onRecord({ name, seconds, note, failed: reason }) {
        if (reason) {
          failed = true;
          steps.failed(name, reason);
        } else steps.passed(name, seconds, note);
      },
    });
    if (failed) throw new StepFailed();
    await steps.step("the extension host exits", () => {
      if (code !== 0) throw new Error(`exit code ${code}`);
    });
  } finally {
    await bench.end();
  }
}

/** The story in a window. */
async function workbench({ steps, editor, fixture: first, fixes, deny, pictures, installed }, vsix) {
  const fixture = await Fixture.create(first.folder, first.server, first.home);
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "workbench"), env: env(fixture), vsix, settings: { "supercargo.db": fixture.db } });
  let window;
  try {
    window = await bench.open(pictures.browser, fixture.root);
    await windowStory({ steps, editor, fixture, fixes, pictures, window, bench });
    await checkResult(steps, fixture, fixes, deny);
  } catch (error) {
    await window?.screenshot(pictures, "vscode-failed").catch(() => {});
    throw error;
  } finally {
    await window?.close();
    await bench.end();
  }
}

async function windowStory({ steps, editor, fixture, fixes, pictures, window, bench }) {
  const { page } = window;
  const HOVER = '.monaco-hover:has-text("severity medium")';
  await steps.step("opens a nested manifest and shows findings and status", async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await window.shows(".squiggly-error", { timeout: 90_000 });
    await window.status(/supercargo: 4 errors, 6 warnings/);
    await until("the hints", async () => (await window.lines()).some((line) => /ring = "0\.17\.9" ?→ ?0\.17\./.test(line)));
    await window.sideBar(false);
    await page.setViewportSize(SMALL);
    await window.screenshot(pictures, "vscode-findings");
  });

  await steps.step("the hover of a dependency shows versions, dependency path and advisory", async () => {
    await window.line(18, 2);
    await window.command("Supercargo: Show Dependency Path");
    await window.shows(HOVER);
    await window.screenshot(pictures, "vscode-hover");
    await window.escape(HOVER);
    await page.setViewportSize(LARGE);
    await window.sideBar(true);
  });

  await steps.step("a click on the status bar item lists the findings", async () => {
    await page.locator('.statusbar-item[id^="supercargo"] a').click();
    for (const { code } of ERRORS) await window.shows(`.markers-panel .monaco-list-row:has-text("${code}")`);
    await window.screenshot(pictures, "vscode-problems");
    // A tooltip appears only some time after a click, and only when the pointer enters anew.
    await until("the tooltip of the status", async () => {
      await page.mouse.move(640, 300);
      await page.locator('.statusbar-item[id^="supercargo"] a').hover();
      await window.shows('.monaco-hover:has-text("advisories: 3 errors")', { timeout: 5_000 });
      return true;
    });
    await window.screenshot(pictures, "vscode-status");
    await page.mouse.move(640, 300);
    await window.panel(false);
  });

  await steps.step("the view shows the findings with their dependency paths", async () => {
    await page.locator('.activitybar .action-item:has([aria-label*="Supercargo"])').first().click();
    const row = (text) => `.pane-body .monaco-list-row:has-text("${text}")`;
    await window.shows(row("handshake_core"));
    await window.shows(row("time 0.3.44"));
    await page.locator(row("0.14.5")).first().locator(".monaco-tl-twistie").click();
    await window.shows(row("sqlx-core 0.8.0"));
    await page.locator(row("time 0.3.44")).first().click();
    await window.cursor(18);
    await page.setViewportSize(MIDDLE);
    await window.screenshot(pictures, "vscode-view");
    await page.setViewportSize(LARGE);
  });

  await steps.step("the dependency graph opens in a panel, and the keyboard leads from a package to its line", async () => {
    const row = page.locator('.pane-body .monaco-list-row:has-text("hashbrown")').first();
    await row.hover();
    await row.locator('[aria-label="Show Dependency Graph"]').click();
    const graph = window.webview();
    await graph.locator('svg rect.s + text:has-text("hashbrown 0.14.5")').waitFor();
    await page.setViewportSize(MIDDLE);
    await window.sideBar(false);
    await page.mouse.move(500, 20);
    await window.screenshot(pictures, "vscode-graph");
    const link = graph.locator('svg a:has-text("sqlx 0.8.0")');
    await link.focus();
    await window.screenshot(pictures, "vscode-graph-focus");
    await link.press("Enter");
    await window.shows('.tab.active[data-resource-name="Cargo.toml"]');
    await window.cursor(17);
    await page.locator('.tab:has-text("Why hashbrown")').first().click();
    await graph.locator('a:has-text("Open as text")').click();
    await window.showsLine("── sqlx 0.8.0");
    await window.screenshot(pictures, "vscode-graph-text");
    await window.command("View: Close All Editors");
    await window.file(`${CORE}/Cargo.toml`);
    await page.setViewportSize(LARGE);
    await window.sideBar(true);
  });

  await steps.step("a policy has completion, hover and lenses", async () => {
    const hover = '.monaco-hover:has-text("rsa")';
    const completion = '.suggest-widget .monaco-list-row:has-text("BSL-1.0")';
    await window.file(`${CORE}/deny.toml`);
    await window.sideBar(false);
    await page.setViewportSize(SMALL);
    await window.shows('.codelens-decoration:has-text("suppresses 1 finding")');
    await window.line(7, 18);
    await window.command("Show or Focus Hover");
    await window.shows(hover);
    await window.screenshot(pictures, "vscode-policy");
    await window.escape(hover);
    await window.line(11);
    await window.typeAtEnd('\n"BSL');
    await window.showsLine('"BSL');
    await window.status(/deny\.toml at line 12.*4 errors, 6 warnings/);
    await window.shows(completion);
    await window.screenshot(pictures, "vscode-completion");
    await window.escape(completion);
    await window.command("File: Revert File");
    await window.hides('.view-line:has-text("BSL")');
    await window.line(7, 18);
    await page.setViewportSize(LARGE);
    await window.sideBar(true);
  });

  await steps.step("the walkthrough opens", async () => {
    const item = '.monaco-list-row:has-text("Fix all findings of a workspace")';
    await window.command("Welcome: Open Walkthrough...", item);
    await page.locator(`.quick-input-widget ${item}`).click();
    await window.shows('.gettingStartedContainer :text("Read the findings")');
    await window.sideBar(false);
    await until("its picture", () => page.evaluate(() => [...document.querySelectorAll(".gettingStartedContainer img")].some((one) => one.naturalWidth > 0)));
    await window.screenshot(pictures, "vscode-walkthrough");
    await window.sideBar(true);
  });

  await steps.step("`supercargo check` runs in a terminal", async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await window.command("Supercargo: Check Workspace in Terminal");
    const terminal = page.locator(".terminal-wrapper.active .xterm-rows");
    await until("the counts and the exit code", async () => {
      const text = (await terminal.allTextContents()).join("").replaceAll("\u00a0", " ");
      return /advisories +3 errors/.test(text) && /terminated with exit code/.test(text);
    });
    await window.screenshot(pictures, "vscode-check");
    await window.panel(false);
  });

  await steps.step("`cargo update` in a terminal fixes the errors", async () => {
    const before = fixture.read("Cargo.lock");
    for (const [crate, version] of PATCHED) await fixture.cargo("update", "-p", crate, "--precise", version);
    await window.status(NO_ERRORS);
    await window.hides(".squiggly-error");
    await page.locator(".codelens-decoration", { hasText: /[1-9]\d* error/ }).first().waitFor({ state: "hidden" });
    await window.sideBar(false);
    await page.setViewportSize(SMALL);
    await window.screenshot(pictures, "vscode-clean");
    await page.setViewportSize(LARGE);
    await window.sideBar(true);
    fixture.write("Cargo.lock", before);
    await window.status(/supercargo: 4 errors/);
  });

  await steps.step("a second window on the same folder shows the same findings, and the changes that the first one saves", async () => {
    const second = await bench.open(pictures.browser, fixture.root);
    try {
      await second.file(`${CORE}/Cargo.toml`);
      await second.status(/supercargo: 4 errors/);
      const before = fixture.read("Cargo.toml");
      await window.file(`${CORE}/Cargo.toml`);
      await window.line(20, 1);
      await window.typeAtEnd("\nlog = '99'");
      await window.status(/supercargo: check failed/);
      await second.status(/supercargo: 4 errors/);
      await window.command("File: Save All");
      await second.status(/supercargo: check failed/);
      fixture.write("Cargo.toml", before);
      await Promise.all([window.status(/supercargo: 4 errors/), second.status(/supercargo: 4 errors/)]);
    } finally {
      await second.close();
    }
  });

  await steps.step("the view groups the findings of a comparison", async () => {
    const before = fixture.read("deny.toml");
    const ignoring = (id) => before.replace('"RUSTSEC-2024-0436",', `"RUSTSEC-2024-0436",\n    "${id}",`);
    const git = (...args) => succeed("git", ["-C", fixture.root, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args]);
    fixture.write("deny.toml", ignoring("RUSTSEC-2025-0009"));
    await git("commit", "--quiet", "--all", "--message", "base");
    fixture.write("deny.toml", ignoring("RUSTSEC-2026-0009"));
    bench.configure({ "supercargo.base": "HEAD" });
    const other = await bench.open(pictures.browser, fixture.root, MIDDLE);
    try {
      await other.file(`${CORE}/Cargo.toml`);
      await other.status(/supercargo: 3 errors, .* new since HEAD, 1 hidden by changes of the policy/);
      await other.page.locator('.activitybar .action-item:has([aria-label*="Supercargo"])').first().click();
      for (const group of ["New", "Hidden", "Already there"]) await other.shows(`.pane-body .monaco-list-row:has-text("${group}")`);
      for (const finding of ["ring 0.17.9", "time 0.3.44"]) await other.shows(`.pane-body .monaco-list-row:has-text("${finding}")`);
      await other.screenshot(pictures, "vscode-base");
    } finally {
      await other.close();
      bench.configure({ "supercargo.base": undefined });
      await git("reset", "--quiet", "--hard", "HEAD~1");
    }
  });

  await steps.step("findings and hover are shown in a high-contrast theme", async () => {
    // A window reads the user's settings when it opens.
    bench.configure({ "workbench.colorTheme": "Default High Contrast" });
    const other = await bench.open(pictures.browser, fixture.root, SMALL);
    try {
      await other.shows(".monaco-workbench.hc-black");
      await other.file(`${CORE}/Cargo.toml`);
      await other.shows(".squiggly-error");
      await other.status(/supercargo: 4 errors/);
      await other.line(18, 2);
      await other.command("Supercargo: Show Dependency Path");
      await other.shows(HOVER);
      await other.screenshot(pictures, "vscode-contrast");
      await other.escape(HOVER);
      await other.command("Supercargo: Show Dependency Graph");
      await other.webview().locator('svg rect.s + text:has-text("time 0.3.44")').waitFor();
      await other.screenshot(pictures, "vscode-graph-contrast");
    } finally {
      await other.close();
      bench.configure({ "workbench.colorTheme": "Default Dark Modern" });
    }
  });

  await steps.step("a setting with a wrong type is reported, and the workspace is checked", async () => {
    bench.configure({ "supercargo.debounce": "soon" });
    const other = await bench.open(pictures.browser, fixture.root);
    try {
      await other.shows('.notification-toast:has-text("debounce")');
      await other.status(/supercargo: 4 errors/);
      await other.screenshot(pictures, "vscode-settings");
    } finally {
      await other.close();
      bench.configure({ "supercargo.debounce": undefined });
    }
  });

  await steps.step("a server that crashes repeatedly is not restarted, and one message offers the log", async () => {
    // Every 10 ms, so that most servers are killed before they answer.
    const kills = setInterval(() => descendants(bench.pid).forEach((one) => one.program === fixture.server && kill(one.pid)), 10);
    const toasts = page.locator(".notification-toast");
    try {
      await window.status(/supercargo: not running/);
      await window.shows('.notification-toast:has-text("crashed 5 times in the last 3 minutes")');
    } finally {
      clearInterval(kills);
    }
    await window.shows('.pane-body :text("The server is not running")');
    await window.screenshot(pictures, "vscode-crashes");
    const messages = await toasts.allTextContents();
    if (messages.length !== 1) throw new Error(`there are ${messages.length} messages: ${messages.join(" | ")}`);
    await toasts.locator('.monaco-button:has-text("Show Log")').click();
    await window.shows('.part.panel [id="workbench.panel.output"], .part.panel .output-view');
    if (editor.logs) {
      // The panel shows the last lines only, and the reason may stand above them.
      await until("the reason in the log", () => /Server process exited with signal SIGKILL/.test(bench.log("Supercargo")));
      await window.shows('.part.panel .view-line:has-text("[error]")');
    }
    await window.screenshot(pictures, "vscode-log");
    await window.command("Supercargo: Restart Server");
    await window.status(/supercargo: 4 errors/);
    await window.panel(false);
    return editor.logs ? undefined : "without the text of the log: its native module could not be compiled";
  });

  await ignoreAdvisory({ steps, fixes, pictures, window });
  await fixAll({ steps, fixture, fixes, pictures, window });

  await steps.step("no server is left when the window is closed", async () => {
    const servers = () => descendants(bench.pid).filter((one) => one.program === fixture.server);
    if (servers().length === 0) throw new Error("there was no server");
    await window.close();
    await bench.end();
    await until("no server", () => servers().length === 0);
  });
}

const NO_ERRORS = /supercargo: (no errors|\d+ warnings?\b)/;
const MENU_ITEM = ".action-widget .monaco-list-row.action";

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has already exited.
  }
}

/** Opens the menu of quick fixes until `accepts`, a function of its first item, returns something truthy, and returns that. */
async function quickFixes(window, what, accepts) {
  const first = window.page.locator(MENU_ITEM).first();
  const none = window.page.locator(".monaco-editor-overlaymessage", { hasText: "No code actions available" });
  return until(what, async () => {
    // Not with its key: in a menu that has just opened, the key applies the first action.
    await window.command("Quick Fix...");
    // VS Code drops a request shortly after a move of the cursor. The menu does not open then, so the wait has its own limit.
    await first.or(none).first().waitFor({ timeout: MENU_LIMIT });
    if (!(await first.isVisible())) return undefined;
    const result = await accepts(first);
    if (!result) await window.escape(MENU_ITEM);
    return result;
  }, FIX_LIMIT);
}

/** The last quick fix, which is undone again. */
async function ignoreAdvisory({ steps, fixes, pictures, window }) {
  const IGNORE = "the last quick fix ignores an advisory and selects the reason";
  if (!fixes) return steps.skip(IGNORE, "the server offers no code actions");
  const { page } = window;
  await steps.step(IGNORE, async () => {
    await window.file(`${CORE}/Cargo.toml`);
    await window.sideBar(false);
    await page.setViewportSize(SMALL);
    await window.line(18, 22);
    const ignore = page.locator(MENU_ITEM, { hasText: /ignore `?RUSTSEC-2026-0009/ });
    await quickFixes(window, "an ignore as the last action", () => ignore.count());
    await ignore.click();
    await window.shows('.tab.active[data-resource-name="deny.toml"]');
    await page.locator(".statusbar-item", { hasText: /^Ln \d+, Col \d+ \(\d+ selected\)/ }).waitFor();
    await window.screenshot(pictures, "vscode-reason");
    await page.keyboard.type("dates come from our own devices");
    await window.showsLine('{ id = "RUSTSEC-2026-0009", reason = "dates come from our own devices" }');
    await window.status(/supercargo: 3 errors/);
    await window.command("File: Revert File");
    await window.status(/supercargo: 4 errors/);
    await page.setViewportSize(LARGE);
    await window.sideBar(true);
  });
}

async function fixAll({ steps, fixture, fixes, pictures, window }) {
  const FIXES = "the first quick fix on each line fixes all errors, and all files are saved";
  if (!fixes) {
    steps.skip(FIXES, "the server offers no code actions");
    return;
  }
  const { page } = window;
  await steps.step(FIXES, async () => {
    const applied = [];
    await window.file(`${CORE}/Cargo.toml`);
    // A window that changes its size closes the menu.
    await window.sideBar(false);
    await page.setViewportSize(SMALL);
    for (const [line, column] of [[18, 22], [17, 22], [14, 10]]) {
      await window.line(line, column);
      const title = await quickFixes(window, "an upgrade as the first action", async (first) => {
        const text = (await first.textContent()).trim();
        return /upgrade/.test(text) && text;
      });
      if (line === 18) {
        // An item under the mouse would be highlighted.
        await page.mouse.move(500, 500);
        await window.screenshot(pictures, "vscode-quickfix");
      }
      await page.locator(MENU_ITEM).first().click();
      applied.push(title);
      const left = 4 - applied.length;
      await window.status(new RegExp(`supercargo: (no errors|\\d+ warnings?\\b|[1-${left}] errors?\\b)`), FIX_LIMIT);
    }
    await window.status(NO_ERRORS);
    await window.command("File: Save All");
    await page.setViewportSize(LARGE);
    await until("the files are saved", async () => (await fixture.check("--only", "advisories,licenses")).code === 0);
    return applied.join("; ");
  });
}

/** The story in an untrusted workspace. */
async function restrictedMode({ steps, editor, fixture: first, pictures }, vsix) {
  const fixture = await Fixture.create(first.folder, first.server, first.home);
  const bench = await Workbench.start({ editor, folder: fresh(fixture, "untrusted"), env: env(fixture), vsix, trust: true, settings: { "supercargo.db": fixture.db, "security.workspace.trust.startupPrompt": "never", "workbench.colorTheme": "Default Light Modern" } });
  let window;
  try {
    window = await bench.open(pictures.browser, fixture.root);
    await steps.step("an untrusted workspace is checked without starting a program", async () => {
      await window.file(`${CORE}/Cargo.toml`);
      const server = await until("the server", () => descendants(bench.pid).find((one) => one.program === fixture.server));
      const started = new Set();
      const watch = setInterval(() => descendants(server.pid).forEach((one) => started.add(one.arguments.join(" "))), 5);
      try {
        await window.status(/supercargo: 3 errors.*not trusted/);
        await window.shows(".squiggly-error");
        await window.screenshot(pictures, "vscode-untrusted");
        await window.line(20, 1);
        await window.typeAtEnd("\nlog = '0.4'");
        await window.showsLine("log = '0.4'");
        await window.status(/supercargo: .*not trusted/);
      } finally {
        clearInterval(watch);
      }
      if (started.size) throw new Error(`it started ${[...started].join(", ")}`);
      await window.page.keyboard.press("Control+Z");
    });
    await steps.step("a workspace that becomes trusted is checked completely", async () => {
      await window.command("Workspaces: Manage Workspace Trust");
      await window.page.locator('.workspace-trust-editor a:has-text("Trust")').first().click();
      await window.status(/supercargo: 4 errors, 6 warnings/);
    });
  } catch (error) {
    await window?.screenshot(pictures, "vscode-failed").catch(() => {});
    throw error;
  } finally {
    await window?.close();
    await bench.end();
  }
}
