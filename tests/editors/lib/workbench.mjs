// VS Code's workbench in a browser: code-server with a profile of its own, and what a user does in it.
import { createServer } from "node:net";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start, succeed } from "./processes.mjs";
import { LIMIT, until, within } from "./waiting.mjs";

const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "workbench.enableExperiments": false,
  "workbench.settings.enableNaturalLanguageSearch": false,
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "git.openRepositoryInParentFolders": "never",
  "security.workspace.trust.enabled": false,
  "workbench.reduceMotion": "on",
  "editor.minimap.enabled": false,
  "breadcrumbs.enabled": false,
  "window.commandCenter": false,
  "workbench.layoutControl.enabled": false,
  "files.autoSave": "off",
  "terminal.integrated.gpuAcceleration": "off",
};

export class Workbench {
  /** Starts VS Code's server with a fresh profile in `folder`. */
  static async start({ editor, folder, env, vsix, settings = {}, trust = false }) {
    const bench = new Workbench(folder);
    bench.port = await freePort();
    for (const name of ["data/User", "data/Machine", "extensions", "config"]) mkdirSync(join(folder, name), { recursive: true });
    // The user's settings are those of the browser's own profile on the server.
    bench.settings = { ...SETTINGS, ...settings, ...(trust ? { "security.workspace.trust.enabled": true } : {}) };
    bench.configure({});
    writeFileSync(join(folder, "data/Machine/settings.json"), JSON.stringify(settings));
    const own = { ...env, XDG_CONFIG_HOME: join(folder, "config"), XDG_DATA_HOME: join(folder, "xdg-data"), XDG_CACHE_HOME: join(folder, "xdg-cache") };
    delete own.VSCODE_IPC_HOOK_CLI;
    const profile = ["--user-data-dir", join(folder, "data"), "--extensions-dir", join(folder, "extensions")];
    if (vsix) {
      await succeed(editor.node, [editor.entry, ...profile, "--install-extension", vsix], { env: own, limit: 120_000 });
    }
    const words = [editor.entry, ...profile, "--bind-addr", `127.0.0.1:${bench.port}`, "--auth", "none", "--disable-telemetry", "--disable-update-check"];
    if (!trust) words.push("--disable-workspace-trust");
    bench.server = start(editor.node, words, { env: own, cwd: folder });
    await until("code-server", async () => (await fetch(`http://127.0.0.1:${bench.port}/healthz`)).ok);
    return bench;
  }

  constructor(folder) {
    this.folder = folder;
  }

  /** Changes the user's settings, also while the workbench is open. */
  configure(settings) {
    this.settings = { ...this.settings, ...settings };
    writeFileSync(join(this.folder, "data/User/settings.json"), JSON.stringify(this.settings));
  }

  get pid() {
    return this.server.pid;
  }

  get authority() {
    return `127.0.0.1:${this.port}`;
  }

  /** Opens a folder in a new window. */
  async open(browser, root, { width = 1280, height = 800 } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    await page.goto(`http://${this.authority}/?folder=${encodeURIComponent(root)}`, { timeout: 120_000 });
    await page.waitForSelector(".monaco-workbench", { timeout: 120_000 });
    return new Window(page, context);
  }

  /**
   * Runs a module's `run()` in the real extension host, with the extension in `development`. A built workbench takes no tests from its
   * address, so they are put into the page's own configuration on its way to the browser; nothing that is installed is changed.
   */
  async test(browser, root, { development, module, onLine, limit }) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const uri = (path) => ({ scheme: "vscode-remote", authority: this.authority, path });
    const exit = new Promise((resolve) => void page.exposeFunction("codeAutomationExit", resolve));
    await page.exposeFunction("codeAutomationLog", () => {});
    page.on("console", (message) => {
      const found = message.text().match(/@(\{.*\})/s);
      if (found) onLine(JSON.parse(found[1]));
    });
    await page.addInitScript(
      (options) => {
        const get = Element.prototype.getAttribute;
        Element.prototype.getAttribute = function (name) {
          const value = get.call(this, name);
          if (name !== "data-settings" || this.id !== "vscode-workbench-web-configuration") return value;
          const configuration = JSON.parse(value);
          configuration.developmentOptions = { ...configuration.developmentOptions, ...options };
          return JSON.stringify(configuration);
        };
      },
      { extensions: [uri(development)], extensionTestsPath: uri(module) },
    );
    try {
      await page.goto(`http://${this.authority}/?folder=${encodeURIComponent(root)}`, { timeout: 120_000 });
      return await within("the tests in the extension host", exit, limit);
    } finally {
      await context.close();
    }
  }

  async end() {
    await this.server.end();
  }
}

/** One window, by what a user sees and does. */
class Window {
  constructor(page, context) {
    this.page = page;
    this.context = context;
  }

  async command(name) {
    await this.page.keyboard.press("F1");
    const box = this.page.locator(".quick-input-widget input");
    await box.waitFor();
    await box.fill(`>${name}`);
    await this.page.locator(`.quick-input-widget .monaco-list-row.focused:has-text("${name}")`).first().waitFor();
    await this.page.keyboard.press("Enter");
  }

  /** Opens a file by its path below the folder. */
  async file(path) {
    await this.page.keyboard.press("Control+P");
    const box = this.page.locator(".quick-input-widget input");
    await box.waitFor();
    await box.fill(path);
    await this.page.locator(`.quick-input-widget .monaco-list-row.focused[aria-label*="${path.split("/").pop()}"]`).first().waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector(`.tab.active[data-resource-name="${path.split("/").pop()}"]`);
  }

  /** The texts of the editor's lines that are in view. */
  async lines() {
    const texts = await this.page.$$eval(".editor-instance .view-line", (lines) => lines.map((line) => [line.getBoundingClientRect().top, line.textContent]));
    return texts.sort((a, b) => a[0] - b[0]).map(([, text]) => text.replaceAll("\u00a0", " "));
  }

  async shows(selector, options) {
    await this.page.locator(selector).first().waitFor(options);
  }

  async gone(selector) {
    await this.page.locator(selector).first().waitFor({ state: "hidden" });
  }

  /** Puts the caret into a line, by its number from 1. */
  async line(number, column = 1) {
    await this.page.keyboard.press("Control+G");
    const box = this.page.locator(".quick-input-widget input");
    await box.waitFor();
    await box.fill(`:${number}:${column}`);
    await this.page.keyboard.press("Enter");
    await box.waitFor({ state: "hidden" });
  }

  async status(pattern) {
    const item = this.page.locator('.statusbar-item[id^="supercargo"]');
    return until(`the status ${pattern}`, async () => {
      const text = (await item.textContent({ timeout: 1000 })).trim();
      if (!pattern.test(text)) throw new Error(`it is \`${text}\``);
      return text;
    });
  }

  async shoot(pictures, name, selector) {
    const path = join(pictures.folder, `${name}.png`);
    // What fades in is shown as it is when that is done.
    const options = { path, animations: "disabled" };
    if (selector) await this.page.locator(selector).first().screenshot(options);
    else await this.page.screenshot(options);
  }

  async close() {
    await this.context.close();
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
