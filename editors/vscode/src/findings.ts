// The published findings, grouped by workspace.

import * as vscode from "vscode";
import type { DiagnosticData, Group, Status } from "./protocol";
import type { FileDiagnostics } from "./published";

export type Check = "advisories" | "licenses" | "bans" | "sources" | "other";

export const CHECKS: Check[] = ["advisories", "licenses", "bans", "sources", "other"];

export interface FindingLocation {
  uri: vscode.Uri;
  range: vscode.Range;
  /** What a location other than the first one has to do with the finding. */
  note?: string;
  /** The dependency path from a workspace member to the package, each step as `name version`. */
  path: string[];
  /** How many other dependency paths there are. */
  otherPaths: number;
}

export interface Finding {
  /** Absent for a finding that the server has published without one. */
  id?: string;
  code: string;
  /** The documentation of the code. */
  link?: vscode.Uri;
  check: Check;
  severity: vscode.DiagnosticSeverity;
  /** The message without dependency path and remedy. */
  message: string;
  /** The title of the advisory. */
  title?: string;
  package?: { name: string; version: string };
  remedy?: string;
  /** In a comparison with a base. */
  group?: Group;
  /** Where it is reported, then the other dependencies and entries that it names. */
  locations: FindingLocation[];
}

export interface WorkspaceFindings {
  folder: vscode.Uri;
  status?: Status;
  findings: Finding[];
}

/** The findings of each workspace. A file outside of all known workspaces gets a group for its folder. */
export function findingsByWorkspace(statuses: Status[], published: FileDiagnostics[]): WorkspaceFindings[] {
  const groups: WorkspaceFindings[] = statuses.map((status) => ({ folder: vscode.Uri.parse(status.workspace), status, findings: [] }));
  groups.sort((a, b) => a.folder.path.localeCompare(b.folder.path));
  for (const { uri, diagnostics } of published) {
    for (const diagnostic of diagnostics) add(groupOf(groups, uri), uri, diagnostic);
  }
  for (const { findings } of groups) findings.sort((a, b) => a.severity - b.severity || a.message.localeCompare(b.message));
  return groups;
}

function groupOf(groups: WorkspaceFindings[], uri: vscode.Uri): WorkspaceFindings {
  const nearest = nearestAbove(groups, uri, ({ folder }) => folder);
  // A policy may be in a folder above its workspaces.
  if (nearest) return nearest;
  if (groups.length === 1) return groups[0];
  const group = { folder: vscode.Uri.joinPath(uri, ".."), findings: [] };
  groups.push(group);
  return group;
}

/** The item whose folder is the nearest above a file. */
export function nearestAbove<T>(items: T[], uri: vscode.Uri | undefined, folderOf: (item: T) => vscode.Uri): T | undefined {
  const contains = (folder: vscode.Uri) => uri?.scheme === folder.scheme && uri.path.startsWith(`${folder.path.replace(/\/$/, "")}/`);
  const above = items.filter((item) => contains(folderOf(item)));
  return above.sort((a, b) => folderOf(b).path.length - folderOf(a).path.length)[0];
}

function add(workspace: WorkspaceFindings, uri: vscode.Uri, diagnostic: vscode.Diagnostic): void {
  const data: Partial<DiagnosticData> = (diagnostic as { data?: Partial<DiagnosticData> }).data ?? {};
  // The hint on another dependency of findings that are elsewhere.
  if (data.findings) return;
  const { code, link } = codeOf(diagnostic);
  const related = (diagnostic.relatedInformation ?? []).map(({ location, message }): FindingLocation => ({ ...location, note: message, path: [], otherPaths: 0 }));
  workspace.findings.push({
    id: data.id,
    code,
    link,
    check: CHECKS.find((check) => check === data.check) ?? "other",
    severity: diagnostic.severity,
    message: data.message ?? diagnostic.message,
    title: data.title ?? undefined,
    package: data.package ?? undefined,
    remedy: data.remedy ?? undefined,
    group: data.group,
    locations: [{ uri, range: diagnostic.range, path: data.path ?? [], otherPaths: data.otherPaths ?? 0 }, ...related],
  });
}

/** The label of a finding in a list, and the text after it. */
export function label(finding: Finding): { name: string; rest: string } {
  const message = finding.message.replaceAll("`", "");
  if (!finding.package) return { name: message, rest: "" };
  const { name, version } = finding.package;
  // A finding about several versions of a package starts with the name alone.
  const first = [`${name} ${version}`, name].find((words) => message.includes(words)) ?? name;
  const rest = message.startsWith(`${first} `) ? message.slice(first.length + 1) : message.replace(` of ${first}`, "");
  return { name: first, rest: finding.title ?? rest };
}

function codeOf({ code }: vscode.Diagnostic): { code: string; link?: vscode.Uri } {
  if (typeof code === "object") return { code: String(code.value), link: code.target };
  return { code: code === undefined ? "" : String(code) };
}

/** The number of errors and of warnings. */
export function count(findings: Finding[]): { errors: number; warnings: number } {
  const of = (severity: vscode.DiagnosticSeverity) => findings.filter((one) => one.severity === severity).length;
  return { errors: of(vscode.DiagnosticSeverity.Error), warnings: of(vscode.DiagnosticSeverity.Warning) };
}

/** `4 errors, 1 warning`; empty if both are 0. */
export function countText({ errors, warnings }: { errors: number; warnings: number }): string {
  const text = (number: number, noun: string) => (number ? [`${number} ${noun}${number === 1 ? "" : "s"}`] : []);
  return [...text(errors, "error"), ...text(warnings, "warning")].join(", ");
}
