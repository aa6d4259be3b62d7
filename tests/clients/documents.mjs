// What every client asks: the stock as it is with the cursor of that moment, and then what changes after a cursor.
export const url = process.env.LADING_URL;
export const token = process.env.LADING_TOKEN;
export const snapshot = `query { stockLevels { nodes { id available } } eventCursor }`;
export const changes = `subscription ($after: String) {
  stockLevelChanged(after: $after) { cursor availableAfter stockLevel { id } }
}`;

// A page would draw this; here it is told to the test.
export const show = (told) => console.log(JSON.stringify(told));
