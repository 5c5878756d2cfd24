import static java.util.Map.entry;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Rules on the contract of a trust: its parties, its clauses, its fees. */
final class ContractRules extends RuleSet {
    private static final Set<String> PUBLIC = Set.of("CHARITABLE_TRUST", "OTHER_PUBLIC_TRUST");
    private static final List<String> ROLES = List.of("SETTLOR", "TRUSTEE", "BENEFICIARY");
    private static final BigDecimal THOUSAND = BigDecimal.valueOf(1000);

    static final Map<String, Rule> ALL = Map.ofEntries(
            entry("XQ-R-041", ContractRules::ends),
            entry("XQ-R-043", ContractRules::repeatedIds),
            entry("XQ-R-044", ContractRules::missingRoles),
            entry("XQ-R-045", ContractRules::strangersOfClauses),
            entry("XQ-R-046", ContractRules::shares),
            entry("XQ-R-047", it -> where(!it.has("beneficiaryId") && !it.has("beneficiaryClass"), "beneficiaryId")),
            entry("XQ-R-048", ContractRules::missingSignatures),
            entry("XQ-R-094", it -> where(it.isBefore("endDate", "startDate"), "endDate")),
            entry("XQ-R-120", it -> it.says("basis", "FIXED")
                    ? where(!it.has("amount"), "amount")
                    : where(!it.has("rate") && !it.has("tiers"), "rate")),
            entry("XQ-R-122", it -> where(
                    it.has("minimum")
                            && it.has("maximum")
                            && decimal(it, "minimum").compareTo(decimal(it, "maximum")) > 0,
                    "minimum")),
            entry("XQ-R-132", ContractRules::strangers),
            entry("XQ-R-133", ContractRules::samePerson),
            entry("XQ-R-134", it -> where(
                    it.has("ageFrom") && it.has("ageUntil") && it.number("ageUntil", 0) < it.number("ageFrom", 0),
                    "ageUntil")),
            entry("XQ-R-137", ContractRules::tiers),
            entry("XQ-R-138", it -> where(!it.has("scale") && !it.has("amendmentNo"), "scale")));

    private ContractRules() {}

    private static List<String> ends(View it) {
        List<String> given = List.of("endDate", "termMonths").stream().filter(it::has).toList();
        if (it.is("openEnded")) return given;
        return where(given.isEmpty(), "endDate");
    }

    private static List<String> partyIds(View contract) {
        return contract.parts("parties").stream().map(each -> each.part("party").text("partyId")).toList();
    }

    private static List<String> repeatedIds(View it) {
        return repeats(partyIds(it), "parties[%d].party.partyId");
    }

    private static List<String> missingRoles(View it) {
        Set<String> held = new LinkedHashSet<>();
        it.parts("parties").forEach(each -> held.addAll(each.texts("roles")));
        boolean isOfClass = it.has("beneficiaryClass")
                || it.parts("distributionClauses").stream().anyMatch(clause -> clause.has("beneficiaryClass"));
        if (isOfClass || PUBLIC.contains(it.text("variety"))) held.add("BENEFICIARY");
        return where(!held.containsAll(ROLES), "parties");
    }

    private static List<String> strangersOfClauses(View it) {
        References references = new References(partyIds(it));
        references.each(it, "distributionClauses", "beneficiaryId");
        references.each(it, "distributionClauses", "guardianId");
        List<View> clauses = it.parts("distributionClauses");
        for (int at = 0; at < clauses.size(); at++) {
            references.all("distributionClauses[" + at + "]", clauses.get(at), "consentOf");
            references.all("distributionClauses[" + at + "]", clauses.get(at), "substituteIds");
        }
        return references.strangers();
    }

    private static List<String> strangers(View it) {
        References references = new References(partyIds(it));
        references.each(it, "parties", "predecessorId");
        references.each(it, "fees", "payeeId");
        references.each(it, "initialProperty", "delivererId");
        references.one("decisionMakerId", it.text("decisionMakerId"));
        List<View> parties = it.parts("parties");
        for (int at = 0; at < parties.size(); at++) {
            String place = "parties[" + at + "]";
            references.all(place, parties.get(at), "principalIds");
            List<View> powers = parties.get(at).parts("grantedPowers");
            for (int number = 0; number < powers.size(); number++) {
                references.all(place + ".grantedPowers[" + number + "]", powers.get(number), "consenterIds");
            }
        }
        return references.strangers();
    }

    /** A clause with a share, and its place. */
    private record Share(int at, View clause) {
        BigDecimal percentage() {
            return decimal(clause, "percentage");
        }
    }

    private static List<String> shares(View it) {
        List<View> clauses = it.parts("distributionClauses");
        List<Share> shares = IntStream.range(0, clauses.size())
                .mapToObj(at -> new Share(at, clauses.get(at)))
                .filter(share -> share.clause().has("percentage"))
                .toList();
        // Each trigger may share out by itself: 100 at 18, and 100 again at university.
        return groups(shares, share -> share.clause().number("order", 0)).stream()
                .filter(order -> !isWhole(order))
                .flatMap(order -> groups(order, ContractRules::time).stream())
                .filter(time -> !isWhole(time))
                .map(time -> "distributionClauses[" + time.get(0).at() + "].percentage")
                .toList();
    }

    private static String time(Share share) {
        return share.clause().text("trigger") + " " + share.clause().text("frequency");
    }

    private static Collection<List<Share>> groups(List<Share> shares, Function<Share, Object> by) {
        return shares.stream().collect(Collectors.groupingBy(by, LinkedHashMap::new, Collectors.toList())).values();
    }

    /** Says whether shares add up to 100, give or take 0.1 for each: thirds are written as 33.3. */
    private static boolean isWhole(List<Share> shares) {
        BigDecimal sum = shares.stream().map(Share::percentage).reduce(BigDecimal.ZERO, BigDecimal::add);
        BigDecimal most = Numbers.HUNDRED.multiply(BigDecimal.valueOf(shares.size()));
        return sum.subtract(Numbers.HUNDRED).abs().multiply(THOUSAND).compareTo(most) <= 0;
    }

    private static List<String> missingSignatures(View it) {
        boolean isByWill = it.says("variety", "TESTAMENTARY_TRUST");
        List<View> parties = it.parts("parties");
        return places(parties, "parties[%d].signs", at -> isUnsigned(parties.get(at), isByWill));
    }

    private static boolean isUnsigned(View party, boolean isByWill) {
        List<String> roles = party.texts("roles");
        return !party.is("signs") && (roles.contains("TRUSTEE") || roles.contains("SETTLOR") && !isByWill);
    }

    private static List<String> samePerson(View it) {
        String beneficiary = it.text("beneficiaryId");
        if (beneficiary == null) return List.of();
        List<String> places = new ArrayList<>(where(it.says("guardianId", beneficiary), "guardianId"));
        List<String> substitutes = it.texts("substituteIds");
        places.addAll(places(substitutes, "substituteIds[%d]", at -> substitutes.get(at).equals(beneficiary)));
        return places;
    }

    private static List<String> tiers(View it) {
        List<View> above = it.parts("tiers").stream().map(each -> each.part("above")).toList();
        return places(above, "tiers[%d].above", at -> at > 0 && !rises(above.get(at - 1), above.get(at)));
    }

    private static boolean rises(View before, View after) {
        boolean isOneCurrency = before.says("currency", after.text("currency"));
        return isOneCurrency && Numbers.amount(before).compareTo(Numbers.amount(after)) < 0;
    }

    private static BigDecimal decimal(View object, String key) {
        return new BigDecimal(object.text(key));
    }
}
