// Why a message is not taken: the reasons of the standard's error table that this partner uses.
// Of the error table, docs/errors.md: HTTP status, text. Only a fault of this side (500) is worth a repeat.
export const REASONS = {
  malformed_json: [400, "报文不是合法的 JSON", "the body is not well-formed JSON"],
  duplicate_key: [400, "字段重复", "a field is there twice"],
  wrong_encoding: [400, "字符编码不符", "the bytes are not in the expected encoding"],
  body_too_large: [413, "报文超过大小限制", "the body is larger than the limit"],
  unsupported_media_type: [415, "不支持的内容类型", "the content type is not one of the channel's"],
  signature_missing: [401, "缺少签名", "the signature is missing"],
  signature_invalid: [401, "签名无效", "the signature is not valid"],
  signature_expired: [401, "签名已过期", "the signature is outside its time"],
  receiver_mismatch: [403, "接收机构与本机构不符", "the receiver is not this institution"],
  test_mismatch: [403, "测试标志与渠道环境不符", "the test flag does not fit the channel"],
  unknown_message_type: [422, "未知的消息类型", "the message type is unknown"],
  unsupported_version: [422, "不支持的标准版本", "the version of the standard is not supported"],
  not_valid: [422, "校验未通过", "the message is not valid"],
  internal_error: [500, "系统内部错误", "a fault on this side"],
  conflict: [409, "与已有的内容或状态不符", "it does not fit what is there already"],
};

/** Why a message is not taken. `said` is about form and place and never holds a value of the message. */
export class Rejected extends Error {
  constructor(reason, said, findings = []) {
    super(said);
    this.reason = reason;
    this.status = REASONS[reason][0];
    this.findings = findings;
  }
}
