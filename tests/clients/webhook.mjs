// Checks a message as the receiver of a webhook does: its secret, headers and body come on the input.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

function isGenuine(secret, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": sent, "webhook-signature": signatures } = headers;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const wanted = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${sent}.${body}`).digest("base64"));
  const fits = (each) => each.length === wanted.length && timingSafeEqual(Buffer.from(each), wanted);
  return Math.abs(Date.now() / 1000 - sent) < 300 && signatures.split(" ").some(fits);
}

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
console.log(isGenuine(secret, headers, body));
