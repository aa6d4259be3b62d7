import { changes, show, snapshot, url } from "./documents.mjs";

const body = JSON.stringify({ query: snapshot });
const { data } = await (await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
show(data.stockLevels.nodes);
const asked = { query: changes, variables: JSON.stringify({ after: data.eventCursor }) };
const source = new EventSource(`${url}?${new URLSearchParams(asked)}`); // goes on after the last id by itself
source.addEventListener("next", ({ data }) => show(JSON.parse(data).data.stockLevelChanged));
source.addEventListener("complete", () => source.close());
