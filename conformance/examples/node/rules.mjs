// The standard's rules: what no schema says. Their texts, levels and places are data, schemas/requirements/rules; what
// they look at is code: on values here, on parts of a message in rules-*.mjs. This partner has those that refuse a
// message of a family trust; a rule that only warns refuses nothing.
import { readdirSync, readFileSync } from "node:fs";
import { creditCodeCheck, isDay, isinCheck, isSeen, scaled } from "./numbers.mjs";
import { CONTRACT_RULES } from "./rules-contract.mjs";
import { KYC_RULES } from "./rules-kyc.mjs";
import { MONEY_RULES } from "./rules-money.mjs";

/** By id: says whether a value of a kind, or with a sign, is kept. */
const VALUE_RULES = {
  "XQ-R-001": isDay,
  "XQ-R-002": (time) => isDay(time.slice(0, 10)) && (time.endsWith("Z") || time.slice(-5) <= "14:00"),
  "XQ-R-003": (currency, codes) => codes("iso4217").has(currency),
  "XQ-R-004": (country, codes) => codes("iso3166-1").has(country),
  "XQ-R-005": (code) => creditCodeCheck(code) === code[17],
  "XQ-R-006": (isin) => isinCheck(isin) === isin[11],
  "XQ-R-008": isSeen,
  "XQ-R-050": (amount) => scaled(amount) > 0n,
  "XQ-R-057": (amount) => scaled(amount) >= 0n,
};
const ONE_CURRENCY = "XQ-R-053";
// By id: returns the places, below a part, where it breaks the rule.
const PART_RULES = { ...KYC_RULES, ...CONTRACT_RULES, ...MONEY_RULES };

/** The rules, with their published texts. `folder`: schemas. */
export class Rules {
  #folder;
  #about = new Map();
  #codes = new Map();

  constructor(folder) {
    this.#folder = folder;
    const rules = new URL("requirements/rules/", folder);
    for (const file of readdirSync(rules)) {
      for (const each of JSON.parse(readFileSync(new URL(file, rules), "utf8"))) this.#about.set(each.id, each);
    }
  }

  /** Yields the errors in one part of a message whose schema is kept. `kind`: REQUEST, FACT or DIRECTIVE. */
  *findings({ value, path, schema, name, about }, kind) {
    const claims = [about.kind?.toLowerCase(), about.sign];
    for (const [id, isKept] of Object.entries(VALUE_RULES)) {
      const applies = typeof value === "string" && this.#about.get(id).appliesTo.some((each) => claims.includes(each));
      if (applies && !isKept(value, (list) => this.#list(list))) yield* this.#finding(id, path, kind);
    }
    for (const [id, broken] of Object.entries(PART_RULES)) {
      const { appliesTo } = this.#about.get(id);
      if (!name || !(appliesTo.includes(name) || appliesTo[0] === "*")) continue;
      for (const place of broken(value)) yield* this.#finding(id, joined(path, place), kind);
    }
    if (schema["x-xinqiao"]?.oneCurrency) {
      for (const place of otherCurrencies(schema, value)) yield* this.#finding(ONE_CURRENCY, joined(path, place), kind);
    }
  }

  #list(name) {
    if (!this.#codes.has(name)) {
      const list = JSON.parse(readFileSync(new URL(`codes/${name}.json`, this.#folder), "utf8"));
      this.#codes.set(name, new Set(list.codes));
    }
    return this.#codes.get(name);
  }

  /** What has happened is refused for less than what is asked for, an order for nothing. */
  *#finding(id, path, kind) {
    const { level, onFact = level, text, fix } = this.#about.get(id);
    const counts = kind === "DIRECTIVE" ? "WARNING" : kind === "FACT" ? onFact : level;
    if (counts === "ERROR") yield { rule: id, level: "ERROR", path: path.slice(0, 300), text, fix };
  }
}

function joined(path, place) {
  return [path, place].filter(Boolean).join(".");
}

/** The amounts of some parts are in one currency. */
function otherCurrencies(schema, part) {
  const amounts = Object.keys(schema.properties).filter(
    (key) => schema.properties[key].$ref === "#/$defs/Money" && key in part,
  );
  const [first, ...others] = amounts;
  return others.filter((key) => part[key].currency !== part[first].currency).map((key) => `${key}.currency`);
}
