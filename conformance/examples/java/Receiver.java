import java.security.PublicKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The receiver of pushed messages, step by step: seal, JSON, type, schema, rules, address, repeat. The first step that
 * fails is the answer.
 */
final class Receiver {
    /** An answer: its HTTP status and its message. */
    record Answer(int status, Map<String, Object> message) {}

    private record Taken(Map<String, Object> message, String digest, Map<String, Object> receipt) {}

    private static final Pattern MESSAGE_ID =
            Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    private static final int MOST_KEPT = 100_000;

    private final String institution;
    private final boolean isTest;
    private final Map<String, PublicKey> gatewayKeys;
    private final Schemas schemas;
    private final Rules rules;
    private final Answers answers;
    // By sender and message id. In memory, so that the example stays small: a real partner writes this in the
    // transaction in which it takes the message, before it answers.
    private final Map<String, Taken> taken = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Taken> eldest) {
            return size() > MOST_KEPT;
        }
    };
    private long position;

    Receiver(String institution, boolean isTest, Map<String, PublicKey> gatewayKeys, Schemas schemas, Rules rules) {
        this.institution = institution;
        this.isTest = isTest;
        this.gatewayKeys = gatewayKeys;
        this.schemas = schemas;
        this.rules = rules;
        this.answers = new Answers(institution);
    }

    /** Takes one sealed message; a header that is absent is null. */
    Answer receive(byte[] content, String type, String signature, String nextSignature) {
        View header = new View(Map.of());
        boolean isValid = false;
        try {
            String contentType = type == null ? "" : type;
            Seal.openEither(content, contentType, signature, nextSignature, gatewayKeys);
            if (!contentType.split(";")[0].strip().equalsIgnoreCase(Seal.JSON_TYPE)) {
                throw new Rejected(Reason.UNSUPPORTED_MEDIA_TYPE, "this receiver takes " + Seal.JSON_TYPE);
            }
            Map<String, Object> message = Json.read(content);
            if (message.get("header") instanceof Map) header = View.of(message.get("header"));
            requireValid(message, header);
            isValid = true;
            requireOurs(header);
            return take(message, header);
        } catch (Rejected error) {
            // Whom a message is from can be relied on once it is valid, its id where it has the form of one.
            String sender = isValid ? header.text("sender") : null;
            String messageId = header.text("messageId");
            if (messageId != null && !MESSAGE_ID.matcher(messageId).matches()) messageId = null;
            return new Answer(error.reason.status, answers.rejection(error, sender, messageId));
        }
    }

    /** Returns the newest message taken that fits, or null. */
    synchronized Map<String, Object> newest(Predicate<Map<String, Object>> fits) {
        Map<String, Object> found = null;
        for (Taken each : taken.values()) if (fits.test(each.message())) found = each.message();
        return found;
    }

    private void requireValid(Map<String, Object> message, View header) {
        View schema = schemas.of(typeOf(message, header));
        List<Schemas.Part> parts = Schemas.parts(schema, message);
        List<Map<String, Object>> findings = new ArrayList<>();
        for (Schemas.Part part : parts) findings.addAll(Schemas.violations(part));
        // Rules read what the schema promises, so they come after it.
        if (findings.isEmpty()) {
            String messageClass = schema.part("x-xinqiao").text("class");
            for (Schemas.Part part : parts) findings.addAll(rules.findings(part, messageClass));
        }
        if (!findings.isEmpty()) throw new Rejected(Reason.NOT_VALID, findings.size() + " findings", findings);
    }

    private String typeOf(Map<String, Object> message, View header) {
        String version = header.text("standardVersion");
        if (version != null && !version.startsWith("1.")) {
            throw new Rejected(Reason.UNSUPPORTED_VERSION, "header.standardVersion is not 1.x");
        }
        List<String> bodies = message.keySet().stream().filter(schemas::defines).toList();
        if (bodies.size() == 1) return bodies.get(0);
        throw new Rejected(Reason.UNKNOWN_MESSAGE_TYPE, bodies.size() + " bodies of the standard");
    }

    private void requireOurs(View header) {
        if (!header.says("receiver", institution)) {
            throw new Rejected(Reason.RECEIVER_MISMATCH, "this is " + institution);
        }
        if (header.is("test") != isTest) {
            throw new Rejected(Reason.TEST_MISMATCH, "header.test is not " + isTest + " here");
        }
    }

    private synchronized Answer take(Map<String, Object> message, View header) {
        String key = header.text("sender") + " " + header.text("messageId");
        String digest = Message.contentDigest(message);
        Taken known = taken.get(key);
        if (known != null && !known.digest().equals(digest)) {
            throw new Rejected(Reason.CONFLICT, "the id came before with other content");
        }
        if (known != null) return new Answer(200, known.receipt());
        Taken fresh = new Taken(message, digest, answers.receipt(header, ++position, digest));
        taken.put(key, fresh);
        return new Answer(202, fresh.receipt());
    }
}
