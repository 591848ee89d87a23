/** The server's progress as the editor counts it; pure. */

import type { Progress } from "vscode";
import type { WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport } from "vscode-languageclient/node";

type WorkDone = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** VS Code counts in steps, the server says how far it is. */
export function stepsOf(progress: Progress<{ message?: string; increment?: number }>): (value: WorkDone) => void {
  let done = 0;
  return (value) => {
    const now = "percentage" in value ? (value.percentage ?? done) : done;
    progress.report({ ...(value.message === undefined ? {} : { message: value.message }), increment: now - done });
    done = now;
  };
}
