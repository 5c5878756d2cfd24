"""What to do where a message was not answered: told from what the libraries said of the port that it went to."""

from xinqiao.errors import DestinationDown
from xinqiao.finding import Text
from xinqiao.transport import NoAnswer

__all__ = ["unanswered"]

_NOT_SENT = Text(
    "未发送；请启动网关或检查 --url，然后再次执行同一命令",
    "not sent; start the gateway or check --url, then run the same command again",
)
_NO_ANSWER = Text(
    "没有答复；请再次执行同一命令，网关会识别重复的消息；仍无答复，请核对端口和协议：https:// 有 TLS，http:// 无",
    "no answer came; run the same command again, the gateway recognises a repeat; "
    "if it stays so, check port and scheme: https:// with TLS, http:// without",
)
_OTHER_PORT = Text(
    "该端口不按 --url 的方式答复；请核对端口和协议：http:// 无 TLS，https:// 有 TLS，gRPC 端口用 grpc:// 或 grpcs://，"
    "SFTP 端口不收 send",
    "that port does not answer as --url says; check port and scheme: http:// without TLS, https:// with it, grpc:// or "
    "grpcs:// for the port of gRPC; the port of SFTP takes no send",
)
_NO_TLS = Text(
    "未发送；该端口不使用 TLS：请核对端口，或改用 http://（gRPC 端口用 grpc://）",
    "not sent; that port speaks no TLS: check the port, or write http:// (grpc:// for the port of gRPC)",
)
_UNTRUSTED = Text(
    "未发送；服务器证书不受信任：请用 --ca 指定签发者的证书，并核对 --url 中的主机名",
    "not sent; the server's certificate is not trusted: name who issued it with --ca, and check the host in --url",
)
# What the libraries say of a port of another kind than the address names; the first that is found counts.
_SAID = (
    ("CERTIFICATE_VERIFY_FAILED", _UNTRUSTED),
    ("WRONG_VERSION_NUMBER", _NO_TLS),
    ("illegal ", _OTHER_PORT),
    ("Failed parsing HTTP/2", _OTHER_PORT),
    ("Socket closed", _OTHER_PORT),
)


def unanswered(error: DestinationDown) -> Text:
    """Return what to check where no answer came."""
    for said, advice in _SAID:
        if said in error.detail:
            return advice
    cause = error.__cause__
    return _NOT_SENT if isinstance(cause, NoAnswer) and not cause.was_connected else _NO_ANSWER
