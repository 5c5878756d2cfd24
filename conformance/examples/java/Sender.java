import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The sender: seals a message once and sends the same bytes until there is a final answer.
 *
 * <p>503, 429, any rejection that says retryable, no answer at all: the same bytes again, after a growing pause. A
 * receipt: accepted. A rejection that is not retryable: refused, never sent again.
 *
 * <p>A real partner writes a message to its database before it sends, so that after a restart it goes on with the same
 * bytes; whoever goes on for longer than ten minutes seals them anew, as old as a seal may be.
 */
final class Sender {
    private static final int ATTEMPTS = 8;
    // For one answer (a gateway answers within a second), for all of it.
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final Duration WITHIN = Duration.ofSeconds(60);
    // The first pause and the longest, in milliseconds.
    private static final long FIRST = 200;
    private static final long LONGEST = 10_000;
    // Bytes of an answer that are kept: no answer of the standard is longer.
    private static final int LARGEST = 1_048_576;
    // Where an answer does not say itself whether it is worth a repeat (a proxy's page), its status does.
    private static final Set<Integer> LATER = Set.of(429, 500, 502, 503, 504, 507);

    private final URI address;
    private final Seal.SigningKey key;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();

    Sender(String gateway, String channel, Seal.SigningKey key) {
        String named = URLEncoder.encode(channel, StandardCharsets.UTF_8);
        this.address = URI.create(gateway + "/v1/channels/" + named + "/messages");
        this.key = key;
    }

    private record Answer(boolean isRetryable, String reason, long retryAfter, View receipt, boolean isRejection) {}

    /** Sends a message; returns "accepted", "rejected: &lt;reason&gt;" or "failed: &lt;reason&gt;". */
    String send(Map<String, Object> message) throws GeneralSecurityException, InterruptedException {
        byte[] content = Json.write(message);
        HttpRequest request = HttpRequest.newBuilder(address)
                .header("Content-Type", Seal.JSON_TYPE)
                .header(Seal.HEADER, Seal.seal(content, key))
                .POST(HttpRequest.BodyPublishers.ofByteArray(content))
                .build();
        Instant until = Instant.now().plus(WITHIN);
        for (int attempt = 0; ; attempt++) {
            Answer answer = post(request);
            if (!answer.isRetryable()) return outcome(answer, message);
            long wait = answer.retryAfter() + growing(attempt);
            boolean isOver = attempt + 1 == ATTEMPTS || Instant.now().plusMillis(wait).isAfter(until);
            if (isOver) return "failed: " + answer.reason();
            Thread.sleep(wait);
        }
    }

    private Answer post(HttpRequest request) throws InterruptedException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        var kept = HttpResponse.BodyHandlers.ofByteArrayConsumer(part -> part.ifPresent(bytes -> keep(bytes, body)));
        var coming = http.sendAsync(request, kept);
        try {
            // The timeout of a request ends with the answer's headers; this one is for the body, too.
            return read(coming.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS), body.toByteArray());
        } catch (ExecutionException | TimeoutException error) {
            coming.cancel(true);
            // Nobody knows whether it arrived: only the same bytes under the same id are safe to send.
            return new Answer(true, "destination_down", 0, null, false);
        }
    }

    /** Half as long again by chance at most, so that not all partners come back at once; each above the one before. */
    private static long growing(int attempt) {
        return (long) (Math.min(FIRST << attempt, LONGEST) * (1 + ThreadLocalRandom.current().nextDouble() / 2));
    }

    private static void keep(byte[] part, ByteArrayOutputStream body) {
        body.write(part, 0, Math.min(part.length, LARGEST - body.size()));
    }

    private static Answer read(HttpResponse<Void> response, byte[] content) {
        View body = parsed(content);
        View rejection = body.part("rejection");
        boolean isGood = response.statusCode() / 100 == 2;
        boolean isLater = LATER.contains(response.statusCode());
        boolean says = rejection != null && rejection.members().get("retryable") instanceof Boolean;
        String reason = isLater ? "destination_down" : "destination_refused";
        return new Answer(
                !isGood && (says ? rejection.is("retryable") : isLater),
                rejection != null && rejection.text("reason") != null ? rejection.text("reason") : reason,
                response.headers().firstValue("Retry-After").map(Sender::milliseconds).orElse(0L),
                isGood ? body.part("receipt") : null,
                rejection != null);
    }

    private static View parsed(byte[] body) {
        try {
            return new View(Json.read(body));
        } catch (Rejected error) {
            return new View(Map.of());
        }
    }

    /** Retry-After is whole seconds or a date (RFC 9110, 10.2.3). */
    private static long milliseconds(String header) {
        if (header.matches("[0-9]+")) return Long.parseLong(header.length() > 9 ? "999999999" : header) * 1000;
        try {
            Instant at = ZonedDateTime.parse(header, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            return Math.max(Duration.between(Instant.now(), at).toMillis(), 0);
        } catch (DateTimeException error) {
            return 0;
        }
    }

    /** Accepted is what a receipt says of this very message: its id and its content. */
    private static String outcome(Answer answer, Map<String, Object> message) {
        if (answer.isRejection()) return "rejected: " + answer.reason();
        View receipt = answer.receipt();
        boolean isOurs = receipt != null
                && receipt.says("acceptedMessageId", View.of(message.get("header")).text("messageId"))
                && (!receipt.has("digest") || receipt.part("digest").says("value", Message.contentDigest(message)));
        return isOurs ? "accepted" : "failed: destination_refused";
    }
}
