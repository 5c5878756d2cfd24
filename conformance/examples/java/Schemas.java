import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;

/**
 * A message and the published JSON Schema of its type, walked side by side: only the keywords that those schemas use.
 * Fields that a schema does not name are left alone: a receiver keeps them and accepts the message.
 */
final class Schemas {
    private final Path folder;
    private final Map<String, String> names = new HashMap<>();
    private final Map<String, View> read = new ConcurrentHashMap<>();

    Schemas(Path folder) throws IOException {
        this.folder = folder;
        View index = new View(Json.read(Files.readAllBytes(folder.resolve("index.json"))));
        for (View each : index.parts("messages")) names.put(each.text("body"), each.text("name"));
    }

    /** Says whether the standard defines a body. */
    boolean defines(String body) {
        return names.containsKey(body);
    }

    /** Returns the schema of a message type, read when its first message comes. */
    View of(String body) {
        return read.computeIfAbsent(body, name -> {
            try {
                return new View(Json.read(Files.readAllBytes(folder.resolve(names.get(name) + ".schema.json"))));
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        });
    }

    /**
     * A part of a message that its schema knows: value at path; schema, what it must keep; name, the definition that it
     * is of, or null; about, what the field says of itself (kind, sign, titles).
     */
    record Part(Object value, String path, View schema, String name, View about) {}

    /** Returns every part of a message. */
    static List<Part> parts(View root, Map<String, Object> message) {
        List<Part> found = new ArrayList<>();
        add(found, root.part("$defs"), new Part(message, "", root, "Message", new View(Map.of())));
        return found;
    }

    private static void add(List<Part> found, View definitions, Part part) {
        found.add(part);
        View schema = part.schema();
        if (part.value() instanceof Map && schema.has("properties")) {
            View object = View.of(part.value());
            schema.part("properties").members().forEach((key, field) -> {
                if (!object.has(key)) return;
                String path = part.path().isEmpty() ? key : part.path() + "." + key;
                // What a field says of the sign of an amount is about the amount's value.
                String sign = key.equals("value") ? part.about().text("sign") : null;
                Map<String, Object> about = about(View.of(field), sign);
                add(found, definitions, part(definitions, View.of(field), object.members().get(key), path, about));
            });
        } else if (part.value() instanceof List<?> items && schema.has("items")) {
            for (int at = 0; at < items.size(); at++) {
                String path = part.path() + "[" + at + "]";
                // What a list says of itself is about its items.
                Map<String, Object> about = part.about().members();
                add(found, definitions, part(definitions, schema.part("items"), items.get(at), path, about));
            }
        }
    }

    private static Map<String, Object> about(View field, String sign) {
        Map<String, Object> about = new LinkedHashMap<>(field.part("x-xinqiao").members());
        about.put("title", field.text("title"));
        if (sign != null) about.put("sign", sign);
        return about;
    }

    private static Part part(View definitions, View field, Object value, String path, Map<String, Object> about) {
        String reference = field.text("$ref");
        String name = reference == null ? null : reference.substring(reference.lastIndexOf('/') + 1);
        return new Part(value, path, name == null ? field : definitions.part(name), name, new View(about));
    }

    /** Returns the findings about one part. */
    static List<Map<String, Object>> violations(Part part) {
        List<Map<String, Object>> found = new ArrayList<>();
        View schema = part.schema();
        String type = typeOf(part.value());
        if (schema.has("type") && !schema.says("type", type)) {
            found.add(finding("type", part));
            return found;
        }
        if (part.value() instanceof Map) {
            View object = View.of(part.value());
            for (String name : schema.texts("required")) if (!object.has(name)) found.add(missing(name, part));
            boolean isChosen = schema.parts("allOf").stream().allMatch(each -> holds(each, object));
            if (!isChosen) found.add(finding("one_of", part));
        }
        if (schema.has("enum") && !schema.texts("enum").contains(part.value())) found.add(finding("enum", part));
        for (Limit each : LIMITS.getOrDefault(type, List.of())) {
            boolean isLimited = schema.members().get(each.keyword()) instanceof BigInteger limit
                    && each.isBroken().test(sizeOf(part.value()), limit);
            if (isLimited) found.add(finding(each.name(), part));
        }
        if (part.value() instanceof String text && schema.has("pattern") && !matches(schema.text("pattern"), text)) {
            found.add(finding("pattern", part));
        }
        return found;
    }

    private record Limit(String keyword, String name, BiPredicate<BigInteger, BigInteger> isBroken) {}

    private static final Map<String, List<Limit>> LIMITS = Map.of(
            "string", limits("minLength", "min_length", "maxLength", "max_length"),
            "array", limits("minItems", "min_items", "maxItems", "max_items"),
            "integer", limits("minimum", "minimum", "maximum", "maximum"));

    private static List<Limit> limits(String least, String leastName, String most, String mostName) {
        return List.of(
                new Limit(least, leastName, (size, limit) -> size.compareTo(limit) < 0),
                new Limit(most, mostName, (size, limit) -> size.compareTo(limit) > 0));
    }

    private static String typeOf(Object value) {
        if (value instanceof Map) return "object";
        if (value instanceof List) return "array";
        if (value instanceof String) return "string";
        if (value instanceof Boolean) return "boolean";
        if (value instanceof BigInteger) return "integer";
        return value == null ? "null" : "number";
    }

    private static BigInteger sizeOf(Object value) {
        if (value instanceof List<?> items) return BigInteger.valueOf(items.size());
        // Characters, not UTF-16 units: a rare character is one.
        if (value instanceof String text) return BigInteger.valueOf(text.codePointCount(0, text.length()));
        return (BigInteger) value;
    }

    private static final Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

    private static boolean matches(String pattern, String text) {
        return PATTERNS.computeIfAbsent(pattern, Pattern::compile).matcher(text).matches();
    }

    /** Choices between fields: they are made of `required` alone. */
    private static boolean holds(View schema, View object) {
        if (schema.has("oneOf")) return schema.parts("oneOf").stream().filter(each -> holds(each, object)).count() == 1;
        if (schema.has("anyOf")) return schema.parts("anyOf").stream().anyMatch(each -> holds(each, object));
        if (schema.has("not")) return !holds(schema.part("not"), object);
        return schema.texts("required").stream().allMatch(object::has);
    }

    private static Map<String, Object> missing(String name, Part part) {
        String path = part.path().isEmpty() ? name : part.path() + "." + name;
        return Answers.finding("schema.required", path, Answers.text("缺少必填项：" + path, path + " is missing"));
    }

    private static Map<String, Object> finding(String keyword, Part part) {
        View about = part.about();
        String path = part.path().isEmpty() ? "message" : part.path();
        String zh = about.text("titleZh") + "不符合 " + keyword + " 的要求";
        String en = about.text("title") + " does not keep " + keyword;
        return Answers.finding("schema." + keyword, path, Answers.text(zh, en));
    }
}
