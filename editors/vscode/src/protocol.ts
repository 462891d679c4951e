// What the server sends and accepts beyond the Language Server Protocol.

/** The parameters of `supercargo/status`: the state of one workspace. */
export interface Status {
  /** The folder of the workspace, as a URI. */
  workspace: string;
  state: "resolving" | "provisional" | "exact" | "untrusted" | "failed";
  /** The sentence to show. */
  text: string;
  /** cargo-deny's counts of each check that has finished. */
  checks: Record<string, { errors: number; warnings: number }>;
  /** The errors and warnings that cargo-deny does not count: the server's own, and those about the policy itself. */
  uncounted?: { errors: number; warnings: number };
  /** cargo-deny's exit code; 70 if the check could not run. */
  exitCode?: number | null;
  /** Absent if no database was read; `date` is null for a plain folder. */
  database?: { date: string | null } | null;
  /** Why the check could not run. */
  message?: string | null;
  /** The comparison with a base, if there is one. */
  comparison?: Comparison | null;
  /** The policy cannot be parsed, often because it is being edited. */
  brokenPolicy?: {
    /** As a URI. */
    file: string;
    /** Counts from 1. */
    line: number;
    /** The counts of each check in the last check that ran; empty if there was none. */
    checksBefore: Status["checks"];
  } | null;
}

/** The comparison of a workspace with its base. */
export interface Comparison {
  /** As the user has named it. */
  base: string;
  /** The part of the status's text. */
  text: string;
  /** Absent without a comparison; `base` has the commit. */
  counts?: { base: string } & Record<"new" | "policyLoosened" | "fixed" | "alreadyThere", { errors: number; warnings: number }>;
  /** Why there is no comparison. */
  message?: string;
}

/** The group of a finding in a comparison. */
export type Group = "new" | "policy-loosened" | "already-there";

/** `Diagnostic.data`, documented in editors/README.md. */
export interface DiagnosticData {
  id: string;
  check: string;
  message: string;
  title: string | null;
  remedy: string | null;
  package: { name: string; version: string } | null;
  path: string[];
  otherPaths: number;
  /** Only in a comparison. */
  group?: Group;
  /** Only in the hint on another dependency: the ids of the findings whose package it also brings. */
  findings: string[];
}

/** The command of the server that compares with another base: `[revision]`, an empty one for none. */
export const COMPARE_WITH_BASE = "supercargo.server.compareWithBase";

/** The parameters of `supercargo/whyGraph`: a position, the `id` of a finding, or the address of a graph. */
export type WhyGraphSubject =
  | { textDocument: { uri: string }; position: Position }
  | { finding: string }
  | { uri: string };

/** The result of `supercargo/whyGraph`, documented in editors/README.md. */
export interface WhyGraph {
  /** The address. */
  uri: string;
  title: string;
  text: string;
  /** A part of a page, in which all names are escaped. */
  html: string;
  /** Where the packages are declared to whose index the links lead. */
  nodes: ({ uri: string; range: { start: Position; end: Position } } | null)[];
}

interface Position {
  line: number;
  character: number;
}

export const WHY_GRAPH = "supercargo/whyGraph";

/** The command of this extension that shows a graph by its address: hovers and lenses of the server lead to it. */
export const SHOW_WHY_GRAPH = "supercargo.showWhyGraph";

export const STATUS = "supercargo/status";

/** Notifies the server that workspace trust has changed: `{trusted}`. */
export const DID_CHANGE_TRUST = "supercargo/didChangeTrust";

/** The files that the server handles. They are matched by name, since VS Code may open them as plain text. */
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
