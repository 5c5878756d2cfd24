import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What this bank says in the business of a family trust: bodies from ../messages, headers of its own. */
final class Bank {
    private static final int MOST_KEPT = 10_000;
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\w+)\\}");

    private final String institution;
    private final String receiver;
    private final boolean isTest;
    private final Map<String, Map<String, Object>> bodies = new HashMap<>();
    private final Map<String, Map<String, Object>> sent = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Map<String, Object>> eldest) {
            return size() > MOST_KEPT;
        }
    };
    private int serial;

    Bank(String institution, String receiver, boolean isTest, Path folder) throws IOException {
        this.institution = institution;
        this.receiver = receiver;
        this.isTest = isTest;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
                bodies.put(file.getFileName().toString().replace(".json", ""), Json.read(Files.readAllBytes(file)));
            }
        }
    }

    /** Says whether it sends messages of a type. */
    boolean sends(String type) {
        return bodies.containsKey(type);
    }

    /** Returns a message it has sent, by its id, or null. */
    synchronized Map<String, Object> sent(String messageId) {
        return sent.get(messageId);
    }

    /** Writes a message of a case; {@code answered} is the message that it answers, as far as it is known, or null. */
    synchronized Map<String, Object> write(String type, String caseId, Map<String, Object> answered) {
        Map<String, Object> header = header();
        header.put("caseId", caseId);
        if (answered != null) header.put("correlationId", View.of(answered.get("header")).text("messageId"));
        View notice = answered == null ? null : View.of(answered.get("disclosureNotice"));
        Map<String, String> values = Map.of(
                "case", caseId,
                "serial", (String) header.get("partnerSerial"),
                "sender", institution,
                "receiver", receiver,
                "today", Message.day(0),
                "nextWeek", Message.day(7),
                "nextYear", Message.day(364),
                "now", (String) header.get("createdAt"),
                "disclosure", notice == null ? caseId : notice.text("disclosureNo"));
        Map<String, Object> body = Json.object(filled(bodies.get(type), values));
        if (type.equals("disclosureReceipt") && notice != null && notice.has("documents")) {
            List<View> documents = notice.parts("documents");
            body.put("documentDigests", documents.stream().map(each -> each.members().get("digest")).toList());
        }
        return kept(header, type, body);
    }

    /** Writes the correction of a message: a new one, with the next revision, that names the one it replaces. */
    synchronized Map<String, Object> correct(Map<String, Object> message) {
        View wrong = View.of(message.get("header"));
        Map<String, Object> header = header();
        header.put("caseId", wrong.text("caseId"));
        header.put("revision", BigInteger.valueOf(wrong.number("revision", 1) + 1));
        header.put("replaces", wrong.text("messageId"));
        if (wrong.has("correlationId")) header.put("correlationId", wrong.text("correlationId"));
        String type = message.keySet().stream().filter(bodies::containsKey).findFirst().orElseThrow();
        // The body is what a real bank would put right.
        return kept(header, type, Json.object(message.get(type)));
    }

    private Map<String, Object> header() {
        String now = Message.timestamp();
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("messageId", Message.newId());
        header.put("standardVersion", "1.0");
        header.put("sender", institution);
        header.put("receiver", receiver);
        header.put("partnerSerial", now.replaceAll("\\D", "").substring(0, 17) + String.format("%04d", ++serial));
        header.put("businessDate", Message.day(0));
        header.put("createdAt", now);
        if (isTest) header.put("test", true);
        return header;
    }

    private Map<String, Object> kept(Map<String, Object> header, String type, Map<String, Object> body) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("header", header);
        message.put(type, body);
        sent.put((String) header.get("messageId"), message);
        return message;
    }

    /** Returns a copy of a template in which {name} stands for a value. */
    private static Object filled(Object template, Map<String, String> values) {
        if (template instanceof String text) {
            return PLACEHOLDER.matcher(text).replaceAll(match -> Matcher.quoteReplacement(values.get(match.group(1))));
        }
        if (template instanceof List<?> items) {
            List<Object> found = new ArrayList<>();
            items.forEach(each -> found.add(filled(each, values)));
            return found;
        }
        if (!(template instanceof Map)) return template;
        Map<String, Object> found = new LinkedHashMap<>();
        Json.object(template).forEach((key, each) -> found.put(key, filled(each, values)));
        return found;
    }
}
