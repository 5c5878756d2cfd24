// What this bank says in the business of a family trust: bodies from ../messages, headers of its own.
import { readdirSync, readFileSync } from "node:fs";
import { day, newMessageId, timestamp } from "./message.mjs";

const MOST_KEPT = 10_000;

export class Bank {
  #bodies = new Map();
  #sent = new Map();
  #serial = 0;

  constructor({ institution, receiver, isTest, folder }) {
    Object.assign(this, { institution, receiver, isTest });
    for (const file of readdirSync(folder)) {
      this.#bodies.set(file.replace(".json", ""), JSON.parse(readFileSync(new URL(file, folder), "utf8")));
    }
  }

  /** Says whether it sends messages of a type. */
  sends(type) {
    return this.#bodies.has(type);
  }

  /** Returns a message it has sent, by its id, or undefined. */
  sent(messageId) {
    return this.#sent.get(messageId);
  }

  /** Writes a message of a case. `answered`: the message that it answers, as far as it is known. */
  write(type, caseId, answered) {
    const notice = answered?.disclosureNotice;
    const header = { ...this.#header(), caseId };
    if (answered) header.correlationId = answered.header.messageId;
    const values = {
      case: caseId,
      serial: header.partnerSerial,
      sender: this.institution,
      receiver: this.receiver,
      today: day(),
      nextWeek: day(7),
      nextYear: day(364),
      now: header.createdAt,
      disclosure: notice?.disclosureNo ?? caseId,
    };
    const body = filled(this.#bodies.get(type), values);
    if (type === "disclosureReceipt" && notice?.documents) {
      body.documentDigests = notice.documents.map(({ digest }) => digest);
    }
    return this.#kept({ header, [type]: body });
  }

  /** Writes the correction of a message: a new one, with the next revision, that names the one it replaces. */
  correct(message) {
    const { messageId, caseId, correlationId, revision = 1 } = message.header;
    const header = { ...this.#header(), caseId, revision: revision + 1, replaces: messageId };
    if (correlationId) header.correlationId = correlationId;
    // The body is what a real bank would put right.
    return this.#kept({ ...message, header });
  }

  #header() {
    this.#serial += 1;
    const createdAt = timestamp();
    return {
      messageId: newMessageId(),
      standardVersion: "1.0",
      sender: this.institution,
      receiver: this.receiver,
      partnerSerial: `${createdAt.replace(/\D/g, "").slice(0, 17)}${String(this.#serial).padStart(4, "0")}`,
      businessDate: day(),
      createdAt,
      ...(this.isTest ? { test: true } : {}),
    };
  }

  #kept(message) {
    this.#sent.set(message.header.messageId, message);
    if (this.#sent.size > MOST_KEPT) this.#sent.delete(this.#sent.keys().next().value);
    return message;
  }
}

/** Returns a copy of a template in which `{name}` stands for a value. */
function filled(template, values) {
  if (typeof template === "string") return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  if (Array.isArray(template)) return template.map((each) => filled(each, values));
  if (typeof template !== "object") return template;
  return Object.fromEntries(Object.entries(template).map(([key, each]) => [key, filled(each, values)]));
}
