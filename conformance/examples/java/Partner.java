import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * A small partner of a gateway, without dependencies: sends a bank's messages of a family trust and takes what is
 * pushed to it. docs/conformance/contract.md says how it is started and steered.
 */
public final class Partner {
    private static final Path STANDARD = Path.of("../../../schemas");
    private static final Path MESSAGES = Path.of("../messages");
    private static final List<String> NEEDED = List.of(
            "XINQIAO_GATEWAY", "XINQIAO_CHANNEL", "XINQIAO_KEY", "XINQIAO_GATEWAY_KEYS", "XINQIAO_SENDER",
            "XINQIAO_RECEIVER");
    private static final int LARGEST = 1_048_576;
    private static final int AT_ONCE = 32;

    private final String institution;
    private final Bank bank;
    private final Sender sender;
    private final Receiver receiver;

    private Partner(Map<String, String> environment) throws Exception {
        institution = environment.get("XINQIAO_SENDER");
        boolean isTest = "1".equals(environment.get("XINQIAO_TEST"));
        bank = new Bank(institution, environment.get("XINQIAO_RECEIVER"), isTest, MESSAGES);
        Seal.SigningKey key = Seal.readSigningKey(Path.of(environment.get("XINQIAO_KEY")));
        sender = new Sender(environment.get("XINQIAO_GATEWAY"), environment.get("XINQIAO_CHANNEL"), key);
        var gatewayKeys = Seal.readVerifyingKeys(Path.of(environment.get("XINQIAO_GATEWAY_KEYS")));
        Schemas schemas = new Schemas(STANDARD.resolve("json/v1"));
        receiver = new Receiver(institution, isTest, gatewayKeys, schemas, new Rules(STANDARD));
    }

    /** Serves until SIGTERM. Run it in this folder: standard and messages are beside it. */
    public static void main(String[] arguments) throws Exception {
        // Answers leave at once: otherwise each waits 40 ms for the acknowledgement of its headers.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        // Seconds for a request to arrive.
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        List<String> missing = NEEDED.stream().filter(name -> System.getenv(name) == null).toList();
        if (!missing.isEmpty()) {
            System.err.println("missing in the environment: " + String.join(", ", missing));
            System.exit(2);
        }
        Partner partner = new Partner(System.getenv());
        int port = Integer.parseInt(System.getenv().getOrDefault("XINQIAO_PORT", "0"));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), AT_ONCE);
        server.setExecutor(Executors.newFixedThreadPool(AT_ONCE));
        server.createContext("/", partner::serve);
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        System.out.println("{\"ready\": true, \"url\": \"" + url + "\"}");
    }

    private void serve(HttpExchange exchange) throws IOException {
        Receiver.Answer answer;
        try {
            answer = answer(exchange);
        } catch (Exception error) {
            // A fault of ours: the gateway tries again later. What the message says stays out of the log.
            System.err.println(error.getClass().getName() + " at " + exchange.getRequestURI().getRawPath());
            answer = rejected(new Rejected(Reason.INTERNAL_ERROR, "see the log"));
        }
        byte[] content = Json.write(answer.message());
        exchange.getResponseHeaders().set("Content-Type", Seal.JSON_TYPE);
        exchange.sendResponseHeaders(answer.status(), content.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(content);
        }
    }

    private Receiver.Answer answer(HttpExchange exchange) throws Exception {
        String path = exchange.getRequestURI().getPath();
        String asked = exchange.getRequestMethod() + " " + path;
        if (asked.equals("GET /health")) return new Receiver.Answer(200, Map.of("status", "ok"));
        if (asked.equals("POST /messages")) return push(exchange);
        if (asked.startsWith("POST /do/")) return act(path.substring("/do/".length()), query(exchange));
        return new Receiver.Answer(404, Map.of("error", "nothing at " + asked));
    }

    private Receiver.Answer push(HttpExchange exchange) throws IOException {
        InputStream body = exchange.getRequestBody();
        byte[] content = body.readNBytes(LARGEST + 1);
        if (content.length > LARGEST) {
            // Whoever still sends does not read the answer.
            body.transferTo(OutputStream.nullOutputStream());
            return rejected(new Rejected(Reason.BODY_TOO_LARGE, "at most " + LARGEST + " bytes"));
        }
        var headers = exchange.getRequestHeaders();
        return receiver.receive(
                content,
                headers.getFirst("Content-Type"),
                headers.getFirst(Seal.HEADER),
                headers.getFirst(Seal.NEXT_HEADER));
    }

    private Receiver.Answer rejected(Rejected error) {
        return new Receiver.Answer(error.reason.status, new Answers(institution).rejection(error, null, null));
    }

    /** Does what the suite asks for; answers when the message has come to an end. */
    private Receiver.Answer act(String type, Map<String, String> asked) throws Exception {
        Map<String, Object> message = type.equals("correction") ? correction(asked.get("of")) : fresh(type, asked);
        if (message == null) return new Receiver.Answer(404, Map.of("error", "no " + type + " can be sent"));
        String messageId = View.of(message.get("header")).text("messageId");
        return new Receiver.Answer(200, Map.of("messageId", messageId, "outcome", sender.send(message)));
    }

    private Map<String, Object> correction(String messageId) {
        Map<String, Object> wrong = bank.sent(messageId);
        return wrong == null ? null : bank.correct(wrong);
    }

    private Map<String, Object> fresh(String type, Map<String, String> asked) {
        String caseId = asked.get("case");
        if (!bank.sends(type) || caseId == null) return null;
        String correlation = asked.get("correlation");
        Predicate<Map<String, Object>> isAnswered = message -> {
            View header = View.of(message.get("header"));
            if (correlation != null) return header.says("messageId", correlation);
            boolean isNotice = type.equals("disclosureReceipt") && message.containsKey("disclosureNotice");
            return isNotice && header.says("caseId", caseId);
        };
        Map<String, Object> answered = receiver.newest(isAnswered);
        if (answered == null && correlation != null) answered = Map.of("header", Map.of("messageId", correlation));
        return bank.write(type, caseId, answered);
    }

    private static Map<String, String> query(HttpExchange exchange) {
        Map<String, String> found = new HashMap<>();
        String query = exchange.getRequestURI().getRawQuery();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            String[] parts = pair.split("=", 2);
            if (parts.length == 2) found.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return found;
    }
}
