// The sender: seals a message once and sends the same bytes until there is a final answer.
//   503, 429, any rejection that says retryable, no answer at all -> the same bytes again, after a growing pause
//   a receipt -> accepted                a rejection that is not retryable -> refused, never sent again
// A real partner writes a message to its database before it sends, so that after a restart it goes on with the same
// bytes; whoever goes on for longer than ten minutes seals them anew, as old as a seal may be.
import { setTimeout as pause } from "node:timers/promises";
import { contentDigest } from "./message.mjs";
import { JSON_TYPE, seal } from "./seal.mjs";

const ATTEMPTS = 8;
// Milliseconds: for one answer (a gateway answers within a second), for all of it, the first pause and the longest.
const [PATIENCE, WITHIN, FIRST, LONGEST] = [3_000, 60_000, 200, 10_000];
// Bytes of an answer that are read: no answer of the standard is longer.
const LARGEST = 1_048_576;
// Where an answer does not say itself whether it is worth a repeat (a proxy's page), its status does.
const LATER = [429, 500, 502, 503, 504, 507];

export class Sender {
  constructor({ gateway, channel, key }) {
    this.address = `${gateway}/v1/channels/${encodeURIComponent(channel)}/messages`;
    this.key = key;
  }

  /** Sends a message; returns "accepted", "rejected: <reason>" or "failed: <reason>". */
  async send(message) {
    const content = Buffer.from(JSON.stringify(message));
    const headers = { "Content-Type": JSON_TYPE, "Xinqiao-Signature": seal(content, this.key) };
    const until = Date.now() + WITHIN;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#post(content, headers);
      if (!answer.isRetryable) return outcome(answer, message);
      const wait = answer.retryAfter + growing(attempt);
      if (attempt + 1 === ATTEMPTS || Date.now() + wait > until) return `failed: ${answer.reason}`;
      await pause(wait);
    }
  }

  async #post(content, headers) {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const options = { method: "POST", body: content, headers, signal, redirect: "manual" };
      const response = await fetch(this.address, options);
      return read(response, await beginning(response));
    } catch {
      // Nobody knows whether it arrived: only the same bytes under the same id are safe to send.
      return { isRetryable: true, reason: "destination_down", retryAfter: 0 };
    }
  }
}

/** Up to half as long again by chance, so that not all partners come back at once; each above the one before. */
function growing(attempt) {
  return Math.min(FIRST * 2 ** attempt, LONGEST) * (1 + Math.random() / 2);
}

function read(response, text) {
  const body = parsed(text);
  const rejection = body?.rejection;
  const says = rejection?.retryable;
  return {
    isRetryable: !response.ok && (typeof says === "boolean" ? says : LATER.includes(response.status)),
    reason: rejection?.reason ?? (LATER.includes(response.status) ? "destination_down" : "destination_refused"),
    retryAfter: milliseconds(response.headers.get("Retry-After")),
    receipt: response.ok ? body?.receipt : undefined,
    isRejection: Boolean(rejection),
  };
}

/** Reads an answer as far as one goes; whatever follows is no answer of a gateway. */
async function beginning(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > LARGEST) return "";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retry-After is whole seconds or a date (RFC 9110, 10.2.3). */
function milliseconds(header) {
  if (header === null) return 0;
  const time = /^[0-9]+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(time) ? 0 : Math.max(time, 0);
}

/** Accepted is what a receipt says of this very message: its id and its content. */
function outcome({ receipt, isRejection, reason }, message) {
  if (isRejection) return `rejected: ${reason}`;
  const isOurs = receipt?.acceptedMessageId === message.header.messageId;
  const isWhole = isOurs && (receipt.digest?.value ?? contentDigest(message)) === contentDigest(message);
  return isWhole ? "accepted" : "failed: destination_refused";
}
