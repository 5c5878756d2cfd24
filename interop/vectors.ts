// Reads the vectors with the TypeScript that protoc-gen-es makes of the standard, and judges them with protovalidate.
// Argument: the folder of the vectors.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { type Message, MessageSchema } from "./generated/xinqiao/v1/message_pb.js";

interface Vector {
  name: string;
  findings?: { rule: string; path: string }[];
  json: JsonValue;
  // Base64; null where the typed form must refuse the message.
  binary: string | null;
}

const validator = createValidator();

/** Returns the typed form, or why it is refused. */
function typed(json: JsonValue): Message | Error {
  try {
    return fromJson(MessageSchema, json);
  } catch (error) {
    return error as Error;
  }
}

/** Returns where a violation is, as findings write it: kycApplication.applicant.documents[0].number. */
function pathOf({ field }: Violation): string {
  const written = field.map((step) => {
    if (step.kind === "field") return `.${step.jsonName}`;
    return step.kind === "list_sub" ? `[${step.index}]` : "?";
  });
  return written.join("").slice(1);
}

function violated(message: Message): string {
  const result = validator.validate(MessageSchema, message);
  if (result.kind === "error") throw result.error;
  return listed((result.violations ?? []).map(pathOf));
}

/** Returns what protovalidate should find: the standard's own rules are beyond it. */
function constrained({ findings = [] }: Vector): string {
  return listed(findings.filter(({ rule }) => rule.startsWith("schema.")).map(({ path }) => path));
}

function listed(paths: string[]): string {
  return [...new Set(paths)].sort().join(", ") || "nothing";
}

function* disagreements(vector: Vector): Generator<string> {
  const { json, binary } = vector;
  const message = typed(json);
  if (message instanceof Error || binary === null) {
    if (!(message instanceof Error)) yield "its JSON is read and should be refused";
    else if (binary !== null) yield `its JSON is refused and should be read: ${message.message}`;
    return;
  }
  const bytes = Buffer.from(binary, "base64");
  const read = fromBinary(MessageSchema, bytes);
  if (!isDeepStrictEqual(toJson(MessageSchema, message), json)) yield "from JSON comes other JSON";
  if (!bytes.equals(toBinary(MessageSchema, message))) yield "from JSON comes other binary";
  if (!isDeepStrictEqual(toJson(MessageSchema, read), json)) yield "from binary comes other JSON";
  const [found, due] = [violated(read), constrained(vector)];
  if (found !== due) yield `protovalidate finds ${found} and should find ${due}`;
}

function run(folder: string): boolean {
  const types = MessageSchema.oneofs[0]!.fields.map((field) => field.jsonName);
  let [cases, wrong] = [0, 0];
  for (const type of types) {
    const vectors: Vector[] = JSON.parse(readFileSync(join(folder, `${type}.json`), "utf8")).cases;
    for (const vector of vectors) {
      const said = [...disagreements(vector)];
      for (const each of said) console.log(`${type}, ${vector.name}: ${each}`);
      cases += 1;
      wrong += said.length ? 1 : 0;
    }
  }
  console.log(
    `TypeScript: ${types.length} message types, ${cases} cases, ${cases - wrong} agreements, ${wrong} disagreements`,
  );
  return wrong === 0;
}

process.exitCode = run(process.argv[2]!) ? 0 : 1;
