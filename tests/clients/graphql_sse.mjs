import { createClient } from "graphql-sse";
import { changes, show, snapshot, token, url } from "./documents.mjs";

let cursor;
const client = createClient({
  url,
  headers: () => ({ authorization: `Bearer ${token}`, ...(cursor && { "Last-Event-ID": cursor }) }),
  retryAttempts: Infinity,
});
for await (const { data } of client.iterate({ query: snapshot })) {
  show(data.stockLevels.nodes);
  cursor = data.eventCursor;
}
for await (const { data } of client.iterate({ query: changes })) {
  show(data.stockLevelChanged);
  cursor = data.stockLevelChanged.cursor;
}
