import static java.util.Map.entry;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/** Rules on headers, on persons with their documents, and on KYC. */
final class KycRules extends RuleSet {
    private static final String NOBODY = "0".repeat(18);
    private static final Pattern CITIZEN_NUMBER = Pattern.compile("[0-9]{17}[0-9X]");
    private static final Pattern FIRST_GENERATION = Pattern.compile("[0-9]{15}");
    private static final Pattern CREDIT_CODE = Pattern.compile("[0-9A-HJ-NPQRTUWXY]{18}");
    private static final Pattern RESIDENCE_NUMBER = Pattern.compile("(81|82|83)0000.*");
    private static final List<String> CITIZENS = List.of("RESIDENT_ID", "TEMPORARY_RESIDENT_ID");
    private static final String RESIDENCE = "HK_MACAO_TAIWAN_RESIDENCE";
    private static final String PERMANENT_RESIDENCE = "FOREIGNER_PERMANENT_RESIDENCE";
    // What an update may say that is new.
    private static final List<String> NEWS = List.of(
            "changes", "newDocuments", "newName", "party", "crs", "riskAssessment", "qualifiedInvestor",
            "beneficialOwners");

    static final Map<String, Rule> ALL = Map.ofEntries(
            entry("XQ-R-007", KycRules::nobody),
            entry("XQ-R-100", it -> where(it.number("revision", 1) > 1 && !it.has("replaces"), "replaces")),
            entry("XQ-R-101", it -> where(it.has("replaces") && it.says("replaces", it.text("messageId")), "replaces")),
            entry("XQ-R-010", it -> where(isOf(it, CITIZENS) && !isFirstGeneration(it) && !hasCheck(it), "number")),
            entry("XQ-R-011", it -> where(
                    it.says("type", RESIDENCE) && !(isOfResidence(it) && hasCheck(it)), "number")),
            entry("XQ-R-012", it -> where(
                    (isOf(it, CITIZENS) || it.says("type", RESIDENCE)) && isCitizenNumber(it) && !isBornOnADay(it),
                    "number")),
            entry("XQ-R-015", it -> where(
                    it.says("type", "UNIFIED_SOCIAL_CREDIT_CODE") && !isCreditCode(it.text("number")), "number")),
            entry("XQ-R-018", it -> where(it.is("longTerm") && it.has("validUntil"), "validUntil")),
            entry("XQ-R-025", it -> where(
                    it.says("type", PERMANENT_RESIDENCE) && it.text("number").length() == 18 && !hasCheck(it),
                    "number")),
            entry("XQ-R-093", it -> where(it.isBefore("validUntil", "validFrom"), "validUntil")),
            entry("XQ-R-119", it -> where(it.has("lei") && !Numbers.isLei(it.text("lei")), "lei")),
            entry("XQ-R-023", it -> where(
                    it.has("percentage") && new BigDecimal(it.text("percentage")).compareTo(Numbers.HUNDRED) > 0,
                    "percentage")),
            entry("XQ-R-030", it -> where(it.isBefore("validUntil", "assessedOn"), "validUntil")),
            entry("XQ-R-031", it -> where(!it.has("tin") && !it.has("noTinReason"), "tin")),
            entry("XQ-R-032", it -> where(
                    !it.says("declaration", "RESIDENT_ONLY")
                            && it.parts("residences").stream().allMatch(each -> each.says("country", "CN")),
                    "residences")),
            entry("XQ-R-034", it -> where(
                    it.says("noTinReason", "NOT_OBTAINED") && !it.has("explanation"), "explanation")),
            entry("XQ-R-103", KycRules::unidentified),
            entry("XQ-R-116", it -> where(
                    it.has("politicalExposure") && !it.is("politicallyExposed"), "politicallyExposed")),
            entry("XQ-R-117", it -> where(
                    it.says("entityClass", "PASSIVE_NON_FINANCIAL") && !it.has("controllingPersons"),
                    "controllingPersons")),
            entry("XQ-R-118", KycRules::otherResidences),
            entry("XQ-R-035", it -> where(!it.has("applicationNo") && !it.has("partyId"), "partyId")),
            entry("XQ-R-110", it -> where(
                    !it.says("kind", "RENEWAL") && NEWS.stream().noneMatch(it::has), "changes")),
            entry("XQ-R-111", it -> where(it.isBefore("overlapUntil", "effectiveOn"), "overlapUntil")),
            entry("XQ-R-113", KycRules::strangers),
            entry("XQ-R-114", KycRules::repeatedIds));

    private KycRules() {}

    private static List<String> nobody(View it) {
        View header = it.has("header") ? it.part("header") : new View(Map.of());
        List<String> places = new ArrayList<>(where(header.says("sender", NOBODY), "header.sender"));
        places.addAll(where(header.says("receiver", NOBODY) && !it.has("rejection"), "header.receiver"));
        places.addAll(where(it.says("insurerCode", NOBODY), "insurerCode"));
        return places;
    }

    private static boolean isOf(View document, List<String> types) {
        return types.contains(document.text("type"));
    }

    private static boolean isCitizenNumber(View document) {
        return CITIZEN_NUMBER.matcher(document.text("number")).matches();
    }

    private static boolean isFirstGeneration(View document) {
        return FIRST_GENERATION.matcher(document.text("number")).matches();
    }

    private static boolean isOfResidence(View document) {
        return RESIDENCE_NUMBER.matcher(document.text("number")).matches();
    }

    private static boolean hasCheck(View document) {
        String number = document.text("number");
        return isCitizenNumber(document) && Numbers.citizenCheck(number) == number.charAt(17);
    }

    private static boolean isBornOnADay(View document) {
        String born = document.text("number").substring(6, 14);
        return Numbers.isDay(born.substring(0, 4) + "-" + born.substring(4, 6) + "-" + born.substring(6));
    }

    private static boolean isCreditCode(String number) {
        boolean hasForm = CREDIT_CODE.matcher(number).matches() && !number.equals(NOBODY);
        return hasForm && Numbers.creditCodeCheck(number) == number.charAt(17);
    }

    private static List<String> unidentified(View it) {
        List<String> places = new ArrayList<>();
        if (it.has("applicant") && !it.part("applicant").has("documents")) places.add("applicant.documents");
        List<View> parties = it.parts("parties");
        places.addAll(places(parties, "parties[%d].party.documents", at -> isUnknownSettlor(parties.get(at))));
        return places;
    }

    private static boolean isUnknownSettlor(View party) {
        return party.texts("roles").contains("SETTLOR") && !party.part("party").has("documents");
    }

    private static List<String> otherResidences(View it) {
        boolean isChinese = it.says("declaration", "RESIDENT_ONLY");
        List<View> residences = it.says("declaration", "BOTH") ? List.of() : it.parts("residences");
        IntPredicate isOther = at -> residences.get(at).says("country", "CN") != isChinese;
        return places(residences, "residences[%d].country", isOther);
    }

    /** Returns the ids of the applicant and of the related parties. */
    private static List<String> partyIds(View application) {
        List<String> ids = new ArrayList<>(List.of(application.part("applicant").text("partyId")));
        for (View each : application.parts("relatedParties")) ids.add(each.part("party").text("partyId"));
        return ids;
    }

    private static List<String> strangers(View it) {
        References references = new References(partyIds(it));
        references.each(it, "relatedParties", "relatedToId");
        references.each(it, "furtherConsents", "partyId");
        references.each(it, "identityChecks", "partyId");
        references.each(it, "attachments", "partyId");
        if (it.has("consent")) references.one("consent.partyId", it.part("consent").text("partyId"));
        return references.strangers();
    }

    private static List<String> repeatedIds(View it) {
        // The first is the applicant's.
        List<String> ids = partyIds(it);
        List<String> related = ids.subList(1, ids.size());
        return places(related, "relatedParties[%d].party.partyId", at -> ids.indexOf(related.get(at)) <= at);
    }
}
