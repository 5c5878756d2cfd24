// A message and the published JSON Schema of its type, walked side by side: only the keywords that those schemas use.
// Fields that a schema does not name are left alone: a receiver keeps them and accepts the message.
import { readFileSync } from "node:fs";
import { isObject } from "./json.mjs";

/** The published schemas: one file for each message type, read when its first message comes. */
export class Schemas {
  #folder;
  #names;
  #read = new Map();

  constructor(folder) {
    this.#folder = folder;
    const { messages } = JSON.parse(readFileSync(new URL("index.json", folder), "utf8"));
    this.#names = new Map(messages.map(({ body, name }) => [body, name]));
  }

  /** Says whether the standard defines a body. */
  defines(body) {
    return this.#names.has(body);
  }

  of(body) {
    if (!this.#read.has(body)) {
      const file = new URL(`${this.#names.get(body)}.schema.json`, this.#folder);
      this.#read.set(body, JSON.parse(readFileSync(file, "utf8")));
    }
    return this.#read.get(body);
  }
}

/**
 * Yields each part of a message that its schema knows: `value` at `path`; `schema`, what it must keep; `name`, the
 * definition that it is of; `about`, what the field says of itself (kind, sign, code list).
 */
export function* parts(root, message) {
  yield* partsBelow(root.$defs, { value: message, path: "", schema: root, name: "Message", about: {} });
}

function* partsBelow(definitions, part) {
  yield part;
  const { value, path, schema, about } = part;
  if (isObject(value)) {
    for (const [key, field] of Object.entries(schema.properties ?? {})) {
      if (!(key in value)) continue;
      const named = path ? `${path}.${key}` : key;
      // What a field says of the sign of an amount is about the amount's value.
      const sign = key === "value" ? about.sign : undefined;
      yield* partsBelow(definitions, partOf(definitions, field, value[key], named, sign));
    }
  } else if (Array.isArray(value) && schema.items) {
    // What a list says of itself is about its items.
    const field = { ...schema.items, "x-xinqiao": about, title: about.title };
    for (const [index, item] of value.entries()) {
      yield* partsBelow(definitions, partOf(definitions, field, item, `${path}[${index}]`));
    }
  }
}

function partOf(definitions, field, value, path, sign) {
  const name = field.$ref?.split("/").at(-1);
  const about = { ...field["x-xinqiao"], title: field.title };
  if (sign) about.sign = sign;
  return { value, path, schema: name ? definitions[name] : field, name, about };
}

/** Returns the findings about one part. */
export function violations({ value, path, schema, about }) {
  const found = [];
  const add = (keyword, at = path) => found.push(finding(keyword, at || "message", about));
  const type = typeOf(value);
  if (schema.type && schema.type !== type) {
    add("type");
    return found;
  }
  if (type === "object") {
    for (const name of schema.required ?? []) {
      if (!(name in value)) add("required", path ? `${path}.${name}` : name);
    }
    if (!(schema.allOf ?? []).every((each) => holds(each, value))) add("one_of");
  }
  if (schema.enum && !schema.enum.includes(value)) add("enum");
  const size = sizeOf(type, value);
  for (const [keyword, name, isBroken] of LIMITS[type] ?? []) {
    if (keyword in schema && isBroken(size, schema[keyword])) add(name);
  }
  if (type === "string" && schema.pattern && !matches(schema.pattern, value)) add("pattern");
  return found;
}

const isBelow = (size, limit) => size < limit;
const isAbove = (size, limit) => size > limit;
const LIMITS = {
  string: [["minLength", "min_length", isBelow], ["maxLength", "max_length", isAbove]],
  array: [["minItems", "min_items", isBelow], ["maxItems", "max_items", isAbove]],
  integer: [["minimum", "minimum", isBelow], ["maximum", "maximum", isAbove]],
};

function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint" || Number.isInteger(value)) return "integer";
  return typeof value;
}

function sizeOf(type, value) {
  if (type === "array") return value.length;
  // Characters, not UTF-16 units: a rare character is one.
  return type === "string" ? [...value].length : value;
}

const patterns = new Map();

function matches(pattern, text) {
  if (!patterns.has(pattern)) patterns.set(pattern, new RegExp(pattern, "u"));
  return patterns.get(pattern).test(text);
}

/** Choices between fields: they are made of `required` alone. */
function holds(schema, value) {
  if (schema.oneOf) return schema.oneOf.filter((each) => holds(each, value)).length === 1;
  if (schema.anyOf) return schema.anyOf.some((each) => holds(each, value));
  if (schema.not) return !holds(schema.not, value);
  return (schema.required ?? []).every((name) => name in value);
}

function finding(keyword, path, { title = "Message", titleZh = "报文" }) {
  const missing = keyword === "required";
  const text = missing
    ? { zh: `缺少必填项：${path}`, en: `${path} is missing` }
    : { zh: `${titleZh}不符合 ${keyword} 的要求`, en: `${title} does not keep ${keyword}` };
  return { rule: `schema.${keyword}`, level: "ERROR", path: path.slice(0, 300), text };
}
