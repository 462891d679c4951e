// What the server says beyond the Language Server Protocol.

/** The parameters of `supercargo/status`: the state of one workspace's gate. */
export interface Status {
  /** The folder of the workspace, as a URI. */
  workspace: string;
  state: "resolving" | "provisional" | "exact" | "untrusted" | "failed";
  /** What each check that came to its end has found. */
  checks: Record<string, { errors: number; warnings: number }>;
  /** cargo-deny's exit code; 70 where there is no verdict. */
  exitCode?: number | null;
  /** Absent where no database was read; without a date it is a plain folder. */
  database?: { date: string | null } | null;
  message?: string | null;
  /** The policy cannot be read as it is now, which it often cannot while somebody types in it. */
  brokenPolicy?: {
    /** As a URI. */
    file: string;
    /** Counts from 1. */
    line: number;
    /** What each check has found before; empty where nothing was. */
    checksBefore: Status["checks"];
  } | null;
}

/** `Diagnostic.data`, as editors/README.md tells it. */
export interface Data {
  check: string;
  message: string;
  title: string | null;
  remedy: string | null;
  package: { name: string; version: string } | null;
  path: string[];
  otherPaths: number;
}

export const STATUS = "supercargo/status";

/** Tells the server that the user trusts the workspace now, or no longer: `{trusted}`. */
export const DID_CHANGE_TRUST = "supercargo/didChangeTrust";

/** The files that the server knows, by their names: they may be plain text for VS Code. */
export const FILES = [
  "**/Cargo.toml",
  "**/deny.toml",
  "**/.deny.toml",
  "**/.cargo/deny.toml",
  "**/deny.exceptions.toml",
  "**/.deny.exceptions.toml",
  "**/Cargo.lock",
];

/** The `source` of every diagnostic of the server. */
export const SOURCE = "supercargo";

export const FIX_ALL = "source.fixAll.supercargo";
