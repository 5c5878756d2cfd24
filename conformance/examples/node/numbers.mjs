// Exact decimals, check digits, days of the calendar and texts that can be seen: what rules compute with.

/** Returns the places, if something is broken there. */
export const where = (isBroken, ...places) => (isBroken ? places : []);

const DIGITS = 8;
export const HUNDRED = 100n * 10n ** BigInt(DIGITS);

/** Returns a decimal string as a whole number of 10⁻⁸: exact, unlike floating point. */
export function scaled(text) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(DIGITS, "0"));
}

/** Says whether a text is a day of the calendar: 2026-02-30 has the form, and is none. */
export function isDay(text) {
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text) && !text.startsWith("0000");
}

const CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** Returns the 18th character of a unified social credit code (GB 32100-2015). */
export function creditCodeCheck(code) {
  let [total, weight] = [0, 1];
  for (const character of code.slice(0, 17)) {
    total += CREDIT_ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return CREDIT_ALPHABET[(31 - (total % 31)) % 31];
}

/** Returns the 18th character of a citizen's number (GB 11643-1999). */
export function citizenCheck(number) {
  const total = [...number.slice(0, 17)].reduce((sum, digit, at) => sum + Number(digit) * (2 ** (17 - at) % 11), 0);
  return "10X98765432"[total % 11];
}

/** Returns the 12th character of an ISIN (ISO 6166: Luhn over letters as 10 to 35). */
export function isinCheck(isin) {
  const digits = [...asDigits(isin.slice(0, 11))].reverse();
  const total = digits.reduce((sum, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return sum + Math.floor(value / 10) + (value % 10);
  }, 0);
  return String((10 - (total % 10)) % 10);
}

/** Says whether the check digits of an LEI are right: 1 modulo 97 (ISO 17442). */
export function isLei(lei) {
  return BigInt(asDigits(lei)) % 97n === 1n;
}

function asDigits(text) {
  return [...text].map((character) => parseInt(character, 36)).join("");
}

// Characters that nobody sees or that turn the text around them, and those that are blank.
const REFUSED =
  "\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufffe\\uffff";
const BLANK = " \\n\\xa0\\u115f\\u1160\\u1680\\u180e\\u2000-\\u200d\\u202f\\u205f\\u2800\\u3000\\u3164\\uffa0";
const HAS_REFUSED = new RegExp(`[${REFUSED}]`, "u");
const HAS_VISIBLE = new RegExp(`[^${REFUSED}${BLANK}]`, "u");

/** Says whether a text says something and hides nothing. */
export function isSeen(text) {
  return HAS_VISIBLE.test(text) && !HAS_REFUSED.test(text);
}
