// The two answers to a message: a receipt (it was taken) and a rejection (it was not, and why).
import { REASONS } from "./errors.mjs";
import { newMessageId, timestamp } from "./message.mjs";

// For whom an answer is where nobody is known.
const NOBODY = "0".repeat(18);
/** Returns the receipt for a message: who accepted what, when, under which number and digest. */
export function receipt(institution, header, position, digest) {
  const acceptedAt = timestamp();
  return {
    header: {
      messageId: newMessageId(),
      standardVersion: "1.0",
      sender: institution,
      receiver: header.sender,
      correlationId: header.messageId,
      createdAt: acceptedAt,
    },
    receipt: {
      acceptedMessageId: header.messageId,
      acceptedAt,
      position: String(position),
      digest: { algorithm: "SHA256", value: digest },
    },
  };
}

/** Returns the rejection; `sender` and `messageId` are those of the message, where they could be relied on. */
export function rejection(institution, error, sender = NOBODY, messageId = undefined) {
  const [, zh, en] = REASONS[error.reason];
  const text = { zh: `${zh}: ${error.message}`, en: `${en}: ${error.message}` };
  const header = { messageId: newMessageId(), standardVersion: "1.0", sender: institution, receiver: sender };
  const body = { reason: error.reason, text, retryable: error.status === 500 };
  if (messageId) header.correlationId = body.rejectedMessageId = messageId;
  if (error.findings.length) body.findings = error.findings.slice(0, 1000);
  return { header: { ...header, createdAt: timestamp() }, rejection: body };
}
