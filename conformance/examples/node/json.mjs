// Strict JSON: what JSON.parse lets pass is refused here, as schemas/vectors/json.json says (a key twice, half of a
// surrogate pair, a number beyond 64 bits), and JSON is written in the one way over which the content digest is taken.
import { Rejected } from "./errors.mjs";

const DEEPEST = 200;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORDS = [["true", true], ["false", false], ["null", null]];
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 64n - 1n];

/** Reads the bytes of a message: one JSON object in UTF-8, no key twice. */
export function readJson(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Rejected("wrong_encoding", "the bytes are not UTF-8");
  }
  const value = new Reader(text).document();
  if (!isObject(value)) throw new Rejected("malformed_json", "a message is a JSON object");
  return value;
}

/** Returns a value as JSON without blanks, keys sorted by their bytes: what is digested (docs/standard.md). */
export function writeSorted(value) {
  if (Array.isArray(value)) return `[${value.map(writeSorted).join(",")}]`;
  if (!isObject(value)) return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const keys = Object.keys(value).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${writeSorted(value[key])}`).join(",")}}`;
}

/** Says whether a value is a JSON object. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  document() {
    const value = this.value(0);
    if (this.next() !== undefined) this.fail("something follows the message");
    return value;
  }

  /** Returns the next character that is not a blank, without taking it. */
  next() {
    while (" \t\n\r".includes(this.text[this.at] ?? "-")) this.at += 1;
    return this.text[this.at];
  }

  value(depth) {
    if (depth > DEEPEST) this.fail(`deeper than ${DEEPEST} levels`);
    const first = this.next();
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  object(depth) {
    const members = new Map();
    for (const _ of this.items("}")) {
      if (this.next() !== '"') this.fail("a key in double quotes is expected");
      const key = this.string();
      if (members.has(key)) throw new Rejected("duplicate_key", `twice in one object, character ${this.at}`);
      if (this.next() !== ":") this.fail("a colon is expected");
      this.at += 1;
      members.set(key, this.value(depth + 1));
    }
    return Object.fromEntries(members);
  }

  array(depth) {
    const found = [];
    for (const _ of this.items("]")) found.push(this.value(depth + 1));
    return found;
  }

  /** Steps through what stands between brackets, separated by commas; the caller takes each item. */
  *items(close) {
    this.at += 1;
    if (this.next() === close) {
      this.at += 1;
      return;
    }
    do {
      yield;
    } while (this.took(","));
    if (!this.took(close)) this.fail(`a comma or ${close} is expected`);
  }

  took(character) {
    const found = this.next() === character;
    if (found) this.at += 1;
    return found;
  }

  string() {
    const start = this.at;
    this.at += 1;
    while (this.at < this.text.length && this.text[this.at] !== '"') this.at += this.text[this.at] === "\\" ? 2 : 1;
    this.at += 1;
    let value;
    try {
      value = JSON.parse(this.text.slice(start, this.at));
    } catch {
      this.fail("a string is not written as JSON writes it");
    }
    if (!value.isWellFormed()) this.fail("half of a surrogate pair");
    return value;
  }

  number() {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) this.fail("no JSON value");
    this.at += match[0].length;
    const value = Number(match[0]);
    if (!Number.isFinite(value)) this.fail("a number beyond 64 bits of floating point");
    // 2.0 is the whole number 2; whole numbers are exact up to 64 bits.
    if (match[1] || match[2] || Number.isSafeInteger(value)) return value;
    const exact = BigInt(match[0]);
    if (exact < LEAST || exact > MOST) this.fail("a whole number beyond 64 bits");
    return exact;
  }

  fail(said) {
    throw new Rejected("malformed_json", `${said}, character ${this.at}`);
  }
}
