// A small partner of a gateway, without dependencies: sends a bank's messages of a family trust and takes what is
// pushed to it. docs/conformance/contract.md says how it is started and steered.
import { createServer } from "node:http";
import { Bank } from "./bank.mjs";
import { Rejected } from "./errors.mjs";
import { rejection } from "./outcome.mjs";
import { Receiver } from "./receiver.mjs";
import { Rules } from "./rules.mjs";
import { Schemas } from "./schema.mjs";
import { readSigningKey, readVerifyingKeys } from "./seal.mjs";
import { Sender } from "./sender.mjs";

const STANDARD = new URL("../../../schemas/", import.meta.url);
const MESSAGES = new URL("../messages/", import.meta.url);
const LARGEST = 1_048_576;

const NEEDED = ["GATEWAY", "CHANNEL", "KEY", "GATEWAY_KEYS", "SENDER", "RECEIVER"].map((name) => `XINQIAO_${name}`);

const { env } = process;
const missing = NEEDED.filter((name) => !env[name]);
if (missing.length) {
  console.error(`missing in the environment: ${missing.join(", ")}`);
  process.exit(2);
}
const institution = env.XINQIAO_SENDER;
const isTest = env.XINQIAO_TEST === "1";
const bank = new Bank({ institution, receiver: env.XINQIAO_RECEIVER, isTest, folder: MESSAGES });
const sender = new Sender({
  gateway: env.XINQIAO_GATEWAY,
  channel: env.XINQIAO_CHANNEL,
  key: readSigningKey(env.XINQIAO_KEY),
});
const receiver = new Receiver({
  institution,
  isTest,
  gatewayKeys: readVerifyingKeys(env.XINQIAO_GATEWAY_KEYS),
  schemas: new Schemas(new URL("json/v1/", STANDARD)),
  rules: new Rules(STANDARD),
});

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, "http://partner");
  const path = `${request.method} ${pathname}`;
  if (path === "GET /health") return { status: 200, message: { status: "ok" } };
  if (path === "POST /messages") return push(request);
  if (path.startsWith("POST /do/")) return act(pathname.slice("/do/".length), searchParams);
  return { status: 404, message: { error: `nothing at ${path}` } };
}

async function push(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= LARGEST) chunks.push(chunk);
  }
  if (size <= LARGEST) return receiver.receive(Buffer.concat(chunks), request.headers);
  return rejected(new Rejected("body_too_large", `at most ${LARGEST} bytes`));
}

function rejected(error) {
  return { status: error.status, message: rejection(institution, error) };
}

/** Does what the suite asks for; answers when the message has come to an end. */
async function act(type, asked) {
  const message = type === "correction" ? correction(asked.get("of")) : fresh(type, asked);
  if (!message) return { status: 404, message: { error: `no ${type} can be sent` } };
  return { status: 200, message: { messageId: message.header.messageId, outcome: await sender.send(message) } };
}

function correction(messageId) {
  const wrong = bank.sent(messageId);
  return wrong && bank.correct(wrong);
}

function fresh(type, asked) {
  const caseId = asked.get("case");
  if (!bank.sends(type) || !caseId) return undefined;
  const correlation = asked.get("correlation");
  const isAnswered = ({ header, disclosureNotice }) =>
    correlation
      ? header.messageId === correlation
      : type === "disclosureReceipt" && disclosureNotice && header.caseId === caseId;
  const unseen = correlation ? { header: { messageId: correlation } } : undefined;
  return bank.write(type, caseId, receiver.newest(isAnswered) ?? unseen);
}

const server = createServer(async (request, response) => {
  let said;
  try {
    said = await answer(request);
  } catch (error) {
    // A fault of ours: the gateway tries again later. What the message says stays out of the log.
    console.error(`${error.name} at ${request.method} ${request.url.split("?")[0]}`);
    said = rejected(new Rejected("internal_error", "see the log"));
  }
  response.writeHead(said.status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(said.message));
});
server.maxConnections = 100;
server.requestTimeout = 30_000;
server.listen(Number(env.XINQIAO_PORT ?? 0), "127.0.0.1", () => {
  console.log(JSON.stringify({ ready: true, url: `http://127.0.0.1:${server.address().port}` }));
});
process.on("SIGTERM", () => process.exit(0));
