import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** An object of a message whose schema is kept, as rules read it; what is absent is null, false or empty. */
record View(Map<String, Object> members) {
    static View of(Object members) {
        return members instanceof Map ? new View(Json.object(members)) : null;
    }

    boolean has(String key) {
        return members.containsKey(key);
    }

    boolean is(String key) {
        return Boolean.TRUE.equals(members.get(key));
    }

    boolean says(String key, String text) {
        return Objects.equals(members.get(key), text);
    }

    String text(String key) {
        return members.get(key) instanceof String text ? text : null;
    }

    int number(String key, int absent) {
        return members.get(key) instanceof BigInteger number ? number.intValue() : absent;
    }

    View part(String key) {
        return of(members.get(key));
    }

    List<View> parts(String key) {
        return items(key).map(View::of).toList();
    }

    List<String> texts(String key) {
        return items(key).map(String.class::cast).toList();
    }

    private Stream<?> items(String key) {
        return members.get(key) instanceof List<?> items ? items.stream() : Stream.empty();
    }

    /** Says whether one day or time, both there, is before another. */
    boolean isBefore(String key, String other) {
        return has(key) && has(other) && text(key).compareTo(text(other)) < 0;
    }
}
