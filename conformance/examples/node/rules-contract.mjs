// Rules on the contract of a trust: its parties, its clauses, its fees. Each returns the places that break it.
import { HUNDRED, scaled, where } from "./numbers.mjs";

const PUBLIC = ["CHARITABLE_TRUST", "OTHER_PUBLIC_TRUST"];

export const CONTRACT_RULES = {
  "XQ-R-041": ({ openEnded, endDate, termMonths }) => {
    if (openEnded) return [...where(endDate, "endDate"), ...where(termMonths, "termMonths")];
    return where(!endDate && !termMonths, "endDate");
  },
  "XQ-R-043": ({ parties }) => {
    const ids = idsOf(parties);
    return ids.flatMap((id, at) => where(ids.indexOf(id) < at, `parties[${at}].party.partyId`));
  },
  "XQ-R-044": ({ variety, parties, distributionClauses = [], beneficiaryClass }) => {
    const held = new Set(parties.flatMap(({ roles }) => roles));
    const isOfClass = beneficiaryClass || distributionClauses.some((clause) => clause.beneficiaryClass);
    if (isOfClass || PUBLIC.includes(variety)) held.add("BENEFICIARY");
    return where(!["SETTLOR", "TRUSTEE", "BENEFICIARY"].every((role) => held.has(role)), "parties");
  },
  "XQ-R-045": ({ parties, distributionClauses = [] }) =>
    strangers(parties, distributionClauses.flatMap((clause, at) => {
      const place = `distributionClauses[${at}]`;
      const lists = [...listed(place, "consentOf", clause), ...listed(place, "substituteIds", clause)];
      return [[`${place}.beneficiaryId`, clause.beneficiaryId], [`${place}.guardianId`, clause.guardianId], ...lists];
    })),
  "XQ-R-046": ({ distributionClauses = [] }) => {
    const shared = distributionClauses.map((clause, at) => ({ ...clause, at })).filter((clause) => clause.percentage);
    const orders = groups(shared, ({ order }) => order).filter((order) => !isWhole(order));
    // Each trigger may share out by itself: 100 at 18, and 100 again at university.
    const times = orders.flatMap((order) => groups(order, ({ trigger, frequency }) => `${trigger} ${frequency}`));
    return times.filter((time) => !isWhole(time)).map(([{ at }]) => `distributionClauses[${at}].percentage`);
  },
  "XQ-R-047": ({ beneficiaryId, beneficiaryClass }) => where(!beneficiaryId && !beneficiaryClass, "beneficiaryId"),
  "XQ-R-048": ({ variety, parties }) => {
    const signing = variety === "TESTAMENTARY_TRUST" ? ["TRUSTEE"] : ["SETTLOR", "TRUSTEE"];
    const isMissing = ({ roles, signs }) => !signs && roles.some((role) => signing.includes(role));
    return parties.flatMap((each, at) => where(isMissing(each), `parties[${at}].signs`));
  },
  "XQ-R-094": ({ startDate, endDate }) => where(endDate < startDate, "endDate"),
  "XQ-R-120": ({ basis, rate, amount, tiers }) =>
    basis === "FIXED" ? where(!amount, "amount") : where(!rate && !tiers, "rate"),
  "XQ-R-122": ({ minimum, maximum }) => where(minimum && maximum && scaled(minimum) > scaled(maximum), "minimum"),
  "XQ-R-132": ({ parties, fees = [], initialProperty = [], decisionMakerId }) =>
    strangers(parties, [
      ...parties.flatMap(referencesOf),
      ...fees.map(({ payeeId }, at) => [`fees[${at}].payeeId`, payeeId]),
      ...initialProperty.map(({ delivererId }, at) => [`initialProperty[${at}].delivererId`, delivererId]),
      ["decisionMakerId", decisionMakerId],
    ]),
  "XQ-R-133": ({ beneficiaryId, guardianId, substituteIds = [] }) => [
    ...where(beneficiaryId && guardianId === beneficiaryId, "guardianId"),
    ...substituteIds.flatMap((id, at) => where(id === beneficiaryId, `substituteIds[${at}]`)),
  ],
  "XQ-R-134": ({ ageFrom, ageUntil }) => where(ageUntil < ageFrom, "ageUntil"),
  "XQ-R-137": ({ tiers = [] }) =>
    tiers.slice(1).flatMap(({ above }, at) => {
      const before = tiers[at].above;
      const rises = above.currency === before.currency && scaled(above.value) > scaled(before.value);
      return where(!rises, `tiers[${at + 1}].above`);
    }),
  "XQ-R-138": ({ scale, amendmentNo }) => where(!scale && !amendmentNo, "scale"),
};

function idsOf(parties) {
  return parties.map(({ party }) => party.partyId);
}

/** Returns the places that name nobody of the contract. */
function strangers(parties, references) {
  const known = idsOf(parties);
  return references.filter(([, id]) => id !== undefined && !known.includes(id)).map(([place]) => place);
}

function listed(place, key, part) {
  return (part[key] ?? []).map((id, at) => [`${place}.${key}[${at}]`, id]);
}

function referencesOf(party, at) {
  const place = `parties[${at}]`;
  const powers = (party.grantedPowers ?? []).flatMap((power, number) =>
    listed(`${place}.grantedPowers[${number}]`, "consenterIds", power),
  );
  return [...listed(place, "principalIds", party), [`${place}.predecessorId`, party.predecessorId], ...powers];
}

function groups(clauses, keyOf) {
  const found = new Map();
  for (const each of clauses) found.set(keyOf(each), [...(found.get(keyOf(each)) ?? []), each]);
  return [...found.values()];
}

/** Says whether shares add up to 100, give or take 0.1 for each: thirds are written as 33.3. */
function isWhole(clauses) {
  const rest = clauses.reduce((sum, { percentage }) => sum + scaled(percentage), -HUNDRED);
  return (rest < 0n ? -rest : rest) * 1000n <= BigInt(clauses.length) * HUNDRED;
}
