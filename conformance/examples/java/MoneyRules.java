import static java.util.Map.entry;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Rules on property that is delivered, on money that came, on reports and disclosures. */
final class MoneyRules extends RuleSet {
    static final Map<String, Rule> ALL = Map.ofEntries(
            entry("XQ-R-052", it -> currencies(it, "payerAccount", "payeeAccount")),
            entry("XQ-R-054", MoneyRules::rights),
            entry("XQ-R-056", it -> Stream.of("payeeAccount", "trustAccount", "account")
                    .filter(name -> isUnnumbered(it.part(name)))
                    .map(name -> name + ".number")
                    .toList()),
            entry("XQ-R-104", it -> where(!it.has("number") && !it.has("name"), "")),
            entry("XQ-R-140", it -> where(
                    it.has("encumbrances") && it.has("encumbered") && !it.is("encumbered"), "encumbered")),
            entry("XQ-R-143", MoneyRules::total),
            entry("XQ-R-144", it -> where(it.has("outstanding") && !it.is("partial"), "partial")),
            entry("XQ-R-149", MoneyRules::days),
            entry("XQ-R-061", it -> where(it.says("result", "MATCHED") && !it.has("instructionNo"), "instructionNo")),
            entry("XQ-R-062", it -> it.says("reason", "CURRENCY_DIFFERS")
                    ? List.of()
                    : currencies(it, "expectedAmount", "tolerance")),
            entry("XQ-R-161", MoneyRules::allocations),
            entry("XQ-R-162", it -> where(
                    it.has("instructionNo") && it.has("allocations")
                            && it.parts("allocations").stream()
                                    .noneMatch(each -> each.says("instructionNo", it.text("instructionNo"))),
                    "instructionNo")),
            entry("XQ-R-092", it -> repeats(it.texts("recipients"), "recipients[%d]")),
            entry("XQ-R-183", it -> where(!it.has("instrument") && !it.has("contractNo"), "instrument")),
            entry("XQ-R-204", it -> where(
                    it.has("replacesDisclosureNo") && it.says("replacesDisclosureNo", it.text("disclosureNo")),
                    "replacesDisclosureNo")));

    private MoneyRules() {}

    /** Returns the fields whose currency is not that of the amount beside them. */
    private static List<String> currencies(View it, String... names) {
        return Stream.of(names)
                .filter(name -> differs(it.part("amount"), it.part(name)))
                .map(name -> name + ".currency")
                .toList();
    }

    private static boolean differs(View one, View other) {
        if (one == null || other == null || !one.has("currency") || !other.has("currency")) return false;
        return !one.says("currency", other.text("currency"));
    }

    private static boolean isUnnumbered(View account) {
        return account != null && account.has("name") && !account.has("number");
    }

    private static List<String> rights(View it) {
        Map<String, BigDecimal> totals = new LinkedHashMap<>();
        Map<String, Integer> last = new LinkedHashMap<>();
        List<View> rights = it.parts("rights");
        for (int at = 0; at < rights.size(); at++) {
            View right = rights.get(at);
            String of = right.text("benefit") + " " + right.number("order", 0);
            totals.merge(of, new BigDecimal(right.text("percentage")), BigDecimal::add);
            last.put(of, at);
        }
        return totals.keySet().stream()
                .filter(of -> totals.get(of).compareTo(Numbers.HUNDRED) > 0)
                .map(of -> "rights[" + last.get(of) + "].percentage")
                .toList();
    }

    private static List<String> total(View it) {
        if (!it.has("total") || !it.has("principal")) return List.of();
        BigDecimal sum = Stream.of("principal", "accruedInterest", "otherDues")
                .filter(it::has)
                .map(name -> Numbers.amount(it.part(name)))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        return where(sum.compareTo(Numbers.amount(it.part("total"))) != 0, "total.value");
    }

    private static List<String> days(View it) {
        List<String> days = Stream.of("filedOn", "grantedOn", "endDate").filter(it::has).toList();
        return IntStream.range(1, days.size())
                .filter(at -> it.isBefore(days.get(at), days.get(at - 1)))
                .mapToObj(days::get)
                .toList();
    }

    private static List<String> allocations(View it) {
        List<View> allocations = it.parts("allocations");
        List<String> places = new ArrayList<>(currencies(it, "suspenseAmount"));
        places.addAll(places(allocations, "allocations[%d].amount.currency",
                at -> differs(it.part("amount"), allocations.get(at).part("amount"))));
        return places;
    }
}
