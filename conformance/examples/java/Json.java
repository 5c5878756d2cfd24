import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Strict JSON: objects are maps in their order, whole numbers BigInteger, other numbers Double. A key twice, half of a
 * surrogate pair and a number beyond 64 bits are refused, as schemas/vectors/json.json says.
 */
final class Json {
    private static final int DEEPEST = 200;
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    // Characters that a whole number of 64 bits may have.
    private static final int LONGEST = 20;
    private static final BigInteger LEAST = BigInteger.TWO.pow(63).negate();
    private static final BigInteger BEYOND = BigInteger.TWO.pow(64);
    // Up to here a Double tells each whole number from the next.
    private static final double EXACT = Math.pow(2, 53);

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads the bytes of a message: one JSON object in UTF-8. */
    static Map<String, Object> read(byte[] bytes) {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException error) {
            throw new Rejected(Reason.WRONG_ENCODING, "the bytes are not UTF-8");
        }
        Json json = new Json(text);
        Object value = json.value(0);
        if (json.next() != 0) throw json.malformed("something follows the message");
        if (!(value instanceof Map)) throw json.malformed("a message is a JSON object");
        return object(value);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    private Object value(int depth) {
        if (depth > DEEPEST) throw malformed("deeper than " + DEEPEST + " levels");
        switch (next()) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"': return string();
            default:
                if (word("true")) return true;
                if (word("false")) return false;
                return word("null") ? null : number();
        }
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        if (took('}')) return members;
        do {
            if (next() != '"') throw malformed("a key in double quotes is expected");
            String key = string();
            if (!took(':')) throw malformed("a colon is expected");
            Object value = value(depth + 1);
            boolean isAgain = members.containsKey(key);
            if (isAgain) throw new Rejected(Reason.DUPLICATE_KEY, "twice in one object, character " + at);
            members.put(key, value);
        } while (took(','));
        if (!took('}')) throw malformed("a comma or } is expected");
        return members;
    }

    private List<Object> array(int depth) {
        List<Object> items = new ArrayList<>();
        at++;
        if (took(']')) return items;
        do items.add(value(depth + 1)); while (took(','));
        if (!took(']')) throw malformed("a comma or ] is expected");
        return items;
    }

    private String string() {
        StringBuilder found = new StringBuilder();
        for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
            char character = text.charAt(at);
            if (character < ' ') throw malformed("a control character inside a string");
            found.append(character == '\\' ? escaped() : character);
        }
        if (at++ >= text.length()) throw malformed("a string does not end");
        // A lone surrogate is no character: it becomes a question mark in any encoder.
        if (!StandardCharsets.UTF_16.newEncoder().canEncode(found)) throw malformed("half of a surrogate pair");
        return found.toString();
    }

    private char escaped() {
        at++;
        int known = at < text.length() ? "\"\\/bfnrt".indexOf(text.charAt(at)) : -1;
        if (known >= 0) return "\"\\/\b\f\n\r\t".charAt(known);
        String code = text.substring(Math.min(at, text.length()), Math.min(at + 5, text.length()));
        if (!code.matches("u[0-9a-fA-F]{4}")) throw malformed("no escape of JSON");
        at += 4;
        return (char) Integer.parseInt(code.substring(1), 16);
    }

    private Object number() {
        Matcher match = NUMBER.matcher(text).region(at, text.length());
        if (!match.lookingAt()) throw malformed("no JSON value");
        at = match.end();
        if (match.group(1) == null && match.group(2) == null) {
            // Not even read where it cannot be one of 64 bits: that would take long.
            BigInteger whole = match.group().length() > LONGEST ? BEYOND : new BigInteger(match.group());
            boolean isExact = whole.compareTo(LEAST) >= 0 && whole.compareTo(BEYOND) < 0;
            if (!isExact) throw malformed("a whole number beyond 64 bits");
            return whole;
        }
        double number = Double.parseDouble(match.group());
        if (Double.isInfinite(number)) throw malformed("a number beyond 64 bits of floating point");
        // 2.0 is the whole number 2.
        boolean isWhole = Math.abs(number) <= EXACT && number == Math.rint(number);
        return isWhole ? new BigDecimal(number).toBigInteger() : (Object) number;
    }

    private boolean word(String word) {
        boolean found = text.startsWith(word, at);
        if (found) at += word.length();
        return found;
    }

    private boolean took(char character) {
        boolean found = next() == character;
        if (found) at++;
        return found;
    }

    /** Returns the next character that is not a blank, without taking it; 0 at the end. */
    private char next() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
        return at < text.length() ? text.charAt(at) : 0;
    }

    private Rejected malformed(String said) {
        return new Rejected(Reason.MALFORMED_JSON, said + ", character " + at);
    }

    /** Returns a value as JSON, keys in their order. */
    static byte[] write(Object value) {
        return written(value, false).getBytes(StandardCharsets.UTF_8);
    }

    /** Returns a value as JSON with keys sorted by their bytes: what is digested (docs/standard.md, "Digest"). */
    static byte[] writeSorted(Object value) {
        return written(value, true).getBytes(StandardCharsets.UTF_8);
    }

    private static String written(Object value, boolean isSorted) {
        if (value instanceof String text) return quoted(text);
        if (value instanceof List<?> items) {
            return "[" + String.join(",", items.stream().map(each -> written(each, isSorted)).toList()) + "]";
        }
        if (!(value instanceof Map)) return String.valueOf(value);
        Map<String, Object> members = object(value);
        if (isSorted) {
            members = new TreeMap<>((one, other) -> Arrays.compareUnsigned(bytes(one), bytes(other)));
            members.putAll(object(value));
        }
        List<String> parts = new ArrayList<>();
        members.forEach((key, each) -> parts.add(quoted(key) + ":" + written(each, isSorted)));
        return "{" + String.join(",", parts) + "}";
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String quoted(String text) {
        StringBuilder found = new StringBuilder("\"");
        for (char character : text.toCharArray()) {
            int known = "\"\\\b\f\n\r\t".indexOf(character);
            if (known >= 0) found.append('\\').append("\"\\bfnrt".charAt(known));
            else if (character < ' ') found.append(String.format("\\u%04x", (int) character));
            else found.append(character);
        }
        return found.append('"').toString();
    }
}
