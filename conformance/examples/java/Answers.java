import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The two answers to a message: a receipt (it was taken) and a rejection (it was not, and why). */
final class Answers {
    private static final int MOST_FINDINGS = 1000;

    private final String institution;

    Answers(String institution) {
        this.institution = institution;
    }

    /** Returns the receipt for a message: who accepted what, when, under which number and digest. */
    Map<String, Object> receipt(View header, long position, String digest) {
        String messageId = header.text("messageId");
        Map<String, Object> answering = header(header.text("sender"), messageId);
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("acceptedMessageId", messageId);
        body.put("acceptedAt", answering.get("createdAt"));
        body.put("position", String.valueOf(position));
        body.put("digest", Map.of("algorithm", "SHA256", "value", digest));
        return Map.of("header", answering, "receipt", body);
    }

    /** Returns the rejection of a message; its sender is null where nobody is known, its id where there is none. */
    Map<String, Object> rejection(Rejected error, String sender, String messageId) {
        Reason reason = error.reason;
        Map<String, Object> body = new LinkedHashMap<>();
        if (messageId != null) body.put("rejectedMessageId", messageId);
        body.put("reason", reason.name().toLowerCase());
        body.put("text", text(reason.zh + ": " + error.getMessage(), reason.en + ": " + error.getMessage()));
        body.put("retryable", reason.isRetryable());
        List<?> findings = error.findings.subList(0, Math.min(error.findings.size(), MOST_FINDINGS));
        if (!findings.isEmpty()) body.put("findings", findings);
        return Map.of("header", header(sender == null ? "0".repeat(18) : sender, messageId), "rejection", body);
    }

    private Map<String, Object> header(String receiver, String answered) {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("messageId", Message.newId());
        header.put("standardVersion", "1.0");
        header.put("sender", institution);
        header.put("receiver", receiver);
        if (answered != null) header.put("correlationId", answered);
        header.put("createdAt", Message.timestamp());
        return header;
    }

    /** Returns a finding about a place of the message. */
    static Map<String, Object> finding(String rule, String path, Map<String, Object> text) {
        Map<String, Object> finding = new LinkedHashMap<>();
        finding.put("rule", rule);
        finding.put("level", "ERROR");
        finding.put("path", path.substring(0, Math.min(path.length(), 300)));
        finding.put("text", text);
        return finding;
    }

    static Map<String, Object> text(String zh, String en) {
        return Map.of("zh", zh, "en", en);
    }
}
