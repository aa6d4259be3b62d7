import { ApolloClient, gql, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { defer, repeat, retry, tap } from "rxjs";
import { changes, show, snapshot, token, url } from "./documents.mjs";

const socket = createClient({
  url: url.replace("http", "ws"),
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
  retryAttempts: 0, // it would ask with the first cursor again
});
const apollo = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
const { data } = await apollo.query({ query: gql(snapshot) });
show(data.stockLevels.nodes);
let cursor = data.eventCursor;
defer(() => apollo.subscribe({ query: gql(changes), variables: { after: cursor }, fetchPolicy: "no-cache" }))
  .pipe(tap(({ error }) => { if (error) throw error; }), retry({ delay: 500 }), repeat({ delay: 500 }))
  .subscribe(({ data }) => {
    show(data.stockLevelChanged);
    cursor = data.stockLevelChanged.cursor;
  });
