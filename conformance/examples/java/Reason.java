/** Why a message is not taken: the reasons of the standard's error table (docs/errors.md) that this partner uses. */
enum Reason {
    MALFORMED_JSON(400, "报文不是合法的 JSON", "the body is not well-formed JSON"),
    DUPLICATE_KEY(400, "字段重复", "a field is there twice"),
    WRONG_ENCODING(400, "字符编码不符", "the bytes are not in the expected encoding"),
    BODY_TOO_LARGE(413, "报文超过大小限制", "the body is larger than the limit"),
    UNSUPPORTED_MEDIA_TYPE(415, "不支持的内容类型", "the content type is not one of the channel's"),
    SIGNATURE_MISSING(401, "缺少签名", "the signature is missing"),
    SIGNATURE_INVALID(401, "签名无效", "the signature is not valid"),
    SIGNATURE_EXPIRED(401, "签名已过期", "the signature is outside its time"),
    RECEIVER_MISMATCH(403, "接收机构与本机构不符", "the receiver is not this institution"),
    TEST_MISMATCH(403, "测试标志与渠道环境不符", "the test flag does not fit the channel"),
    UNKNOWN_MESSAGE_TYPE(422, "未知的消息类型", "the message type is unknown"),
    UNSUPPORTED_VERSION(422, "不支持的标准版本", "the version of the standard is not supported"),
    NOT_VALID(422, "校验未通过", "the message is not valid"),
    CONFLICT(409, "与已有的内容或状态不符", "it does not fit what is there already"),
    INTERNAL_ERROR(500, "系统内部错误", "a fault on this side");

    final int status;
    final String zh;
    final String en;

    Reason(int status, String zh, String en) {
        this.status = status;
        this.zh = zh;
        this.en = en;
    }

    /** Only a fault of this side is worth a repeat of the same bytes. */
    boolean isRetryable() {
        return this == INTERNAL_ERROR;
    }
}
