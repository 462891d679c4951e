// A terminal that a program can look at: tmux on a socket of its own, painted by a browser for people.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { run, succeed } from "./processes.mjs";
import { until } from "./waiting.mjs";

let number = 0;

// tmux goes on by itself, so it is ended with the run.
const open = new Set();
process.on("exit", () => {
  for (const { socket } of open) spawnSync("tmux", ["-L", socket, "kill-server"]);
});

export class Screen {
  /** Runs `command` in a new terminal. */
  static async open(env, cwd, command, { columns = 120, rows = 30 } = {}) {
    const screen = new Screen(`supercargo-${process.pid}-${number++}`, columns);
    const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const settings = { ...env, TERM: "xterm-256color", COLORTERM: "truecolor", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
    const options = [["-g", "default-terminal", "tmux-256color"], ["-g", "remain-on-exit", "on"], ["-sg", "escape-time", "0"]];
    const size = ["-x", String(columns), "-y", String(rows)];
    open.add(screen);
    // In one go: a server without a session ends.
    await succeed("tmux", [
      ...["-L", screen.socket, "-f", "/dev/null"],
      ...options.flatMap((option) => ["set-option", ...option, ";"]),
      ...["new-session", "-d", "-s", "it", ...size, "-c", cwd, `exec ${words}`],
    ], { env: settings, cwd });
    return screen;
  }

  constructor(socket, columns) {
    this.socket = socket;
    this.columns = columns;
    this.typed = Promise.resolve();
  }

  tmux(...args) {
    return succeed("tmux", ["-L", this.socket, ...args]);
  }

  /** Presses keys: tmux's names for them, or text. */
  type(...keys) {
    this.typed = this.typed.then(() => this.tmux("send-keys", "-t", "it", ...keys));
    this.typed.catch(() => {});
  }

  async text() {
    await this.typed;
    return this.tmux("capture-pane", "-p", "-t", "it");
  }

  /** Waits until the screen shows all of this. */
  async shows(...patterns) {
    let text = "";
    try {
      await until(patterns.join(" and "), async () => {
        text = await this.text();
        return patterns.every((pattern) => pattern.test(text));
      });
    } catch (error) {
      throw new Error(`the screen does not show ${error.message}\n${text}`);
    }
  }

  async showsNo(pattern) {
    await until(`no ${pattern} on the screen`, async () => !pattern.test(await this.text()));
  }

  /** The exit code of the program, when it has ended. */
  async exitCode() {
    const told = await until("the program ends", async () => {
      const told = (await this.tmux("display-message", "-p", "-t", "it", "#{pane_dead} #{pane_dead_status}")).trim();
      return told.startsWith("1") && told;
    });
    return Number(told.split(" ")[1] ?? 0);
  }

  async pid() {
    return Number((await this.tmux("display-message", "-p", "-t", "it", "#{pane_pid}")).trim());
  }

  /** Paints what is shown now, where there is a browser to do it. */
  async shoot(pictures, name) {
    if (!pictures?.browser) return;
    await this.typed;
    const text = await this.tmux("capture-pane", "-p", "-e", "-N", "-t", "it");
    const page = await pictures.browser.newPage({ deviceScaleFactor: 1 });
    try {
      await page.setContent(painted(text));
      await page.locator("pre").screenshot({ path: join(pictures.folder, `${name}.png`) });
    } finally {
      await page.close();
    }
  }

  async close() {
    open.delete(this);
    await run("tmux", ["-L", this.socket, "kill-server"]);
  }
}

const BACKGROUND = "#14161b";
const FOREGROUND = "#e0e2ea";
const SIXTEEN = ["#14161b", "#e06c75", "#8ccf7e", "#e5c76b", "#67b0e8", "#c47fd5", "#6cbfbf", "#dadada", "#5c6370", "#ff7b86", "#96d988", "#f4d67a", "#71baf2", "#ce89df", "#67cbe7", "#ffffff"];

/** A screen with its escape sequences, as HTML. */
function painted(text) {
  let style = {};
  const lines = text.replace(/\n$/, "").split("\n").map((line) => {
    let html = "";
    for (const part of line.split(/(\x1b\[[\d;:]*m)/)) {
      const codes = part.match(/^\x1b\[([\d;:]*)m$/);
      if (codes) style = applied(style, codes[1]);
      else if (part) html += `<span style="${css(style)}">${escaped(part)}</span>`;
    }
    return `<div>${html || " "}</div>`;
  });
  const look = `margin:0;padding:10px;display:inline-block;background:${BACKGROUND};color:${FOREGROUND};font:14px 'DejaVu Sans Mono',monospace`;
  // The background of a cell is as high as its line.
  const cells = "div,span{height:18px;line-height:18px}span{display:inline-block;white-space:pre}";
  return `<style>${cells}</style><body style="margin:0;background:${BACKGROUND}"><pre style="${look}">${lines.join("")}</pre></body>`;
}

function applied(old, codes) {
  let style = { ...old };
  const all = codes === "" ? ["0"] : codes.split(";");
  for (let at = 0; at < all.length; at++) {
    const [code, kind] = all[at].split(":").map(Number);
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.line = kind === 0 ? undefined : kind === 3 ? "wavy" : "solid";
    else if (code === 7) style.reverse = true;
    else if (code === 9) style.strike = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.line = undefined;
    else if (code === 27) style.reverse = false;
    else if (code >= 30 && code <= 37) style.fore = SIXTEEN[code - 30];
    else if (code >= 40 && code <= 47) style.back = SIXTEEN[code - 40];
    else if (code >= 90 && code <= 97) style.fore = SIXTEEN[code - 82];
    else if (code >= 100 && code <= 107) style.back = SIXTEEN[code - 92];
    else if (code === 39) style.fore = undefined;
    else if (code === 49) style.back = undefined;
    else if (code === 59) style.lineColor = undefined;
    else if (code === 38 || code === 48 || code === 58) {
      const inline = all[at].includes(":");
      const numbers = inline ? all[at].split(":").slice(1).filter((one) => one !== "").map(Number) : all.slice(at + 1).map(Number);
      const name = { 38: "fore", 48: "back", 58: "lineColor" }[code];
      if (numbers[0] === 5) {
        style[name] = palette(numbers[1]);
        if (!inline) at += 2;
      } else {
        const [red, green, blue] = inline ? numbers.slice(-3) : numbers.slice(1, 4);
        style[name] = `rgb(${red},${green},${blue})`;
        if (!inline) at += 4;
      }
    }
  }
  return style;
}

function palette(index) {
  if (index < 16) return SIXTEEN[index];
  if (index >= 232) return `rgb(${Array(3).fill(8 + (index - 232) * 10)})`;
  const level = (one) => (one ? 55 + one * 40 : 0);
  const cube = index - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level)})`;
}

function css({ fore, back, bold, dim, italic, line, strike, lineColor, reverse }) {
  const [color, background] = reverse ? [back ?? BACKGROUND, fore ?? FOREGROUND] : [fore, back];
  const rules = [];
  if (color) rules.push(`color:${color}`);
  if (background) rules.push(`background:${background}`);
  if (bold) rules.push("font-weight:bold");
  if (dim) rules.push("opacity:.7");
  if (italic) rules.push("font-style:italic");
  if (line || strike) rules.push(`text-decoration:${[line && "underline", strike && "line-through"].filter(Boolean).join(" ")} ${line === "wavy" ? "wavy" : ""} ${lineColor ?? ""}`);
  return rules.join(";");
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
