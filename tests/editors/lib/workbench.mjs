// VS Code's workbench in a browser: code-server with its own profile, and the actions of a user.
import { createServer } from "node:net";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
    // In a browser the user's settings are in the profile on the server.
    bench.settings = { ...SETTINGS, ...settings, ...(trust ? { "security.workspace.trust.enabled": true } : {}) };
    bench.configure({});
    writeFileSync(join(folder, "data/Machine/settings.json"), JSON.stringify(settings));
    const serverEnv = { ...env, XDG_CONFIG_HOME: join(folder, "config"), XDG_DATA_HOME: join(folder, "xdg-data"), XDG_CACHE_HOME: join(folder, "xdg-cache") };
    delete serverEnv.VSCODE_IPC_HOOK_CLI;
    const profile = ["--user-data-dir", join(folder, "data"), "--extensions-dir", join(folder, "extensions")];
    if (vsix) {
      await succeed(editor.node, [editor.entry, ...profile, "--install-extension", vsix], { env: serverEnv, limit: 120_000 });
    }
    const args = [editor.entry, ...profile, "--bind-addr", `127.0.0.1:${bench.port}`, "--auth", "none", "--disable-telemetry", "--disable-update-check"];
    if (!trust) args.push("--disable-workspace-trust");
    bench.server = start(editor.node, args, { env: serverEnv, cwd: folder });
    await until("code-server", async () => (await fetch(`http://127.0.0.1:${bench.port}/healthz`)).ok);
    return bench;
  }

  constructor(folder) {
    this.folder = folder;
  }

  /** The text of the log output channel `name`, of all windows. */
  log(name) {
    const logs = join(this.folder, "data/logs");
    const files = readdirSync(logs, { recursive: true }).filter((path) => basename(path) === `${name}.log`);
    return files.map((path) => readFileSync(join(logs, path), "utf8")).join("");
  }

  /** Changes the user's settings; a window reads them when it opens. */
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
   * Runs `run()` of a module in the real extension host, with the extension in the folder `development`. A release build of the workbench
   * has no option for tests, so this patches the configuration that the page reads. The installed files do not change.
   */
  async test(browser, root, { development, module, onRecord, limit }) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const uri = (path) => ({ scheme: "vscode-remote", authority: this.authority, path });
    const exit = new Promise((resolve) => void page.exposeFunction("codeAutomationExit", resolve));
    await page.exposeFunction("codeAutomationLog", () => {});
    page.on("console", (message) => {
      const record = message.text().match(/@(\{.*\})/s);
      if (record) onRecord(JSON.parse(record[1]));
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

/** One window. Each action of a user ends when the window shows its result. */
class Window {
  constructor(page, context) {
    this.page = page;
    this.context = context;
    this.quickInput = page.locator(".quick-input-widget input").first();
  }

  /** Opens a quick input with a key, enters a text, and accepts it. `row` is the item that has to be selected. */
  async enter(key, text, row) {
    await this.quickInput.waitFor({ state: "hidden" });
    await this.page.keyboard.press(key);
    await this.quickInput.waitFor();
    await this.quickInput.fill(text);
    if (row) await this.page.locator(`.quick-input-widget .monaco-list-row.focused${row}`).first().waitFor();
    await this.page.keyboard.press("Enter");
  }

  /** Runs a command. `next` is a selector for the quick input that the command opens, if it opens one. */
  async command(name, next) {
    await this.enter("F1", `>${name}`, `:has-text("${name}")`);
    if (next) await this.shows(`.quick-input-widget ${next}`);
    else await this.quickInput.waitFor({ state: "hidden" });
  }

  /** Opens a file by its path below the folder. */
  async file(path) {
    const name = path.split("/").pop();
    await this.enter("Control+P", path, `[aria-label*="${name}"]`);
    await this.quickInput.waitFor({ state: "hidden" });
    await this.shows(`.tab.active[data-resource-name="${name}"]`);
  }

  /** The texts of the visible lines. */
  async lines() {
    const texts = await this.page.$$eval(".editor-instance .view-line", (lines) => lines.map((line) => [line.getBoundingClientRect().top, line.textContent]));
    return texts.sort((a, b) => a[0] - b[0]).map(([, text]) => text.replaceAll("\u00a0", " "));
  }

  /** Waits until a visible line contains a text. */
  async showsLine(text) {
    await until(`a line with ${text}`, async () => (await this.lines()).some((line) => line.includes(text)));
  }

  async shows(selector, options) {
    await this.page.locator(selector).first().waitFor(options);
  }

  async hides(selector) {
    await this.page.locator(selector).first().waitFor({ state: "hidden" });
  }

  /** The page of the webview that is open. */
  webview() {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  /** Closes what Escape closes: a hover, a menu, a list of completions. */
  async escape(selector) {
    await this.page.keyboard.press("Escape");
    await this.hides(selector);
  }

  /** Moves the cursor to a position, counted from 1. */
  async line(number, column = 1) {
    await this.enter("Control+G", `:${number}:${column}`);
    await this.quickInput.waitFor({ state: "hidden" });
    await this.cursor(number, column);
  }

  /** Waits until the cursor is at a position. */
  async cursor(number, column) {
    const text = new RegExp(`^Ln ${number}, Col ${column ?? "\\d+"}\\b`);
    await this.page.locator(".statusbar-item", { hasText: text }).first().waitFor();
  }

  /** Moves the cursor to the end of its line, and types a text. */
  async typeAtEnd(text) {
    const position = this.page.locator(".statusbar-item", { hasText: /^Ln \d+, Col \d+/ }).first();
    const before = await position.textContent();
    await this.page.keyboard.press("End");
    await until("the cursor at the end of the line", async () => (await position.textContent()) !== before);
    await this.page.keyboard.type(text);
  }

  /** Shows or hides the side bar. */
  async sideBar(visible) {
    await this.toggle(".part.sidebar", "Control+B", visible);
  }

  /** Shows or hides the panel. */
  async panel(visible) {
    await this.toggle(".part.panel", "Control+J", visible);
  }

  async toggle(selector, key, visible) {
    const part = this.page.locator(selector).first();
    if ((await part.isVisible()) === visible) return;
    await this.page.keyboard.press(key);
    await part.waitFor({ state: visible ? "visible" : "hidden" });
  }

  /** Waits until the text of the status bar item matches, and returns it. */
  async status(pattern, limit) {
    const item = this.page.locator('.statusbar-item[id^="supercargo"]');
    return until(`the status ${pattern}`, async () => {
      const text = (await item.textContent({ timeout: 1000 })).trim();
      if (!pattern.test(text)) throw new Error(`it is \`${text}\``);
      return text;
    }, limit);
  }

  async screenshot(pictures, name) {
    // Animations are finished first, so that nothing is half transparent.
    await this.page.screenshot({ path: join(pictures.folder, `${name}.png`), animations: "disabled" });
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
