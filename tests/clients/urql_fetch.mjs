import { Client, fetchExchange } from "@urql/core";
import { onEnd, pipe, subscribe } from "wonka";
import { changes, show, snapshot, token, url } from "./documents.mjs";

const urql = new Client({
  url,
  preferGetMethod: false, // or send GraphQL-Require-Preflight
  fetchSubscriptions: true, // by Server-Sent Events
  fetchOptions: () => ({ headers: { authorization: `Bearer ${token}` } }),
  exchanges: [fetchExchange],
});
const { data } = await urql.query(snapshot, {});
show(data.stockLevels.nodes);
let cursor = data.eventCursor;
const follow = () => pipe(
  urql.subscription(changes, { after: cursor }, { requestPolicy: "network-only" }),
  onEnd(() => setTimeout(follow, 500)), // a stream that broke off goes on after the last cursor
  subscribe(({ data, hasNext }) => {
    if (!data || !hasNext) return; // urql repeats its last result when a stream ends
    show(data.stockLevelChanged);
    cursor = data.stockLevelChanged.cursor;
  }),
);
follow();
