// The receiver of pushed messages, step by step: seal, JSON, type, schema, rules, address, repeat. The first step that
// fails is the answer.
import { Rejected } from "./errors.mjs";
import { isObject, readJson } from "./json.mjs";
import { contentDigest } from "./message.mjs";
import { receipt, rejection } from "./outcome.mjs";
import { parts, violations } from "./schema.mjs";
import { JSON_TYPE, openEither } from "./seal.mjs";

const MESSAGE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MOST_KEPT = 100_000;

export class Receiver {
  // Sender and message id -> { message, digest, receipt }. In memory, so that the example stays small: a real partner
  // writes this in the transaction in which it takes the message, before it answers.
  #taken = new Map();
  #position = 0;

  constructor({ institution, isTest, gatewayKeys, schemas, rules }) {
    Object.assign(this, { institution, isTest, gatewayKeys, schemas, rules });
  }

  /** Takes one sealed message; returns the HTTP status and the message to answer with. */
  receive(content, headers) {
    let header = {};
    let isValid = false;
    try {
      const [type, signature, next] = ["content-type", "xinqiao-signature", "xinqiao-signature-next"].map(
        (name) => headers[name] ?? "",
      );
      openEither(content, type, signature, next, this.gatewayKeys);
      if (type.split(";")[0].trim().toLowerCase() !== JSON_TYPE) {
        throw new Rejected("unsupported_media_type", `this receiver takes ${JSON_TYPE}`);
      }
      const message = readJson(content);
      if (isObject(message.header)) header = message.header;
      this.#requireValid(message);
      isValid = true;
      this.#requireOurs(header);
      return this.#take(message);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      // Whom a message is from can be relied on once it is valid, its id where it has the form of one.
      const sender = isValid ? header.sender : undefined;
      const { messageId } = header;
      const named = typeof messageId === "string" && MESSAGE_ID.test(messageId) ? messageId : undefined;
      return { status: error.status, message: rejection(this.institution, error, sender, named) };
    }
  }

  /** Returns the newest message taken that fits, or undefined. */
  newest(fits) {
    return [...this.#taken.values()].map(({ message }) => message).findLast(fits);
  }

  #requireValid(message) {
    const root = this.schemas.of(this.#typeOf(message));
    const found = [...parts(root, message)];
    const findings = found.flatMap(violations);
    // Rules read what the schema promises, so they come after it.
    if (!findings.length) {
      for (const part of found) findings.push(...this.rules.findings(part, root["x-xinqiao"].class));
    }
    if (findings.length) throw new Rejected("not_valid", `${findings.length} findings`, findings);
  }

  #typeOf(message) {
    const version = message.header?.standardVersion;
    if (typeof version === "string" && !version.startsWith("1.")) {
      throw new Rejected("unsupported_version", "header.standardVersion is not 1.x");
    }
    const bodies = Object.keys(message).filter((key) => this.schemas.defines(key));
    if (bodies.length !== 1) throw new Rejected("unknown_message_type", `${bodies.length} bodies of the standard`);
    return bodies[0];
  }

  #requireOurs({ receiver, test = false }) {
    if (receiver !== this.institution) throw new Rejected("receiver_mismatch", `this is ${this.institution}`);
    if (test !== this.isTest) throw new Rejected("test_mismatch", `header.test is not ${this.isTest} here`);
  }

  #take(message) {
    const { sender, messageId } = message.header;
    const [key, digest] = [`${sender} ${messageId}`, contentDigest(message)];
    const known = this.#taken.get(key);
    if (known && known.digest !== digest) throw new Rejected("conflict", "the id came before with other content");
    if (known) return { status: 200, message: known.receipt };
    this.#position += 1;
    const taken = { message, digest, receipt: receipt(this.institution, message.header, this.#position, digest) };
    this.#taken.set(key, taken);
    if (this.#taken.size > MOST_KEPT) this.#taken.delete(this.#taken.keys().next().value);
    return { status: 202, message: taken.receipt };
  }
}
