import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The standard's rules: what no schema says. Their texts, levels and places are data, schemas/requirements/rules; what
 * they look at is code: on values here, on parts of a message in KycRules, ContractRules and MoneyRules. This partner
 * has those that refuse a message of a family trust; a rule that only warns refuses nothing.
 */
final class Rules {
    private static final String ONE_CURRENCY = "XQ-R-053";

    private final Map<String, View> about = new HashMap<>();
    private final Map<String, Predicate<String>> onValues = new TreeMap<>();
    private final Map<String, RuleSet.Rule> onParts = new TreeMap<>();

    /** Reads the published texts. {@code folder}: schemas. */
    Rules(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve("requirements/rules"), "*.json")) {
            for (Path file : files) {
                for (View each : listed(file)) about.put(each.text("id"), each);
            }
        }
        Set<String> currencies = codes(folder, "iso4217");
        Set<String> countries = codes(folder, "iso3166-1");
        onValues.put("XQ-R-001", Numbers::isDay);
        onValues.put("XQ-R-002", Rules::isTime);
        onValues.put("XQ-R-003", currencies::contains);
        onValues.put("XQ-R-004", countries::contains);
        onValues.put("XQ-R-005", code -> Numbers.creditCodeCheck(code) == code.charAt(17));
        onValues.put("XQ-R-006", isin -> Numbers.isinCheck(isin) == isin.charAt(11));
        onValues.put("XQ-R-008", Numbers::isSeen);
        onValues.put("XQ-R-050", amount -> new BigDecimal(amount).signum() > 0);
        onValues.put("XQ-R-057", amount -> new BigDecimal(amount).signum() >= 0);
        onParts.putAll(KycRules.ALL);
        onParts.putAll(ContractRules.ALL);
        onParts.putAll(MoneyRules.ALL);
    }

    private static boolean isTime(String time) {
        boolean isOffset = time.endsWith("Z") || time.substring(time.length() - 5).compareTo("14:00") <= 0;
        return isOffset && Numbers.isDay(time.substring(0, 10));
    }

    /** The file of a family of rules is a list, which Json.read does not take: a message is an object. */
    private static List<View> listed(Path file) throws IOException {
        String text = "{\"rules\":" + Files.readString(file) + "}";
        return new View(Json.read(text.getBytes(StandardCharsets.UTF_8))).parts("rules");
    }

    private static Set<String> codes(Path folder, String list) throws IOException {
        Path file = folder.resolve("codes/" + list + ".json");
        return Set.copyOf(new View(Json.read(Files.readAllBytes(file))).texts("codes"));
    }

    /** Returns the errors in one part of a message whose schema is kept. */
    List<Map<String, Object>> findings(Schemas.Part part, String messageClass) {
        List<Map<String, Object>> found = new ArrayList<>();
        if (part.value() instanceof String text) {
            onValues.forEach((id, isKept) -> {
                if (isFor(id, part) && !isKept.test(text)) add(found, id, part, "", messageClass);
            });
        }
        if (part.name() == null) return found;
        View object = View.of(part.value());
        onParts.forEach((id, rule) -> {
            List<String> names = about.get(id).texts("appliesTo");
            if (!names.contains(part.name()) && !names.contains("*")) return;
            for (String place : rule.apply(object)) add(found, id, part, place, messageClass);
        });
        for (String place : otherCurrencies(part.schema(), object)) add(found, ONE_CURRENCY, part, place, messageClass);
        return found;
    }

    private boolean isFor(String id, Schemas.Part part) {
        List<String> claims = about.get(id).texts("appliesTo");
        String kind = part.about().text("kind");
        return kind != null && claims.contains(kind.toLowerCase()) || claims.contains(part.about().text("sign"));
    }

    /** What has happened is refused for less than what is asked for, an order for nothing. */
    private void add(List<Map<String, Object>> found, String id, Schemas.Part part, String place, String messageClass) {
        View rule = about.get(id);
        boolean isWarning = messageClass.equals("DIRECTIVE")
                || !rule.says(messageClass.equals("FACT") && rule.has("onFact") ? "onFact" : "level", "ERROR");
        if (isWarning) return;
        String path = place.isEmpty() || part.path().isEmpty() ? part.path() + place : part.path() + "." + place;
        Map<String, Object> finding = new LinkedHashMap<>(Answers.finding(id, path, rule.part("text").members()));
        finding.put("fix", rule.part("fix").members());
        found.add(finding);
    }

    /** The amounts of some parts are in one currency. */
    private static List<String> otherCurrencies(View schema, View object) {
        View says = schema.part("x-xinqiao");
        if (says == null || !says.is("oneCurrency")) return List.of();
        View properties = schema.part("properties");
        List<String> amounts = properties.members().keySet().stream()
                .filter(key -> properties.part(key).says("$ref", "#/$defs/Money") && object.has(key))
                .toList();
        return amounts.stream()
                .filter(key -> !object.part(key).says("currency", object.part(amounts.get(0)).text("currency")))
                .map(key -> key + ".currency")
                .toList();
    }
}
