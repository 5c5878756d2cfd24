import java.util.List;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** What the rules of each part of the standard are written with. */
abstract class RuleSet {
    /** Returns the places, below a part, where it breaks the rule. */
    interface Rule extends Function<View, List<String>> {}

    /** Returns the places, if something is broken there. */
    static List<String> where(boolean isBroken, String... places) {
        return isBroken ? List.of(places) : List.of();
    }

    /** Returns the places of a list where something is broken; %d in the form is the number of the item. */
    static List<String> places(List<?> items, String form, IntPredicate isBroken) {
        return IntStream.range(0, items.size()).filter(isBroken).mapToObj(form::formatted).toList();
    }

    /** Returns the places of ids that came before. */
    static List<String> repeats(List<String> ids, String form) {
        return places(ids, form, at -> ids.indexOf(ids.get(at)) < at);
    }
}
