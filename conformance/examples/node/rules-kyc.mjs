// Rules on headers, on persons with their documents, and on KYC. Each returns the places that break it.
import { citizenCheck, creditCodeCheck, HUNDRED, isDay, isLei, scaled, where } from "./numbers.mjs";

const NOBODY = /^0{18}$/;
const CITIZEN_NUMBER = /^[0-9]{17}[0-9X]$/;
const FIRST_GENERATION = /^[0-9]{15}$/;
const CREDIT_CODE = /^[0-9A-HJ-NPQRTUWXY]{18}$/;
const CITIZENS = ["RESIDENT_ID", "TEMPORARY_RESIDENT_ID"];
const RESIDENCE = "HK_MACAO_TAIWAN_RESIDENCE";
const RESIDENCE_REGION = /^(81|82|83)0000/;

const hasCheck = (number) => CITIZEN_NUMBER.test(number) && citizenCheck(number) === number[17];

export const KYC_RULES = {
  "XQ-R-007": ({ header, rejection, insurerCode }) => [
    ...where(NOBODY.test(header?.sender), "header.sender"),
    ...where(NOBODY.test(header?.receiver) && !rejection, "header.receiver"),
    ...where(NOBODY.test(insurerCode), "insurerCode"),
  ],
  "XQ-R-100": ({ revision = 1, replaces }) => where(revision > 1 && !replaces, "replaces"),
  "XQ-R-101": ({ messageId, replaces }) => where(replaces === messageId, "replaces"),

  "XQ-R-010": ({ type, number }) =>
    where(CITIZENS.includes(type) && !FIRST_GENERATION.test(number) && !hasCheck(number), "number"),
  "XQ-R-011": ({ type, number }) =>
    where(type === RESIDENCE && !(RESIDENCE_REGION.test(number) && hasCheck(number)), "number"),
  "XQ-R-012": ({ type, number }) => {
    const isNumbered = [...CITIZENS, RESIDENCE].includes(type) && CITIZEN_NUMBER.test(number);
    const born = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`;
    return where(isNumbered && !isDay(born), "number");
  },
  "XQ-R-015": ({ type, number }) => {
    const isRight = CREDIT_CODE.test(number) && !NOBODY.test(number) && creditCodeCheck(number) === number[17];
    return where(type === "UNIFIED_SOCIAL_CREDIT_CODE" && !isRight, "number");
  },
  "XQ-R-018": ({ longTerm, validUntil }) => where(longTerm && validUntil, "validUntil"),
  "XQ-R-025": ({ type, number }) =>
    where(type === "FOREIGNER_PERMANENT_RESIDENCE" && number.length === 18 && !hasCheck(number), "number"),
  "XQ-R-093": ({ validFrom, validUntil }) => where(validUntil < validFrom, "validUntil"),
  "XQ-R-119": ({ lei }) => where(lei && !isLei(lei), "lei"),

  "XQ-R-023": ({ percentage }) => where(percentage && scaled(percentage) > HUNDRED, "percentage"),
  "XQ-R-030": ({ assessedOn, validUntil }) => where(validUntil < assessedOn, "validUntil"),
  "XQ-R-031": ({ tin, noTinReason }) => where(!tin && !noTinReason, "tin"),
  "XQ-R-032": ({ declaration, residences = [] }) =>
    where(declaration !== "RESIDENT_ONLY" && residences.every(({ country }) => country === "CN"), "residences"),
  "XQ-R-034": ({ noTinReason, explanation }) => where(noTinReason === "NOT_OBTAINED" && !explanation, "explanation"),
  "XQ-R-103": ({ applicant, parties = [] }) => [
    ...where(applicant && !applicant.documents, "applicant.documents"),
    ...parties.flatMap(({ party, roles }, at) =>
      where(roles.includes("SETTLOR") && !party.documents, `parties[${at}].party.documents`),
    ),
  ],
  "XQ-R-116": ({ politicalExposure, politicallyExposed }) =>
    where(politicalExposure && !politicallyExposed, "politicallyExposed"),
  "XQ-R-117": ({ entityClass, controllingPersons }) =>
    where(entityClass === "PASSIVE_NON_FINANCIAL" && !controllingPersons, "controllingPersons"),
  "XQ-R-118": ({ declaration, residences = [] }) => {
    const isOther = (country) => declaration !== "BOTH" && (country === "CN") !== (declaration === "RESIDENT_ONLY");
    return residences.flatMap(({ country }, at) => where(isOther(country), `residences[${at}].country`));
  },

  "XQ-R-035": ({ applicationNo, partyId }) => where(!applicationNo && !partyId, "partyId"),
  "XQ-R-110": ({ kind, ...update }) => where(kind !== "RENEWAL" && !NEWS.some((name) => name in update), "changes"),
  "XQ-R-111": ({ effectiveOn, overlapUntil }) => where(overlapUntil < effectiveOn, "overlapUntil"),
  "XQ-R-113": (application) => {
    const known = [application.applicant, ...relatives(application)].map(({ partyId }) => partyId);
    const named = REFERENCES.flatMap(([list, key]) =>
      (application[list] ?? []).map((each, at) => [`${list}[${at}].${key}`, each[key]]),
    );
    named.push(["consent.partyId", application.consent?.partyId]);
    return named.filter(([, partyId]) => partyId !== undefined && !known.includes(partyId)).map(([place]) => place);
  },
  "XQ-R-114": (application) => {
    const ids = [application.applicant, ...relatives(application)].map(({ partyId }) => partyId);
    const isAgain = (id, at) => where(ids.indexOf(id) < at, `relatedParties[${at - 1}].party.partyId`);
    return ids.flatMap(isAgain);
  },
};

// What an update may say that is new.
const NEWS = [
  "changes",
  "newDocuments",
  "newName",
  "party",
  "crs",
  "riskAssessment",
  "qualifiedInvestor",
  "beneficialOwners",
];
// Where an application refers to a party.
const REFERENCES = [
  ["relatedParties", "relatedToId"],
  ["furtherConsents", "partyId"],
  ["identityChecks", "partyId"],
  ["attachments", "partyId"],
];

function relatives({ relatedParties = [] }) {
  return relatedParties.map(({ party }) => party);
}
