// The settings that are sent to the server.

import * as vscode from "vscode";
import { userSetting } from "./server";
import names from "./settings.json";

/** The value of every setting that the server reads from the client's configuration. */
export function serverSettings(scope?: vscode.ConfigurationScope): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration("supercargo", scope);
  const settings: Record<string, unknown> = {};
  for (const name of names) {
    // The settings editor stores a path that was removed as an empty string.
    const value: unknown = configuration.get(name);
    if (value !== null && value !== undefined && value !== "") settings[name] = value;
  }
  return settings;
}

/** The settings that the server needs at startup, and those that only the user can set. */
export function initializationOptions(): Record<string, unknown> {
  const cargo = userSetting("cargo");
  return { ...serverSettings(), ...(cargo ? { cargo } : {}), trusted: vscode.workspace.isTrusted };
}
