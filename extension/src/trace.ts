/** How each completion was made, one line of JSON in the log, where `linewise.trace` is on. */

import { traceNotification } from "./protocol";
import type { Linewise } from "./session";

export function activate({ context, session, log }: Linewise): void {
  context.subscriptions.push(
    session.onWillStart((client) => {
      client.onNotification(traceNotification, (trace) => {
        log.info(`trace ${JSON.stringify(trace)}`);
      });
    }),
  );
}
