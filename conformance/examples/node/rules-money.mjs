// Rules on property that is delivered, on money that came, on reports and disclosures. Each returns the places that
// break it.
import { HUNDRED, scaled, where } from "./numbers.mjs";

const differs = (one, other) => one?.currency && other?.currency && one.currency !== other.currency;

export const MONEY_RULES = {
  "XQ-R-052": ({ amount, payerAccount, payeeAccount }) =>
    Object.entries({ payerAccount, payeeAccount }).flatMap(([name, account]) =>
      where(differs(amount, account), `${name}.currency`),
    ),
  "XQ-R-054": ({ rights = [] }) => {
    const totals = new Map();
    rights.forEach(({ benefit, order, percentage }, at) => {
      const [total] = totals.get(`${benefit} ${order}`) ?? [0n];
      totals.set(`${benefit} ${order}`, [total + scaled(percentage), at]);
    });
    return [...totals.values()].flatMap(([total, at]) => where(total > HUNDRED, `rights[${at}].percentage`));
  },
  "XQ-R-056": ({ payeeAccount, trustAccount, account }) =>
    Object.entries({ payeeAccount, trustAccount, account }).flatMap(([name, each]) =>
      where(each?.name && !each.number, `${name}.number`),
    ),
  "XQ-R-104": ({ number, name }) => where(!number && !name, ""),
  "XQ-R-140": ({ encumbered, encumbrances }) => where(encumbrances && encumbered === false, "encumbered"),
  "XQ-R-143": ({ total, principal, accruedInterest, otherDues }) => {
    const parts = [principal, accruedInterest, otherDues].filter(Boolean);
    const sum = parts.reduce((all, { value }) => all + scaled(value), 0n);
    return where(total && principal && scaled(total.value) !== sum, "total.value");
  },
  "XQ-R-144": ({ outstanding, partial }) => where(outstanding && !partial, "partial"),
  "XQ-R-149": (right) => {
    const days = ["filedOn", "grantedOn", "endDate"].filter((name) => name in right);
    return days.slice(1).filter((name, at) => right[name] < right[days[at]]);
  },

  "XQ-R-061": ({ result, instructionNo }) => where(result === "MATCHED" && !instructionNo, "instructionNo"),
  "XQ-R-062": ({ reason, amount, expectedAmount, tolerance }) =>
    Object.entries({ expectedAmount, tolerance }).flatMap(([name, money]) =>
      where(reason !== "CURRENCY_DIFFERS" && differs(amount, money), `${name}.currency`),
    ),
  "XQ-R-161": ({ amount, allocations = [], suspenseAmount }) => [
    ...allocations.flatMap((each, at) => where(differs(amount, each.amount), `allocations[${at}].amount.currency`)),
    ...where(differs(amount, suspenseAmount), "suspenseAmount.currency"),
  ],
  "XQ-R-162": ({ instructionNo, allocations }) =>
    where(
      instructionNo && allocations && !allocations.some((each) => each.instructionNo === instructionNo),
      "instructionNo",
    ),

  "XQ-R-092": ({ recipients = [] }) =>
    recipients.flatMap((id, at) => where(recipients.indexOf(id) < at, `recipients[${at}]`)),
  "XQ-R-183": ({ instrument, contractNo }) => where(!instrument && !contractNo, "instrument"),
  "XQ-R-204": ({ disclosureNo, replacesDisclosureNo }) =>
    where(replacesDisclosureNo === disclosureNo, "replacesDisclosureNo"),
};
