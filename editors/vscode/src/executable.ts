// What a program's first bytes say about the machine that it is made for.
//
// The system's own answer is of no use: a program for another processor is handed to a shell, which
// says that it has found a syntax error.

import { closeSync, openSync, readSync, statSync } from "node:fs";

const ELF: Record<number, string> = { 0x03: "ia32", 0x28: "arm", 0x3e: "x64", 0xb7: "arm64", 0xf3: "riscv64" };
const MACHO: Record<number, string> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const PE: Record<number, string> = { 0x014c: "ia32", 0x8664: "x64", 0xaa64: "arm64" };

const PLATFORMS: Record<string, string> = { linux: "Linux", darwin: "macOS", win32: "Windows" };

interface Made {
  platform: string;
  processors: string[];
  /** How long the file has to be at least, where its head says so. */
  length?: number;
}

/** The platform and the processors that a program is made for; `script` for what names its interpreter, `undefined` for no program. */
function madeFor(program: string): Made | "script" | undefined {
  const head = Buffer.alloc(4096);
  const file = openSync(program, "r");
  let length: number;
  try {
    length = readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  if (head.toString("latin1", 0, 2) === "#!") return "script";
  return length < 64 ? undefined : read(head.subarray(0, length));
}

function read(head: Buffer): Made | undefined {
  const magic = head.readUInt32BE(0);
  if (magic === 0x7f454c46) {
    const big = head[5] === 2;
    const number = (at: number) => (big ? head.readUInt16BE(at) : head.readUInt16LE(at));
    return { platform: "linux", processors: name(ELF, number(18)), length: elfLength(head, big, number) };
  }
  if (magic === 0xcffaedfe) return { platform: "darwin", processors: name(MACHO, head.readUInt32LE(4)) };
  if (magic === 0xcafebabe) {
    const parts = Math.min(head.readUInt32BE(4), 8);
    const processors = Array.from({ length: parts }, (_, part) => name(MACHO, head.readUInt32BE(8 + part * 20)));
    return { platform: "darwin", processors: processors.flat() };
  }
  if (head.toString("latin1", 0, 2) === "MZ") {
    const at = head.readUInt32LE(0x3c);
    if (at + 6 > head.length || head.readUInt32BE(at) !== 0x50450000) return undefined;
    return { platform: "win32", processors: name(PE, head.readUInt16LE(at + 4)) };
  }
  return undefined;
}

/** A 64-bit ELF file ends with the table of its sections, if it has one. */
function elfLength(head: Buffer, big: boolean, number: (at: number) => number): number | undefined {
  if (head[4] !== 2) return undefined;
  const table = Number(big ? head.readBigUInt64BE(0x28) : head.readBigUInt64LE(0x28));
  return table === 0 ? undefined : table + number(0x3a) * number(0x3c);
}

function name(names: Record<number, string>, number: number): string[] {
  const found = names[number];
  return found ? [found] : [];
}

/** Why this machine cannot run the program, as the end of a sentence; `undefined` where nothing speaks against it. */
export function unfit(program: string): string | undefined {
  const made = madeFor(program);
  if (made === "script") return undefined;
  // The system hands it to a shell, which runs what it can make of it.
  if (!made) return "is no program";
  const { platform, processors } = made;
  if (platform !== process.platform) {
    return `is made for ${PLATFORMS[platform] ?? platform}, and this is ${PLATFORMS[process.platform] ?? process.platform}`;
  }
  // Both systems run programs for x64 on arm64.
  const emulated = process.arch === "arm64" && platform !== "linux" ? ["x64"] : [];
  const fit = [process.arch, ...emulated];
  if (processors.length > 0 && !processors.some((one) => fit.includes(one))) {
    return `is made for ${processors.join(" and ")}, and this machine is ${process.arch}`;
  }
  // A shell would be handed half a program, and say that it has found a syntax error.
  if (made.length !== undefined && statSync(program).size < made.length) return "is not whole, its end is missing";
  return undefined;
}
