// What identifies a message: its id, its times, and the digest that tells a repeat from a conflict.
import { createHash, randomBytes } from "node:crypto";
import { writeSorted } from "./json.mjs";

// The header fields that say what a message is about; the others carry it and may differ in a repeat.
const CONTENT = ["receiver", "caseId", "correlationId", "revision", "replaces", "test"];
const SHANGHAI = 8 * 3_600_000;
const DAY = 24 * 3_600_000;

/** Returns a fresh UUID version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then chance. */
export function newMessageId() {
  const bytes = Buffer.concat([Buffer.alloc(6), randomBytes(10)]);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Returns now, in China's time and with its offset. */
export function timestamp() {
  return new Date(Date.now() + SHANGHAI).toISOString().replace("Z", "+08:00");
}

/** Returns China's calendar day, so many days from today. */
export function day(later = 0) {
  return new Date(Date.now() + SHANGHAI + later * DAY).toISOString().slice(0, 10);
}

/** Returns the SHA-256 of what a message says, in hexadecimal. */
export function contentDigest(message) {
  const header = Object.fromEntries(Object.entries(message.header).filter(([name]) => CONTENT.includes(name)));
  return createHash("sha256").update(writeSorted({ ...message, header })).digest("hex");
}
