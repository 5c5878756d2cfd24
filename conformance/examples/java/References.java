import java.util.ArrayList;
import java.util.List;

/** Collects the places of a message that refer to a party, and finds those that refer to nobody. */
final class References {
    private final List<String> known;
    private final List<String> strangers = new ArrayList<>();

    References(List<String> known) {
        this.known = known;
    }

    void one(String place, String partyId) {
        if (partyId != null && !known.contains(partyId)) strangers.add(place);
    }

    /** A field of each item of a list. */
    void each(View object, String list, String key) {
        List<View> parts = object.parts(list);
        for (int at = 0; at < parts.size(); at++) one(list + "[" + at + "]." + key, parts.get(at).text(key));
    }

    /** A list of ids. */
    void all(String place, View object, String key) {
        List<String> ids = object.texts(key);
        for (int at = 0; at < ids.size(); at++) one(place + "." + key + "[" + at + "]", ids.get(at));
    }

    List<String> strangers() {
        return strangers;
    }
}
