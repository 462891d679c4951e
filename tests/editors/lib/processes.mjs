// Runs and lists processes.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

const running = new Set();

// Every child process ends with this process.
process.on("exit", () => {
  for (const child of running) end(child);
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(130));
}

function end(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has already exited.
  }
}

/** Starts a program that ends with this process. `child.output` has its output. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
  running.add(child);
  child.output = "";
  const keep = (text) => {
    child.output = (child.output + text).slice(-200_000);
  };
  child.stdout?.setEncoding("utf8").on("data", keep);
  child.stderr?.setEncoding("utf8").on("data", keep);
  child.ended = new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 127, error }));
    child.on("close", (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? 128, signal });
    });
  });
  child.end = async () => {
    end(child);
    await child.ended;
  };
  return child;
}

/** Runs a program and waits for it: `{code, out, err}`. */
export async function run(command, args, { limit = 120_000, ...options } = {}) {
  const child = start(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  const timer = setTimeout(() => end(child), limit);
  const { code, signal, error } = await child.ended;
  clearTimeout(timer);
  if (error) throw error;
  if (signal) throw new Error(`${command} ${args.join(" ")}: ended by ${signal}\n${err.slice(-2000)}`);
  return { code, out, err };
}

/** Runs a program that has to succeed, and returns its standard output. */
export async function succeed(command, args, options) {
  const { code, out, err } = await run(command, args, options);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")}: exit code ${code}\n${(out + err).slice(-3000)}`);
  }
  return out;
}

/** All processes of the machine: `{pid, parent, program, arguments}`. */
export function processes() {
  const found = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
      found.push({ pid: Number(name), parent, program: program(name), arguments: words });
    } catch {
      // It has exited in the meantime.
    }
  }
  return found;
}

function program(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
  } catch {
    return "";
  }
}

/** All descendants of the process `pid`. */
export function descendants(pid) {
  const all = processes();
  const tree = new Set([pid]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const one of all) if (tree.has(one.parent)) tree.add(one.pid);
  }
  tree.delete(pid);
  return all.filter((one) => tree.has(one.pid));
}
