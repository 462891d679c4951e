// What is known of one process of the server, for whoever asks why it ended.

import type { ChildProcess } from "node:child_process";

/** How many of the last lines on standard error are kept. */
const LINES = 20;

/** How long the last lines may take to arrive after the connection is gone. */
const LATE = 1_000;

/** How long a process may take to end after its connection has failed, to be one that has ended. */
const NEAR = 500;

export class Ending {
  private readonly lines: string[] = [];
  private readonly started = Date.now();
  private readonly closed: Promise<string>;

  constructor(private readonly child: ChildProcess) {
    this.closed = new Promise((resolve) => {
      // After its last lines; "exit" comes before them.
      child.once("close", (code, signal) => resolve(this.sentence(code, signal)));
    });
  }

  /** A line that it wrote to standard error. */
  heard(line: string): void {
    if (!line.trim()) return;
    this.lines.push(line);
    if (this.lines.length > LINES) this.lines.shift();
  }

  /** The last line that it wrote. */
  get lastLine(): string | undefined {
    return this.lines.at(-1);
  }

  /** Whether it has ended, or does so in a moment. */
  isNear(): Promise<boolean> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve(true);
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), NEAR);
      this.child.once("exit", () => {
        clearTimeout(late);
        resolve(true);
      });
    });
  }

  /** `with exit code 3 after 12.0 s (process 4711)`, when that is known. */
  how(): Promise<string> {
    const late = new Promise<string>((resolve) => {
      setTimeout(() => resolve(this.sentence(this.child.exitCode, this.child.signalCode)), LATE).unref?.();
    });
    return Promise.race([this.closed, late]);
  }

  private sentence(code: number | null, signal: NodeJS.Signals | null): string {
    const seconds = ((Date.now() - this.started) / 1000).toFixed(1);
    const by = signal ? `by ${signal}` : code === null ? "by closing its connection" : `with exit code ${code}`;
    return `${by} after ${seconds} s (process ${this.child.pid})`;
  }
}

/** What the system says of a program that it cannot start, and what to do about it; its own words where there are no better ones. */
export function startTrouble(program: string, error: unknown): string {
  const kind = (error as NodeJS.ErrnoException)?.code;
  const known: Record<string, string> = {
    // The file is there: that was looked at.
    ENOENT: `what \`${program}\` itself is run by, its interpreter or the system's loader, is not on this machine: install the build for this system`,
    ENOEXEC: `\`${program}\` is no program that this machine can run: install the build for this system`,
    EBADARCH: `\`${program}\` is made for another processor: install the build for this system`,
    EACCES: `\`${program}\` may not be run: look at its permissions, and whether its file system allows programs`,
    EPERM: `the system does not allow \`${program}\` to be run`,
    ETXTBSY: `\`${program}\` is being written: start the server again when that is done`,
    ENOMEM: "there is not enough memory",
    EAGAIN: "the system allows no more processes",
    EMFILE: "too many files are open",
  };
  if (kind && known[kind]) return known[kind];
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0];
}
