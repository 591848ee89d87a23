/**
 * What a hover could not say in time, shown in the same hover once the server knows it.
 *
 * A hover is answered within its deadline with what is known by then, on a cold start the link alone. VS Code shows the
 * answers of several providers side by side, each when it comes, so this one waits for the signature and the summary.
 */

import { Hover, languages, MarkdownString } from "vscode";
import { hoverRestRequest } from "./protocol";
import { SCHEMES, type Linewise } from "./session";

export function activate({ context, session, log }: Linewise): void {
  // Only Python's names are inferred; all others are known at once.
  const python = SCHEMES.map((scheme) => ({ scheme, language: "python" }));
  context.subscriptions.push(
    languages.registerHoverProvider(python, {
      async provideHover(document, position, token): Promise<Hover | undefined> {
        const { server } = session;
        if (server === undefined || !session.can("docs")) {
          return undefined;
        }
        const uri = server.code2ProtocolConverter.asUri(document.uri);
        const { line, character } = server.code2ProtocolConverter.asPosition(position);
        try {
          const { markdown } = await server.sendRequest(hoverRestRequest, { uri, line, character }, token);
          return markdown === null ? undefined : new Hover(new MarkdownString(markdown));
        } catch (error) {
          log.debug(`hover: ${String(error)}`);
          return undefined;
        }
      },
    }),
  );
}
