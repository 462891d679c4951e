// A terminal for a test: tmux on its own socket. Screenshots are rendered by a browser.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { run, succeed } from "./processes.mjs";
import { LIMIT, until } from "./waiting.mjs";

let number = 0;

// tmux runs in the background, so it has to be ended with this process.
const open = new Set();
process.on("exit", () => {
  for (const { socket } of open) spawnSync("tmux", ["-L", socket, "kill-server"]);
});

export class Screen {
  /** Runs `command` in a new terminal. */
  static async open(env, cwd, command, { columns = 120, rows = 30 } = {}) {
    const screen = new Screen(`supercargo-${process.pid}-${number++}`);
    const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const settings = { ...env, TERM: "xterm-256color", COLORTERM: "truecolor", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
    const options = [["-g", "default-terminal", "tmux-256color"], ["-g", "remain-on-exit", "on"], ["-sg", "escape-time", "0"]];
    const size = ["-x", String(columns), "-y", String(rows)];
    open.add(screen);
    // One command, because a tmux server without a session exits.
    await succeed("tmux", [
      ...["-L", screen.socket, "-f", "/dev/null"],
      ...options.flatMap((option) => ["set-option", ...option, ";"]),
      ...["new-session", "-d", "-s", "test", ...size, "-c", cwd, `exec ${words}`],
    ], { env: settings, cwd });
    return screen;
  }

  constructor(socket) {
    this.socket = socket;
  }

  tmux(...args) {
    return succeed("tmux", ["-L", this.socket, ...args]);
  }

  /** Presses keys, by tmux's names. The next call has to wait for what they change on the screen. */
  press(...keys) {
    return this.tmux("send-keys", "-t", "test", ...keys);
  }

  /** Types a text literally. */
  type(text) {
    return this.tmux("send-keys", "-t", "test", "-l", text);
  }

  text() {
    return this.tmux("capture-pane", "-p", "-t", "test");
  }

  /**
   * Waits until `condition`, a function of the screen's text, returns something truthy, and returns that. It has to hold for two
   * captures in a row: one capture can be taken while the program is drawing.
   */
  async state(what, condition, limit = LIMIT) {
    let text = "";
    let before = false;
    try {
      return await until(what, async () => {
        text = await this.text();
        const result = condition(text);
        const holds = before && result;
        before = Boolean(result);
        return holds;
      }, limit);
    } catch (error) {
      throw new Error(`the screen does not show ${error.message}\n${text}`);
    }
  }

  /** Waits until the screen shows all patterns. */
  shows(...patterns) {
    return this.state(patterns.join(" and "), (text) => patterns.every((pattern) => pattern.test(text)));
  }

  /** Waits until the screen shows none of the patterns. */
  hides(...patterns) {
    return this.state(`none of ${patterns.join(", ")}`, (text) => !patterns.some((pattern) => pattern.test(text)));
  }

  /** Waits until the program has exited, and returns its exit code. */
  async exitCode() {
    const status = await until("the program exits", async () => {
      const status = (await this.tmux("display-message", "-p", "-t", "test", "#{pane_dead} #{pane_dead_status}")).trim();
      return status.startsWith("1") && status;
    });
    return Number(status.split(" ")[1] ?? 0);
  }

  async pid() {
    return Number((await this.tmux("display-message", "-p", "-t", "test", "#{pane_pid}")).trim());
  }

  /** Takes a screenshot, if there is a browser. */
  async screenshot(pictures, name) {
    if (!pictures?.browser) return;
    const text = await this.tmux("capture-pane", "-p", "-e", "-N", "-t", "test");
    const page = await pictures.browser.newPage({ deviceScaleFactor: 1 });
    try {
      await page.setContent(html(text));
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
const PALETTE_16 = ["#14161b", "#e06c75", "#8ccf7e", "#e5c76b", "#67b0e8", "#c47fd5", "#6cbfbf", "#dadada", "#5c6370", "#ff7b86", "#96d988", "#f4d67a", "#71baf2", "#ce89df", "#67cbe7", "#ffffff"];

/** The HTML for a captured screen with escape sequences. */
function html(text) {
  let style = {};
  const lines = text.replace(/\n$/, "").split("\n").map((line) => {
    let row = "";
    for (const part of line.split(/(\x1b\[[\d;:]*m)/)) {
      const codes = part.match(/^\x1b\[([\d;:]*)m$/);
      if (codes) style = withCodes(style, codes[1]);
      else if (part) row += `<span style="${css(style)}">${escaped(part)}</span>`;
    }
    return `<div>${row || " "}</div>`;
  });
  const preStyle = `margin:0;padding:10px;display:inline-block;background:${BACKGROUND};color:${FOREGROUND};font:14px 'DejaVu Sans Mono',monospace`;
  // The background of a cell has the height of its line.
  const cells = "div,span{height:18px;line-height:18px}span{display:inline-block;white-space:pre}";
  return `<style>${cells}</style><body style="margin:0;background:${BACKGROUND}"><pre style="${preStyle}">${lines.join("")}</pre></body>`;
}

/** The style after an SGR sequence. */
function withCodes(old, codes) {
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
    else if (code >= 30 && code <= 37) style.fore = PALETTE_16[code - 30];
    else if (code >= 40 && code <= 47) style.back = PALETTE_16[code - 40];
    else if (code >= 90 && code <= 97) style.fore = PALETTE_16[code - 82];
    else if (code >= 100 && code <= 107) style.back = PALETTE_16[code - 92];
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
  if (index < 16) return PALETTE_16[index];
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
