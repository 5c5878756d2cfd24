"""The one error tree, by what the caller should do: rejected, retryable, configuration.

Each class is one row of the error table: a stable ``reason``, its HTTP status and gRPC code, and what it says
in Chinese and English. ``docs/errors.md`` is generated from this module; the REST front answers from it.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from xinqiao.finding import Finding, Text

__all__ = [
    "BatchRefused",
    "BodyTooLarge",
    "CaseMissing",
    "CertificateInvalid",
    "ConfigurationError",
    "Conflict",
    "ContentGone",
    "ContentRefused",
    "DestinationDown",
    "DestinationRefused",
    "DocumentRefused",
    "DuplicateKey",
    "FileRefused",
    "ForbiddenXml",
    "FourEyes",
    "HostUntrusted",
    "InProgress",
    "InterfaceUnknown",
    "InternalError",
    "JournalUnavailable",
    "KeyUnusable",
    "MalformedBinary",
    "MalformedFrame",
    "MalformedJson",
    "MalformedQuery",
    "MalformedRequest",
    "MalformedXml",
    "ManifestMismatch",
    "NoRoute",
    "NotAuthorized",
    "NotFound",
    "NotValid",
    "OutOfOrder",
    "Overloaded",
    "PolicyForbids",
    "ProfileInvalid",
    "RateLimited",
    "ReceiverMismatch",
    "Rejected",
    "Retryable",
    "SealExpired",
    "SealInvalid",
    "SealMissing",
    "SenderMismatch",
    "SettingsInvalid",
    "SlowBody",
    "TestMismatch",
    "TooManyMessages",
    "UnknownChannel",
    "UnknownMessageType",
    "UnsupportedMediaType",
    "UnsupportedVersion",
    "WrongEncoding",
    "XinqiaoError",
    "error_table",
]


class XinqiaoError(Exception):
    """The root. ``detail`` says where and what, in English; findings carry the rest in both languages.

    Its own reason stands for one that this version does not know; it is no row of the table.
    """

    reason: ClassVar[str] = "unknown"
    http_status: ClassVar[int] = 500
    grpc_code: ClassVar[str] = "UNKNOWN"
    text: ClassVar[Text] = Text("未知的原因", "a reason that this version does not know")
    fix: ClassVar[Text] = Text("查看原文，或升级 SDK", "read the answer itself, or upgrade the SDK")
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, findings: Sequence[Finding] = (), expected: Sequence[str] = ()) -> None:
        self.detail = detail
        self.findings = tuple(findings)
        self.expected = tuple(expected)
        super().__init__(f"{self.text.en}: {detail}" if detail else self.text.en)


class Rejected(XinqiaoError):
    """The caller must change something; the same call again fails again."""


class Retryable(XinqiaoError):
    """The same call may succeed later; after ``retry_in`` seconds where that is known."""

    retryable = True

    def __init__(
        self,
        detail: str = "",
        *,
        findings: Sequence[Finding] = (),
        expected: Sequence[str] = (),
        retry_in: float | None = None,
    ) -> None:
        super().__init__(detail, findings=findings, expected=expected)
        self.retry_in = retry_in


class ConfigurationError(XinqiaoError):
    """The operator of this side must change something."""

    http_status = 500
    grpc_code = "INTERNAL"


# --- rejected: the raw input ---------------------------------------------------------------------------------


class MalformedJson(Rejected):
    """Not JSON, or not a JSON object."""

    reason = "malformed_json"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("报文不是合法的 JSON", "the body is not well-formed JSON")
    fix = Text("按 RFC 8259 修正所指位置", "correct the place named, after RFC 8259")


class DuplicateKey(Rejected):
    """A JSON object names a key twice, or XML an element that stands once; which one counts would be a guess."""

    reason = "duplicate_key"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("字段重复", "a field is there twice")
    fix = Text("每个字段只保留一次", "give each field once")


class MalformedXml(Rejected):
    """Not well-formed XML."""

    reason = "malformed_xml"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("报文不是合法的 XML", "the body is not well-formed XML")
    fix = Text("修正所指行", "correct the line named")


class MalformedBinary(Rejected):
    """Not a protobuf message of the standard."""

    reason = "malformed_binary"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("报文不是合法的 protobuf 消息", "the body is no protobuf message of the standard")
    fix = Text("用标准的 proto 文件生成的代码编码", "encode it with code generated from the standard's proto files")


class MalformedFrame(Rejected):
    """Bytes of a connection that are not framed as the channel agrees, or that end before the frame does."""

    reason = "malformed_frame"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("报文头不符合约定的格式", "the frame around the body is not as agreed")
    fix = Text("按约定的报文头逐字节核对", "compare it with the agreed frame byte by byte")


class ForbiddenXml(Rejected):
    """XML with a document type, entities or other parts that a message never needs."""

    reason = "forbidden_xml"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("XML 含有 DTD 或实体", "the XML holds a document type or entities")
    fix = Text("去掉 DOCTYPE 和实体", "leave out DOCTYPE and entities")


class WrongEncoding(Rejected):
    """The bytes are not in the encoding that the interface says."""

    reason = "wrong_encoding"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("字符编码不符", "the bytes are not in the expected encoding")
    fix = Text("按约定的字符集编码", "encode in the character set agreed for the interface")


class BodyTooLarge(Rejected):
    """More bytes than the channel's limit."""

    reason = "body_too_large"
    http_status = 413
    grpc_code = "RESOURCE_EXHAUSTED"
    text = Text("报文超过大小限制", "the body is larger than the limit")
    fix = Text("拆分报文或改用文件接口", "split the message, or send it as a file")


class TooManyMessages(Rejected):
    """More messages in one raw input than the gateway takes."""

    reason = "too_many_messages"
    http_status = 413
    grpc_code = "RESOURCE_EXHAUSTED"
    text = Text("一次提交的消息过多", "one input holds too many messages")
    fix = Text("分多次提交", "send them in several inputs")


class UnsupportedMediaType(Rejected):
    """A content type that no interface of the channel takes."""

    reason = "unsupported_media_type"
    http_status = 415
    grpc_code = "INVALID_ARGUMENT"
    text = Text("不支持的内容类型", "the content type is not one of the channel's")
    fix = Text("使用渠道约定的内容类型", "use the content type agreed for the channel")


class ContentRefused(Rejected):
    """A record that the adapter cannot read or write: a value its format does not hold."""

    reason = "content_refused"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("内容无法转换", "the content cannot be converted")
    fix = Text("按接口规范修正所列字段", "correct the fields listed, after the interface's specification")


# --- rejected: who and where ---------------------------------------------------------------------------------


class UnknownChannel(Rejected):
    """No such channel is served here."""

    reason = "unknown_channel"
    http_status = 404
    grpc_code = "NOT_FOUND"
    text = Text("渠道不存在", "the channel is unknown")
    fix = Text("检查地址中的渠道编号", "check the channel's id in the address")


class InterfaceUnknown(Rejected):
    """The input fits no interface of the channel."""

    reason = "unknown_interface"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("报文不属于该渠道的任何接口", "the input fits no interface of the channel")
    fix = Text("检查根元素或交易码", "check the root element or the transaction code")


class SealMissing(Rejected):
    """The channel wants sealed messages and none came."""

    reason = "signature_missing"
    http_status = 401
    grpc_code = "UNAUTHENTICATED"
    text = Text("缺少签名", "the signature is missing")
    fix = Text("按渠道约定附上签名", "send the signature that the channel asks for")


class SealInvalid(Rejected):
    """The signature does not belong to these bytes, this key or these rules."""

    reason = "signature_invalid"
    http_status = 401
    grpc_code = "UNAUTHENTICATED"
    text = Text("签名无效", "the signature is not valid")
    fix = Text("按渠道约定的内容签名，并使用已登记的密钥", "sign what the channel agrees on, with a registered key")


class SealExpired(Rejected):
    """Signed too long ago, or in the future."""

    reason = "signature_expired"
    http_status = 401
    grpc_code = "UNAUTHENTICATED"
    text = Text("签名已过期", "the signature is outside its time")
    fix = Text("校准时钟后重新签名", "set the clock and sign again")


class NotAuthorized(Rejected):
    """No valid access token for what was asked."""

    reason = "not_authorized"
    http_status = 401
    grpc_code = "UNAUTHENTICATED"
    text = Text("未授权", "access is not authorized")
    fix = Text("附上有效的访问令牌", "send a valid access token")


class SenderMismatch(Rejected):
    """The message claims a sender that the channel does not speak for."""

    reason = "sender_mismatch"
    http_status = 403
    grpc_code = "PERMISSION_DENIED"
    text = Text("发送机构与渠道不符", "the sender is not the channel's institution")
    fix = Text("填写渠道所属机构的代码", "name the institution that the channel belongs to")


class ReceiverMismatch(Rejected):
    """The message is for another institution than the one that it reached."""

    reason = "receiver_mismatch"
    http_status = 403
    grpc_code = "PERMISSION_DENIED"
    text = Text("接收机构与本机构不符", "the receiver is not this institution")
    fix = Text("检查接收机构代码和推送地址", "check the receiver's code and the address that it was sent to")


class TestMismatch(Rejected):
    """Test traffic on a production channel, or the other way round."""

    reason = "test_mismatch"
    http_status = 403
    grpc_code = "PERMISSION_DENIED"
    text = Text("测试标志与渠道环境不符", "the test flag does not fit the channel")
    fix = Text("测试报文只发往测试渠道", "send test messages to test channels only")


class MalformedQuery(Rejected):
    """A parameter of a query that cannot be used."""

    reason = "malformed_query"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("查询参数无效", "a parameter of the query cannot be used")
    fix = Text("修正所指参数", "correct the parameter named")


class MalformedRequest(Rejected):
    """What a launch, an entry or a form states, and cannot be used: a part that is missing, or of another form."""

    reason = "malformed_request"
    http_status = 400
    grpc_code = "INVALID_ARGUMENT"
    text = Text("请求内容无法使用", "a part of what was stated cannot be used")
    fix = Text("修正所指内容", "correct the part named")


class NotFound(Rejected):
    """Nothing under that name."""

    reason = "not_found"
    http_status = 404
    grpc_code = "NOT_FOUND"
    text = Text("未找到", "nothing is found under that name")
    fix = Text("检查编号", "check the id")


class FourEyes(Rejected):
    """An action of an operator that another one must check; nobody checks their own."""

    reason = "four_eyes"
    http_status = 403
    grpc_code = "PERMISSION_DENIED"
    text = Text("经办人不能复核本人的申请", "the maker of a proposal cannot check it")
    fix = Text("请另一位操作员复核", "let another operator check it")


class ContentGone(Rejected):
    """The content was destroyed on request, or moved to an archive; the evidence stays."""

    reason = "content_gone"
    http_status = 410
    grpc_code = "FAILED_PRECONDITION"
    text = Text("内容已销毁或归档", "the content was erased or archived")
    fix = Text("已归档的内容可从归档文件恢复", "what is archived can be restored from its file")


# --- rejected: the message -----------------------------------------------------------------------------------


class UnknownMessageType(Rejected):
    """Not exactly one body of a known type."""

    reason = "unknown_message_type"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("未知的消息类型", "the message type is unknown")
    fix = Text("消息应有且仅有一个标准定义的正文", "give the message exactly one body that the standard defines")


class UnsupportedVersion(Rejected):
    """A major version of the standard that is not spoken here."""

    reason = "unsupported_version"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("不支持的标准版本", "the version of the standard is not supported")
    fix = Text("使用 1.x 版本", "use a version 1.x")


class NotValid(Rejected):
    """Schema or rules are violated; the findings list every violation."""

    reason = "not_valid"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("校验未通过", "the message is not valid")
    fix = Text("按所列发现逐项修正", "correct each finding listed")


class NoRoute(Rejected):
    """No channel leads to the receiver for this message type."""

    reason = "no_route"
    http_status = 422
    grpc_code = "FAILED_PRECONDITION"
    text = Text("没有通往接收机构的渠道", "no channel leads to the receiver")
    fix = Text(
        "检查接收机构代码，或请对方开通该消息",
        "check the receiver's code, or ask for the message to be opened",
    )


class PolicyForbids(Rejected):
    """A rule of the institution's policy forbids the request; nothing was accepted."""

    reason = "policy_forbids"
    http_status = 403
    grpc_code = "PERMISSION_DENIED"
    text = Text("业务规则不允许", "a rule of the institution forbids it")
    fix = Text("核对规则所限内容，或联系受理机构", "look at what the rule limits, or ask the institution")


class DocumentRefused(Rejected):
    """A document of a kind or size that is not taken, or that is not what its digest says."""

    reason = "document_refused"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("文档不予接收", "the document is not taken")
    fix = Text("核对文档的类型、大小和摘要", "check the document's type, size and digest")


class Conflict(Rejected):
    """The id or key is known with other content, or somebody did the thing already; nothing was changed."""

    reason = "conflict"
    http_status = 409
    grpc_code = "ALREADY_EXISTS"
    text = Text("与已有的内容或状态不符", "it does not fit what is there already")
    fix = Text(
        "更正消息请用新的编号并填写 replaces；其他操作请先查看现状再决定",
        "send a corrected message under a new id that names the old in replaces; "
        "for anything else look at how it stands now",
    )


class FileRefused(Rejected):
    """A file that is not taken for its name, its kind or its size; what is in it was not looked at."""

    reason = "file_refused"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("文件不予接收", "the file is not taken")
    fix = Text("核对文件的名称、类型和大小", "check the file's name, kind and size")


class CaseMissing(Rejected):
    """A message that opens a case does not name it."""

    reason = "case_missing"
    http_status = 422
    grpc_code = "INVALID_ARGUMENT"
    text = Text("缺少业务编号", "the message names no case")
    fix = Text("填写 header.caseId", "fill in header.caseId")


class OutOfOrder(Rejected):
    """A request that the process of its case does not expect now; ``expected`` names what it waits for."""

    reason = "out_of_order"
    http_status = 409
    grpc_code = "FAILED_PRECONDITION"
    text = Text("请求不符合业务流程的顺序", "the request is out of order")
    fix = Text("先发送所期望的消息", "send what the case expects first")


class BatchRefused(Rejected):
    """Another message of an all-or-nothing input was refused."""

    reason = "batch_refused"
    http_status = 422
    grpc_code = "FAILED_PRECONDITION"
    text = Text(
        "同一批次中有消息被拒绝，整批未受理",
        "another message of the same input was refused; none was accepted",
    )
    fix = Text("修正被拒绝的消息后整批重发", "correct the refused message and send the whole input again")


class ManifestMismatch(Rejected):
    """A file that is not what its manifest says, or of which nothing says that it is whole; none of it was accepted."""

    reason = "manifest_mismatch"
    http_status = 422
    grpc_code = "FAILED_PRECONDITION"
    text = Text(
        "文件与清单不符，整批未受理", "the file and its manifest do not agree; nothing of the batch was accepted"
    )
    fix = Text(
        "核对所列各项，更正文件或重制清单后一并重发",
        "compare what is listed, mend the file or make its manifest anew, and send both again",
    )


class CertificateInvalid(Rejected):
    """A certificate, or a signed list about certificates, that is not to be relied on; ``detail`` begins with why."""

    reason = "certificate_invalid"
    http_status = 422
    grpc_code = "FAILED_PRECONDITION"
    text = Text("证书不可信", "the certificate cannot be relied on")
    fix = Text("按所述原因向签发机构核实", "take the reason given to who issued it")

    @property
    def because(self) -> str:
        """One word for why, such as ``expired``; ``xinqiao.certificate`` lists them."""
        return self.detail.partition(":")[0]


class DestinationRefused(Rejected):
    """The destination understood the message and said no; a repeat would not help."""

    reason = "destination_refused"
    http_status = 502
    grpc_code = "FAILED_PRECONDITION"
    text = Text("对方拒绝了消息", "the destination refused the message")
    fix = Text("查看对方的答复，修正后重放", "read the answer of the destination, correct, and replay")


# --- retryable -----------------------------------------------------------------------------------------------


class Overloaded(Retryable):
    """More work than the limits allow at the moment."""

    reason = "overloaded"
    http_status = 503
    grpc_code = "RESOURCE_EXHAUSTED"
    text = Text("系统繁忙", "too much is under way")
    fix = Text("稍后重试", "try again later")


class RateLimited(Retryable):
    """A channel sends more than its limits allow; nothing was accepted."""

    reason = "rate_limited"
    http_status = 429
    grpc_code = "RESOURCE_EXHAUSTED"
    text = Text("超过本渠道的流量限制", "the channel sends more than it may")
    fix = Text("按 Retry-After 的时间以同一编号重试", "try again under the same id after the time in Retry-After")


class SlowBody(Retryable):
    """The body did not come within the time for it; nothing was accepted."""

    reason = "slow_body"
    http_status = 408
    grpc_code = "DEADLINE_EXCEEDED"
    text = Text("报文未在限定时间内传完", "the body did not arrive in time")
    fix = Text("检查网络后以同一编号重发，或拆分报文", "look at the network and send it again, or split the message")


class InProgress(Retryable):
    """The same message is being handled already; it may yet be refused, so nothing can be said about it."""

    reason = "in_progress"
    http_status = 503
    grpc_code = "UNAVAILABLE"
    text = Text("同一消息正在处理", "the same message is being handled")
    fix = Text("以同一编号稍后重试", "try again later under the same id")


class JournalUnavailable(Retryable):
    """The journal cannot promise durability now; the same input sent again tells what became of it."""

    reason = "journal_unavailable"
    http_status = 503
    grpc_code = "UNAVAILABLE"
    text = Text("流水库暂不可用，未作承诺", "the journal is not available; nothing is promised")
    fix = Text("以同一编号稍后重试", "try again later under the same id")


class InternalError(Retryable):
    """A fault of ours; its details are in our log, not in the answer."""

    reason = "internal_error"
    http_status = 500
    grpc_code = "INTERNAL"
    text = Text("系统内部错误", "a fault on this side")
    fix = Text("以同一编号稍后重试；仍失败请联系运营方", "try again later under the same id, then ask the operator")


class DestinationDown(Retryable):
    """The destination cannot be reached or says that it cannot work now."""

    reason = "destination_down"
    http_status = 503
    grpc_code = "UNAVAILABLE"
    text = Text("对方暂不可达", "the destination cannot be reached")
    fix = Text("无需处理，系统会按计划重试", "nothing to do: delivery is retried on schedule")


# --- configuration -------------------------------------------------------------------------------------------


class ProfileInvalid(ConfigurationError):
    """A channel profile that says something impossible; ``detail`` names file and line."""

    reason = "profile_invalid"
    text = Text("渠道配置无效", "the channel profile is not valid")
    fix = Text("修正所指文件和行", "correct the file and line named")


class KeyUnusable(ConfigurationError):
    """A key file that is missing, malformed or readable by others."""

    reason = "key_unusable"
    text = Text("密钥不可用", "the key cannot be used")
    fix = Text("检查密钥文件及其权限", "check the key file and its permissions")


class HostUntrusted(ConfigurationError):
    """A server that shows another host key than the channel's profile names."""

    reason = "host_untrusted"
    text = Text("对方主机密钥与登记的不符", "the server shows another host key than the profile names")
    fix = Text(
        "通过电话等其他途径与对方核实新密钥，再登记到 login.host_keys",
        "ask the partner by another way whether the key is theirs, then name it in login.host_keys",
    )


class SettingsInvalid(ConfigurationError):
    """A setting of the gateway that cannot be used."""

    reason = "settings_invalid"
    text = Text("系统设置无效", "a setting is not valid")
    fix = Text(
        "按说明修正；xinqiao-gateway config check 列出全部问题",
        "correct what is named; xinqiao-gateway config check lists every problem",
    )


def error_table() -> list[type[XinqiaoError]]:
    """Return every class that has a reason, in the order of this module."""

    def below(parent: type[XinqiaoError]) -> Iterator[type[XinqiaoError]]:
        for child in parent.__subclasses__():
            if "reason" in vars(child):
                yield child
            yield from below(child)

    return list(below(XinqiaoError))
