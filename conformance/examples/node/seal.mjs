// The seal: a detached JWS (RFC 7515) over the exact bytes of a message (RFC 7797, "b64": false), signed with Ed25519.
// In HTTP: the header Xinqiao-Signature, `header..signature`. What is signed is ASCII(header) "." bytes.
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Rejected } from "./errors.mjs";
import { readJson } from "./json.mjs";

export const JSON_TYPE = "application/json";
const MEMBERS = ["alg", "b64", "crit", "cty", "iat", "kid"];
const LONGEST = 4096;
// Seconds that a seal may be old, and that the signer's clock may be ahead.
const [MAX_AGE, LEEWAY] = [600, 60];

/** Reads a private JWK file. */
export function readSigningKey(path) {
  const jwk = JSON.parse(readFileSync(path, "utf8"));
  return { kid: jwk.kid, key: createPrivateKey({ key: jwk, format: "jwk" }) };
}

/** Reads a JWK set: the public keys by their id. Several may stand side by side while keys rotate. */
export function readVerifyingKeys(path) {
  const keys = JSON.parse(readFileSync(path, "utf8")).keys.filter((jwk) => jwk.crv === "Ed25519" && !jwk.former);
  return new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));
}

/** Returns the seal of bytes as they will travel. */
export function seal(content, { kid, key }) {
  const header = { alg: "Ed25519", kid, b64: false, crit: ["b64"], cty: JSON_TYPE, iat: Math.floor(Date.now() / 1000) };
  const encoded = Buffer.from(JSON.stringify(header)).toString("base64url");
  return `${encoded}..${sign(null, signingInput(encoded, content), key).toString("base64url")}`;
}

/** Verifies a seal; while the other side changes its key it sends two, and one that is good suffices. */
export function openEither(content, contentType, signature, next, keys) {
  try {
    openSeal(content, contentType, signature, keys);
  } catch (error) {
    if (!next || error.reason === "signature_expired") throw error;
    openSeal(content, contentType, next, keys);
  }
}

function openSeal(content, contentType, signature, keys) {
  if (!signature) throw new Rejected("signature_missing", "there is no Xinqiao-Signature");
  const parts = signature.length <= LONGEST ? signature.split(".") : [];
  if (parts.length !== 3 || parts[1] !== "") throw invalid("a detached JWS has the form header..signature");
  const header = protectedHeader(parts[0]);
  const key = keys.get(header.kid);
  if (!key) throw invalid("kid is not a registered key");
  if (mediaType(header.cty) !== mediaType(contentType)) throw invalid("it was signed as another content type");
  const good = verify(null, signingInput(parts[0], content), key, decoded(parts[2]));
  if (!good) throw invalid("the signature is not the key's over these bytes");
  const age = Date.now() / 1000 - header.iat;
  if (age > MAX_AGE || age < -LEEWAY) throw new Rejected("signature_expired", "iat is too long ago or ahead");
}

function protectedHeader(encoded) {
  let header;
  try {
    header = readJson(decoded(encoded));
  } catch {
    throw invalid("the protected header is no JSON object in base64url");
  }
  const named = Object.keys(header).sort().join() === MEMBERS.join();
  const unencoded = named && header.b64 === false && JSON.stringify(header.crit) === '["b64"]';
  // Never the algorithm that the header asks for: one that is agreed ("none" would let everybody in).
  if (!unencoded || header.alg !== "Ed25519") throw invalid(`the protected header has exactly ${MEMBERS.join(", ")}`);
  const typed = typeof header.kid === "string" && typeof header.cty === "string";
  if (!typed || !Number.isSafeInteger(header.iat) || header.iat < 0) throw invalid("kid, cty or iat has another type");
  return header;
}

function decoded(segment) {
  const bytes = Buffer.from(segment, "base64url");
  // Padding, foreign characters and unused bits would give one signature several spellings.
  if (bytes.toString("base64url") !== segment) throw invalid("a segment is not canonical base64url");
  return bytes;
}

function signingInput(encoded, content) {
  return Buffer.concat([Buffer.from(`${encoded}.`, "ascii"), content]);
}

function mediaType(text) {
  return text.replace(/\s/g, "").toLowerCase();
}

function invalid(said) {
  return new Rejected("signature_invalid", said);
}
