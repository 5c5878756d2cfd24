import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** What identifies a message: its id, its times, and the digest that tells a repeat from a conflict. */
final class Message {
    // The header fields that say what a message is about; the others carry it and may differ in a repeat.
    private static final List<String> CONTENT =
            List.of("receiver", "caseId", "correlationId", "revision", "replaces", "test");
    private static final ZoneOffset SHANGHAI = ZoneOffset.ofHours(8);
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx");
    private static final SecureRandom RANDOM = new SecureRandom();

    private Message() {}

    /** Returns a fresh UUID version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then chance. */
    static String newId() {
        byte[] random = new byte[16];
        RANDOM.nextBytes(random);
        ByteBuffer chance = ByteBuffer.wrap(random);
        long first = Instant.now().toEpochMilli() << 16 | 0x7000 | chance.getLong() & 0x0fff;
        long second = chance.getLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
        return new UUID(first, second).toString();
    }

    /** Returns now, in China's time and with its offset. */
    static String timestamp() {
        return OffsetDateTime.now(SHANGHAI).format(TIME);
    }

    /** Returns China's calendar day, so many days from today. */
    static String day(int later) {
        return LocalDate.now(SHANGHAI).plusDays(later).toString();
    }

    /** Returns the SHA-256 of what a message says, in hexadecimal. */
    static String contentDigest(Map<String, Object> message) {
        Map<String, Object> header = new LinkedHashMap<>(Json.object(message.get("header")));
        header.keySet().retainAll(CONTENT);
        Map<String, Object> said = new LinkedHashMap<>(message);
        said.put("header", header);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Json.writeSorted(said)));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }
}
