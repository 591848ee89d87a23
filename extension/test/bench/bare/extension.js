const { InlineCompletionItem, Range, languages } = require("vscode");

exports.activate = (context) => {
  const provideInlineCompletionItems = (_document, position) => [new InlineCompletionItem("completed at once", new Range(position, position))];
  context.subscriptions.push(languages.registerInlineCompletionItemProvider({ scheme: "file" }, { provideInlineCompletionItems }));
};
